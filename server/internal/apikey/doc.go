// Package apikey holds the keys with which back ends call the service.
//
// A key is shown once, when it is created. Its secret is stored as a SHA-256 hash: it
// has 256 random bits, so guessing it is not feasible. A slow or salted hash,
// as passwords need because people choose them, would only make each call slower.
// The key's id is stored as it is, finds the record, and may be logged.
//
// Keys are records of the chat.State, so that all nodes know them; a key that is revoked
// on one is refused on the others as soon as they hear of it. When a key was used is
// known to the hour, and is written behind the calls, not by them.
package apikey
