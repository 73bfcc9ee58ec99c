// Package client is a client of the chatroom service that resumes streams and retries
// sends.
//
// Follow delivers every event of a room exactly once and in the room's order, across
// disconnections, restarts and drains of the server. Events that can't be delivered
// are reported as a *ResetError; none are skipped silently.
//
// Send stores a message exactly once, however often it is retried: the caller's id
// identifies the send as long as the server remembers ids (10 minutes by default).
// When Send returns without an error, the event is in the log.
//
// Both retry until their context ends. The pause before a retry is random, between
// zero and a bound that doubles from 0.1 s to 10 s, so that the clients of a server
// that restarts do not reconnect all at once. Permanent errors, such as an invalid
// room name or token, are returned at once, as a *connect.Error with its code.
//
// A Client is safe for concurrent use. It starts no goroutines that outlive the call
// that started them.
package client
