// Package ratelimit bounds what one caller can ask of the service.
//
// A Limiter has a token bucket for each kind of request, and for each member, address
// and room that makes it. A request passes if all its buckets have a token, and takes
// none if one of them has not. What is refused costs nothing, and says when to try
// again. Slots bounds what is held at the same time, as connections are.
//
// Memory is bounded: a bucket that has filled up again is the same as none, and is
// dropped. With more callers than buckets the one that is nearest to full goes first, so
// that a flood from many addresses can win itself some requests, but can not lock others
// out.
//
// The package starts no goroutine. All methods are safe for concurrent use, unless they
// say otherwise.
package ratelimit
