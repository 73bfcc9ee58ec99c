import{a as o,b as r}from"./chunk-ACE6EPPW.js";import"./chunk-W64NGZDO.js";import"./chunk-W4MPBWQ6.js";import"./chunk-M3Z3X32H.js";export{r as ProfileCard,o as shortId};
