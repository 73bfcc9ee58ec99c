// Command chat2026 is a client of the first version of chat.v1, with code generated
// from its own copy of that contract, contract.binpb. It shares no code with the
// server, so that talking to it proves that such clients still work. It must be a
// process of its own: its contract and today's have the same names.
//
//	chat2026 [-protocol connect|grpc|grpcweb] [-json] [-http 1|2] [-method chat|subscribe|poll] URL ROOM
//
// It begins with what the room has retained, prints the text of each message as a
// line, and says each line of standard input. Of everything else that it receives
// it knows no more than the contract's advice, which is to skip it. An event whose
// previous one it has not seen is an error. Errors are reported on standard error,
// with exit code 1. It ends well when it gets SIGINT or SIGTERM.
//
// The line "ready" on standard error says that it has caught up with the room.
package main

// The go command skips testdata when it expands ./..., so this is run by name:
// go generate ./server/internal/e2e/oldclients/testdata/chat2026
//
//go:generate go -C ../../../../../.. tool -modfile=tools/go.mod buf generate --template server/internal/e2e/oldclients/testdata/chat2026/buf.gen.yaml
