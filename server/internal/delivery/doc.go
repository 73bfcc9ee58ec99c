// Package delivery runs the deliveries of many streams on a few goroutines.
//
// A [Task] is one stream's delivery: a function that takes what is pending for the
// stream and appends it to the stream's connection, without waiting for anything.
// Each [Conn] belongs to one worker of a [Pool], and all tasks of a connection run
// on that worker, one at a time: so a stream never has two writers, and a turn that
// delivers to many streams of one connection flushes it once.
//
// Tasks that have to wait for storage return [Blocks], and run on a bounded number of
// other goroutines until they have caught up. An idle task costs its state and nothing
// else: no goroutine, no timer.
//
// Fairness: workers keep two queues, for deliveries to few and to many
// subscribers, and take from both in each turn. A delivery in a small room waits
// for at most one turn of a large room's.
package delivery
