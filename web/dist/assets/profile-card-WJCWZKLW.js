import{a as o,b as r}from"./chunk-3ZI4ID5V.js";import"./chunk-COOLXFIZ.js";export{r as ProfileCard,o as shortId};
