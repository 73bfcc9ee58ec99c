import"./chunk-QQTL7TAO.js";
