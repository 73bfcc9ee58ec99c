import{a as o,b as r}from"./chunk-F5KEB26K.js";import"./chunk-47WDY3BV.js";import"./chunk-PQZI5SNV.js";import"./chunk-VWGZPN6E.js";export{r as ProfileCard,o as shortId};
