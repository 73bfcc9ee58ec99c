import{a as o,b as r}from"./chunk-Z6TINZXB.js";import"./chunk-IK7AJSXY.js";export{r as ProfileCard,o as shortId};
