// Package load makes the load: subscribers by the thousand, one publisher, and
// the checks.
//
// A [ClientPool] holds one connection per subscriber, or several streams of HTTP/2 on
// each, and reads all of them in one goroutine, with epoll, into one buffer. It parses just enough of each protocol
// to find the messages, so that a delivery costs the generator about as much as
// the system call that reads it. What is measured is the server.
//
// Every message carries a number and the time at which it was due. Each
// subscriber verifies the numbers: what was lost, duplicated or reordered is
// counted. For the service it also verifies the chain of previous sequences that
// the contract promises.
//
// The package needs Linux. A ClientPool starts one goroutine, which Close waits for.
package load
