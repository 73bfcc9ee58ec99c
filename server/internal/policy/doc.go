// Package policy decides what a caller may do in a room, and says why.
//
// The rights of a caller are a union that never subtracts: what the policy gives to
// callers of its kind in the room, what the policy gives to the member by id, what
// the creator of a room has, and the grants of the caller's credential. Bans and mutes
// are the only denials, and come first. A caller who drops a credential gains nothing
// by it, except that an API key has only what was granted to it.
//
// To confine callers to some rooms, an operator takes the rights of the other rooms
// from their kind in the policy file, and grants the rest by credential.
//
// Every decision carries the rule that it rests on. All methods are safe for concurrent
// use, and none of them blocks on a file or a network, except those that say so.
package policy
