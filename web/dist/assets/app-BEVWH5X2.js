import"./chunk-IK7AJSXY.js";
