import{a as o,b as r}from"./chunk-VJXWIODD.js";import"./chunk-SSIXL4EC.js";import"./chunk-SK6GAXTE.js";export{r as ProfileCard,o as shortId};
