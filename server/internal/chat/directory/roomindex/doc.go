// Package roomindex holds rooms in memory, in the order of their names and of their last
// activity.
//
// An update costs O(log n) in the number of rooms, and a page O(log n) plus what it returns.
// A room costs about 130 bytes beside its display name and topic: BenchmarkMemory measures
// it.
//
// The index remembers in which order rooms have changed, not what has changed: Changes
// returns rooms as they are now, each once, however often it changed. It also remembers the
// names of the newest 1,000 rooms that were removed. The package starts no goroutine.
package roomindex
