// Package eventpb converts events between the domain and chat.v1.Event, which is both
// what a journal stores and what clients receive.
//
// One message serves both purposes, so this is the one place to change for a new kind of
// event: FromEvent writes its body, ToBody reads it. [Encoding] is the stored form: a
// chat.v1.Event without the fields that the journal keeps itself. Stored bytes outlive
// every version of this program. TestStoredBytes fails when they change.
package eventpb
