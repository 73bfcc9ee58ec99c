import"./chunk-3T6TBXLL.js";
