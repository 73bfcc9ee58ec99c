// Package client speaks to a chatroom service, and keeps going when the service,
// or the way to it, does not.
//
// Follow delivers every event of a room exactly once and in the room's order,
// through disconnections, restarts and drains of the server. What can't be
// delivered any more is said, as a *ResetError; nothing is skipped silently.
//
// Send stores a message exactly once, however often it has to be tried: the id
// that the caller gives makes all attempts the same send, for as long as the
// server remembers ids (10 minutes by default). Once Send has answered without
// an error, the event is in the log.
//
// Both try again until their context ends: after a random time between zero and
// a bound that doubles from 0.1 s to 10 s, so that the clients of a server that
// comes back don't all come at once. Errors that trying again can't help, such
// as a room's name out of bounds or a token that is not valid, are returned at
// once, as a *connect.Error with its code.
//
// A Client may be used by several goroutines. It starts none of its own that
// outlive the call they serve.
package client
