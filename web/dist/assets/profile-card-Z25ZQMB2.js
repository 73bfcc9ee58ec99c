import{a as o,b as r}from"./chunk-GEONXZDR.js";import"./chunk-QQTL7TAO.js";export{r as ProfileCard,o as shortId};
