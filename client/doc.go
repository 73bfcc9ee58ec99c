// Package client is a client of the chatroom service that resumes streams and retries
// sends.
//
//	c, err := client.New(client.Config{URL: "https://chat.example", Token: client.NewGuest("gopher", "")})
//	…
//	defer c.Close(ctx)
//	receipt, err := c.Send(ctx, "lobby", client.Text("Hello!"))
//	…
//	for event, err := range c.Follow(client.Recent("lobby", 50), client.Live("games")).Events(ctx) {
//		…
//	}
//
// # Receiving
//
// A Feed delivers every event of its rooms exactly once and in each room's order, across
// disconnections, restarts and drains of the server. Events that can't be delivered any
// more are reported as a Reset; none are skipped silently. A connection that is silent for
// twice the heartbeat interval of the server is replaced, on every transport.
//
// Resume and a CursorStore carry that over to the next process: at least once, and exactly
// once if the program handles an event twice as it does once.
//
// # Sending
//
// Send stores an event exactly once, however often it is retried, and in the order of the
// calls for each room. The id of a send identifies it as long as the server remembers ids;
// after that a send whose outcome is unknown is not repeated, and says so with
// ErrUnknownOutcome. When Send returns without an error, the event is in the log.
//
// # Failing
//
// What fails for a temporary reason is repeated until the context ends. The pause before
// a retry is random, between zero and a bound that doubles from 0.1 s to 10 s, so that the
// clients of a server that restarts do not reconnect all at once. If the server says how
// long to wait, it is that and a little more. Permanent errors, such as an invalid room
// name or token, are returned at once, as a *connect.Error with its code.
//
// A Client is safe for concurrent use. Close leaves no goroutine behind.
package client
