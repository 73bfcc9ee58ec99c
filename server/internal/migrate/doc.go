// Package migrate moves the store of a former data directory into the current one.
//
// The former store was JetStream, embedded in the server; natsfile reads its files. It
// is read completely before anything is written, and proved to be whole: each event
// has a checksum and names the event before it in its room. A store of which anything
// is damaged or missing is not moved unless the caller forces it, and then its clients
// are given a new epoch, so that they read afresh. The former files are never changed.
package migrate
