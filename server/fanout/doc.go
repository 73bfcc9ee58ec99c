// Package fanout delivers each published value to every subscriber, in one
// order.
//
// A [Topic] keeps a window of recent values. A [Subscription] is a position in
// it, not a queue: a subscriber costs the same whether it is idle, busy or
// stuck.
//
//   - Publish never blocks and never waits for a reader.
//   - A subscriber that wakes up takes everything pending in one batch.
//   - A subscriber that falls behind the window gets [ErrLagged] and may call
//     [Subscription.Rejoin]; other subscribers are not affected.
//   - After a topic is closed, its subscribers take what is still pending and then
//     get [ErrClosed].
//
// A [Budget] bounds, in bytes, the windows of many topics and other memory, such as
// a cache, together.
//
// Subscribers share the values: what a published pointer or slice refers to must
// not be modified afterwards. A topic keeps the values in its window even if it has
// no subscribers. Publishing more than a window's worth in one call makes every
// subscriber lag.
//
// The package starts no goroutine. A Topic is safe for use by any number of
// goroutines; a Subscription belongs to one goroutine, except for Close.
package fanout
