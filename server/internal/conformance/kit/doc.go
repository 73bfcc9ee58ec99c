// Package kit checks clients of the chatroom service. A scripted server, which speaks the
// contract over Connect, gRPC and gRPC-Web, leads a client under test through scenarios:
// connections that break, streams that repeat, omit and reorder events, logs that are lost,
// answers that do not arrive. The client is driven by the protocol of the package driver,
// which also says what its application sees. Run returns for each scenario what the client
// did wrong, in words.
//
// Lower bounds of times are exact: a client that reconnects too early has done so, however
// busy the machine is. Upper bounds are generous.
package kit
