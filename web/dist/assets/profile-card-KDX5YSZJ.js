import{a as o,b as r}from"./chunk-EVYLRNLF.js";import"./chunk-7TA7KANQ.js";export{r as ProfileCard,o as shortId};
