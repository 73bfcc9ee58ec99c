import{a as o,b as r}from"./chunk-4ZAQJIFW.js";import"./chunk-TBLYN256.js";export{r as ProfileCard,o as shortId};
