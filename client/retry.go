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

// backoff spreads attempts over time, with full jitter: many clients that lost
// the same server come back spread over the whole pause.
type backoff struct {
	max   time.Duration
	bound time.Duration // of the next pause; zero before the first
}

// pause returns how long to wait before the next attempt.
func (b *backoff) pause() time.Duration {
	b.bound = min(max(2*b.bound, minBackoff), b.max)
	return rand.N(b.bound)
}

// reset begins anew, after an attempt that got somewhere.
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

// permanent says whether an attempt failed for a reason that the next one would
// meet again. What the server says is taken at its word. What this side says is
// mostly about a connection that broke, under codes that differ by protocol and
// by where it broke; the exceptions are those of a server that is another one.
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
