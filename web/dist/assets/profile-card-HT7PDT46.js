import{a as o,b as r}from"./chunk-YKYSNYJJ.js";import"./chunk-3T6TBXLL.js";export{r as ProfileCard,o as shortId};
