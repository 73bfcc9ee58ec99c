import{a as o,b as r}from"./chunk-L2IMFT42.js";import"./chunk-SSIXL4EC.js";import"./chunk-PDH3PH4F.js";export{r as ProfileCard,o as shortId};
