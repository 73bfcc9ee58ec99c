import{a as o,b as r}from"./chunk-3E66PC6N.js";import"./chunk-47WDY3BV.js";import"./chunk-2OTI2LR6.js";import"./chunk-434DOOEJ.js";export{r as ProfileCard,o as shortId};
