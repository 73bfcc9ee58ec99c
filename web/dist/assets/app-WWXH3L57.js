import"./chunk-COOLXFIZ.js";
