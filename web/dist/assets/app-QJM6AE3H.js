import"./chunk-G2UZR34H.js";
