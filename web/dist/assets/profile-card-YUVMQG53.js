import{a as o,b as r}from"./chunk-76QU6AO5.js";import"./chunk-SSIXL4EC.js";import"./chunk-G2UZR34H.js";export{r as ProfileCard,o as shortId};
