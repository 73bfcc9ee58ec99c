import"./chunk-PDH3PH4F.js";
