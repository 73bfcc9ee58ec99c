// Command hello2019 is a client of 2019: grpc-go, with stubs generated from its
// own copy of the contract that it was compiled with. It shares no code with the
// server, so that talking to it proves that such clients still work.
//
//	hello2019 ADDR
//
// It opens /hello.ChatRoom/Chat over plaintext gRPC, says each line of standard
// input, and prints each message that it receives as a line. When its input has
// ended it goes on receiving until the server ends the stream, or until it gets
// SIGINT or SIGTERM. A stream that ends with an error is reported on standard
// error, with exit code 1.
//
// The line "ready" on standard error says that the stream was opened. It does not
// say that the server has answered: a server of 2019 sends nothing, headers
// included, before its first message.
package main

// The go command skips testdata when it expands ./..., so this is run by name:
// go generate ./server/internal/e2e/oldclients/testdata/hello2019
//
//go:generate go -C ../../../../../.. tool -modfile=tools/go.mod buf generate --template server/internal/e2e/oldclients/testdata/hello2019/buf.gen.yaml
