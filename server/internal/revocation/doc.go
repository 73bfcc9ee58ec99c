// Package revocation keeps which tokens are no longer valid although they have not
// expired: single ones by their jti claim, and those of a member by the time at which they
// were issued.
//
// Revocations are records of the chat.State: they survive restarts, and all nodes follow
// them. All are in memory, so that a credential is checked without the store; there are at
// most MaxRevocations. One is forgotten when the tokens that it is about have expired, if
// that time is known.
package revocation
