import"./chunk-7TA7KANQ.js";
