import"./chunk-3LIFSVJU.js";
