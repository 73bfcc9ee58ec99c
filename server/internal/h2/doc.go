// Package h2 is an HTTP/2 server for many long-lived streams.
//
// It serves any [http.Handler], over cleartext by prior knowledge and over TLS
// by ALPN, and adds what net/http does not have:
//
//   - A handler may detach its stream ([Detach]) and return. A detached stream
//     has no goroutine: its owner appends to it with calls that never wait, and
//     is notified when a stream that refused data accepts more, or has ended.
//   - A connection has one outbound buffer, of package outbound. Frames are appended
//     to it whole, by any goroutine. A flush is one write to the socket that does not
//     wait, and what the socket does not take is written once it can be. No lock is
//     held while a goroutine waits for a socket.
//   - Everything a peer can make the server do or keep is bounded ([Budgets]). A
//     connection over a budget gets GOAWAY with ENHANCE_YOUR_CALM and is closed.
//   - An idle connection has one goroutine and no buffers.
//
// # Guarantees
//
// Data of a stream is sent in the order in which it was written. Data that
// [Stream.Append] accepted is sent unless the stream ends first, and data that
// it refused is not sent at all. A handler that writes to a peer that does not
// read waits, alone, until the peer reads, the deadline of
// [http.ResponseController] passes, or the stream ends.
//
// # Frames
//
// Frames are read and checked by [golang.org/x/net/http2.Framer] and header
// blocks are decoded by its hpack package. Response headers are encoded without
// the dynamic table: the streams of this server live long and send headers
// twice, so that a table for each connection costs more memory than it saves
// bytes, and a block without it can be encoded once, ahead of time, and in any
// order. Frames are written by this package, because Framer's writer copies
// each frame through a buffer of its own that it keeps.
//
// Not supported: server push, extended CONNECT (RFC 8441), priorities (frames
// are checked and ignored).
package h2
