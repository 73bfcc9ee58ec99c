// Package presence knows who is in a room, and what of its changes is worth
// telling.
//
// A [Roster] is one room: connections enter and leave it, and its Tick says what
// the room should be told. It starts no goroutine and no timer and reads no
// clock: its owner passes the time in, and asks Due when to call Tick next.
//
//   - A member with several connections is one member. A connection without an
//     id counts as a member that has no name.
//   - A member whose last connection is lost stays for the grace period, so that
//     a page that reloads comes and goes unnoticed. A member who leaves in so many
//     words is gone at once. Nobody stays for longer than that.
//   - A small room is told each change at once, with the count after it. A crowd
//     is told counts and a few names, at most once an interval, however many come
//     and go: its cost does not grow with the square of its size.
//   - What came and went between two calls of Tick is not told.
//   - Members of other nodes are merged in with their nodes' reports. A member is
//     there while any node says so.
//
// Whoever adds up what was told has the count. Who is there can be put together
// from single changes as long as no [Crowd] comes; after one, Members has it anew.
//
// Entering, leaving and each change told cost O(log n) in a room of n, also when
// all leave at the same instant.
package presence
