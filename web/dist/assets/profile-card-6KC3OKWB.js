import{a as o,b as r}from"./chunk-KQ7HB2LS.js";import"./chunk-47WDY3BV.js";import"./chunk-Z5U2T5Q2.js";import"./chunk-KFBVUITB.js";export{r as ProfileCard,o as shortId};
