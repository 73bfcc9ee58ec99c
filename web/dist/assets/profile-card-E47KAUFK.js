import{a as o,b as r}from"./chunk-HKFWPQQV.js";import"./chunk-47WDY3BV.js";import"./chunk-U2WVQM7T.js";import"./chunk-KU437MJZ.js";export{r as ProfileCard,o as shortId};
