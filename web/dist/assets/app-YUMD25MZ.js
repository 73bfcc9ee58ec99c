import"./chunk-NK6Y5GVX.js";
