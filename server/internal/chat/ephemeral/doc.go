// Package ephemeral publishes events that are not stored: typing, presence, changed
// profiles, and custom events that an application marks as ephemeral.
//
// A [Topic] adds what such events need to a fanout.Topic, which carries a room's stored
// events as well:
//
//   - Of the events with the same sender and key, the newest supersedes the others. A
//     subscriber that joins, or that has fallen behind, starts with the newest of each
//     key, and skips superseded ones.
//   - A member's typing is delivered at most once every three seconds.
//
// A room keeps at most 1,000 keys, and those of a member until Forget is called after the
// member has left.
package ephemeral
