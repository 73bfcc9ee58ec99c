import{a as o,b as r}from"./chunk-KS6XTH6A.js";import"./chunk-SSIXL4EC.js";import"./chunk-3LIFSVJU.js";export{r as ProfileCard,o as shortId};
