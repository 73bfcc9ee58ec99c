// Package presence determines who is present in a room, and which changes of that are
// announced to the room.
//
// A [Roster] is one room: connections enter and leave it, and its Tick returns what is to be
// announced. It starts no goroutine and no timer and reads no clock: its owner passes the
// time, and asks Due when to call Tick next.
//
//   - A member with several connections is one member. A connection without an id counts as
//     a member that has no name.
//   - A member whose last connection is lost stays present for the grace period, so that
//     reloading a page is not announced. A member who leaves explicitly does not stay.
//   - In a small room each change is announced at once, with the count after it. In a large
//     room a [Summary] with counts and a few names is announced, and a few changes of names,
//     at most once an interval: the cost does not grow with the square of the room's size.
//   - A member who joins and leaves between two calls of Tick is not announced.
//
// The sum of what was announced is the count. Receivers can maintain the list of members from
// single changes until a Summary comes; after one they ask for the list anew.
//
// Entering, leaving and each announced change cost O(log n) in a room of n members, also when
// all leave at the same instant.
package presence
