package client

import (
	"context"
	"crypto/tls"
	"errors"
	"math/rand/v2"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	minBackoff = 100 * time.Millisecond
	// maxRetryAfter bounds the wait that a server can ask for.
	maxRetryAfter = time.Minute
)

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

// retryAfter returns how long the server asks to wait before another attempt, and 0 if
// it does not.
func retryAfter(err error) time.Duration {
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return 0
	}
	for _, detail := range coded.Details() {
		if detail.Type() != "google.rpc.RetryInfo" {
			continue
		}
		// The delay is the only field of RetryInfo. The package of its generated code
		// would be a dependency for that alone.
		number, kind, n := protowire.ConsumeTag(detail.Bytes())
		if number != 1 || kind != protowire.BytesType {
			return 0
		}
		encoded, m := protowire.ConsumeBytes(detail.Bytes()[n:])
		delay := new(durationpb.Duration)
		if m < 0 || proto.Unmarshal(encoded, delay) != nil {
			return 0
		}
		return min(max(delay.AsDuration(), 0), maxRetryAfter)
	}
	return 0
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
		if code == connect.CodeResourceExhausted && retryAfter(err) > 0 {
			return false // too many requests: one that is too large names no time
		}
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
