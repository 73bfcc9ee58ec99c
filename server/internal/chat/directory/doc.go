// Package directory is the list of all rooms: which there are, how they present
// themselves, and how the list changes.
//
// A [Directory] keeps the list in memory, in a roomindex.Index, and answers from there. It
// reads the rooms from the journal and their profiles from the state when they are first
// asked for, and follows both from then on, so that it also learns what other nodes store.
// The numbers of members come from the service, and are those of this node.
//
// Files: rooms.go keeps the list in step with the journal, profiles.go with the state;
// query.go answers pages of it, and watch.go publishes changes.
package directory
