import"./chunk-SK6GAXTE.js";
