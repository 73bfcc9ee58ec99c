package client

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"
)

const minBackoff = 100 * time.Millisecond

// backoff is an exponential backoff with full jitter: clients that lose the same
// server at once reconnect spread over the whole pause.
type backoff struct {
	max   time.Duration
	bound time.Duration // the upper bound of the last pause; zero before the first
}

// pause returns how long to wait before the next attempt.
func (b *backoff) pause() time.Duration {
	b.bound = min(max(2*b.bound, minBackoff), b.max)
	return rand.N(b.bound)
}

// reset starts over, after a successful attempt.
func (b *backoff) reset() { b.bound = 0 }

// wait returns nil after d, or the cause of ctx's end.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// permanent reports whether a retry would fail for the same reason. Codes that the
// server sent are reliable. Codes that were set on this side mostly report a broken
// connection and differ by protocol and by where it broke; the exceptions indicate
// that the server is a different one.
func permanent(err error) bool {
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return true
	}
	code := connect.CodeOf(err)
	if connect.IsWireError(err) {
		switch code {
		case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeAborted, connect.CodeCanceled:
			return false
		}
		return true
	}
	switch code {
	case connect.CodeUnimplemented, connect.CodeUnauthenticated, connect.CodePermissionDenied:
		return true
	}
	return false
}
