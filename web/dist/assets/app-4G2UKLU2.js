import"./chunk-TBLYN256.js";
