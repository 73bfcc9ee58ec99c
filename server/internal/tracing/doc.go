// Package tracing exports spans by OpenTelemetry, if its standard variables ask for that.
//
// One event can be followed from its send to its delivery: the call, or the send on a Chat
// stream, has a span; below it are the append, from being given to the store until it is
// answered, the group commit that has stored it, and the delivery on this node, from being
// published until the first subscriber's connection has it. There is one delivery span for an
// event, however many subscribers there are. A stream has a span for its beginning and one for
// its end, both short.
//
// The parts of the server know nothing of it: they have hooks, which are nil without it. The
// context of a trace comes from the caller's traceparent and is not stored with events: other
// nodes don't trace their deliveries.
package tracing
