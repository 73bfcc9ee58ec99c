import{a as o,b as r}from"./chunk-37YHOJ3F.js";import"./chunk-SSIXL4EC.js";import"./chunk-DGERZARY.js";export{r as ProfileCard,o as shortId};
