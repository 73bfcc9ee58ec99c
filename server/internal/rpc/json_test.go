package rpc

// jsonCodec is that of a server without a schema.
var jsonCodec = newJSONCodec(nil)
