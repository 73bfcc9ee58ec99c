// Package fanout delivers each published value to every subscriber, in one
// order.
//
// A [Topic] keeps a window of recent values. A [Subscription] is a position in
// it, not a queue: a subscriber costs the same whether it is idle, busy or
// stuck.
//
//   - Publish never blocks and never waits for a reader.
//   - A subscriber that wakes up takes all that is pending in one batch.
//   - A subscriber that falls out of the window gets [ErrLagged] and may
//     [Subscription.Rejoin]; the others notice nothing.
//   - Close of a topic lets its subscribers take what is pending, and then gives
//     them [ErrClosed].
//
// A [Budget] bounds the windows of many topics together in bytes, and other memory
// beside them, such as a cache.
//
// Subscribers share the values: what a published pointer or slice refers to must
// not change any more. A topic holds on to the values in its window, also when
// nobody subscribes. Publishing more than a window's worth in one call leaves
// every subscriber behind.
//
// The package starts no goroutine. A Topic is safe for use by any number of
// goroutines; a Subscription belongs to one goroutine, except for Close.
package fanout
