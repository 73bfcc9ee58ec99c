// Package migrate moves the store of a former data directory into the current one.
//
// The former store was JetStream, embedded in the server; natsfile reads its files. They
// are read completely and checked before anything is written: each event has a checksum and
// the sequence of the event before it in its room. A store of which anything is damaged or
// missing is not moved unless the caller forces it. Then it gets a new epoch, so that clients
// receive a Reset. The former files are never changed.
package migrate
