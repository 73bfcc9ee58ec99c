import{a as o,b as r}from"./chunk-7CNCI44A.js";import"./chunk-NK6Y5GVX.js";export{r as ProfileCard,o as shortId};
