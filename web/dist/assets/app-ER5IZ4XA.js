import"./chunk-DGERZARY.js";
