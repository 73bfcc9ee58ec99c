package h2

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/net/http2"
)

// Errors of streams.
var (
	// ErrBlocked is returned by [Stream.Append] for data that it did not take:
	// the peer's window is used up or its socket is full. Owner.Writable is
	// called when the stream accepts more.
	ErrBlocked = errors.New("h2: stream is blocked")
	// ErrFinished is returned for a stream that its own side has ended.
	ErrFinished = errors.New("h2: stream is finished")
	// ErrNotStream is returned by [Detach] for a response that is not a stream
	// of this package.
	ErrNotStream = errors.New("h2: not a stream of this server")

	errBodyClosed = errors.New("h2: body is closed")
)

// ConnError says why a connection ended.
type ConnError struct {
	// Peer is the remote address.
	Peer string
	// Code is the error code of the GOAWAY that was sent or received.
	Code http2.ErrCode
	// Budget is the name of the budget that the peer went over, or empty.
	Budget string
	// Reason says what happened.
	Reason string
	// Err is the cause, or nil.
	Err error
}

func (e *ConnError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "h2: connection from %s: %s", e.Peer, e.Reason)
	if e.Code != http2.ErrCodeNo {
		fmt.Fprintf(&b, " (%v)", e.Code)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

func (e *ConnError) Unwrap() error { return e.Err }

// StreamError says why a stream ended before its time.
type StreamError struct {
	Peer string
	ID   uint32
	Code http2.ErrCode
	// Remote is true if the peer reset the stream, false if the server did.
	Remote bool
	Reason string
}

func (e *StreamError) Error() string {
	by := "by the server"
	if e.Remote {
		by = "by the peer"
	}
	s := fmt.Sprintf("h2: stream %d of %s was reset %s with %v", e.ID, e.Peer, by, e.Code)
	if e.Reason != "" {
		s += ": " + e.Reason
	}
	return s
}

// connFault and streamFault are what the handling of a frame returns for what
// the peer did wrong. They become a ConnError and a StreamError.
type connFault struct {
	code   http2.ErrCode
	budget *budgetKind // nil unless the fault is a budget
	reason string
}

func (f connFault) Error() string { return f.reason }

type streamFault struct {
	id     uint32
	code   http2.ErrCode
	reason string
}

func (f streamFault) Error() string { return f.reason }
