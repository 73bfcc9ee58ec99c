package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
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

// after returns how long to wait after an error: as long as the server asks, and a little
// longer, so that those who were asked at once do not come back at once; or the next pause,
// if the server does not ask.
func (b *backoff) after(err error) time.Duration {
	asked := retryAfter(err)
	if asked == 0 {
		return b.pause()
	}
	return asked + rand.N(min(max(asked/4, minBackoff), time.Second))
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
	// The delay is the only field of RetryInfo. The package of its generated code would
	// be a dependency for that alone.
	encoded, ok := firstField(detailOf(err, "google.rpc.RetryInfo"), 1)
	delay := new(durationpb.Duration)
	if !ok || proto.Unmarshal(encoded, delay) != nil {
		return 0
	}
	return min(max(delay.AsDuration(), 0), maxRetryAfter)
}

// errorInfo returns the reason and the metadata of the detail google.rpc.ErrorInfo.
func errorInfo(err error) (reason string, metadata map[string]string) {
	info := detailOf(err, "google.rpc.ErrorInfo")
	if text, ok := firstField(info, 1); ok {
		reason = string(text)
	}
	metadata = make(map[string]string)
	eachField(info, func(number protowire.Number, entry []byte) {
		if number == 3 {
			key, _ := firstField(entry, 1)
			value, _ := firstField(entry, 2)
			metadata[string(key)] = string(value)
		}
	})
	return reason, metadata
}

// detailOf returns the encoded detail of a type, empty if there is none.
func detailOf(err error, name string) []byte {
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		for _, detail := range coded.Details() {
			if detail.Type() == name {
				return detail.Bytes()
			}
		}
	}
	return nil
}

// eachField calls yield for the fields of an encoded message that are of the wire type
// of bytes, until it can't be decoded.
func eachField(message []byte, yield func(number protowire.Number, value []byte)) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		message = message[n:]
		size := protowire.ConsumeFieldValue(number, kind, message)
		if size < 0 {
			return
		}
		if kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(message)
			yield(number, value)
		}
		message = message[size:]
	}
}

func firstField(message []byte, want protowire.Number) (value []byte, ok bool) {
	eachField(message, func(number protowire.Number, v []byte) {
		if number == want && !ok {
			value, ok = v, true
		}
	})
	return value, ok
}

// permanent reports whether a retry would fail for the same reason. Codes that the
// server sent are reliable. Codes that were set on this side mostly report a broken
// connection and differ by protocol and by where it broke; the exceptions indicate
// that the server is a different one.
func permanent(err error) bool {
	if _, untrusted := errors.AsType[*tls.CertificateVerificationError](err); untrusted {
		return true
	}
	if failed, ok := errors.AsType[*tokenError](err); ok {
		return connect.IsWireError(failed.err) && permanent(failed.err) // a guest may not sign in
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

// retry calls attempt until it succeeds, fails for good, or ctx ends. The error is then
// that of ctx, joined with that of the last attempt.
func (c *Client) retry(ctx context.Context, attempt func(context.Context) error) error {
	pauses := backoff{max: c.config.MaxBackoff}
	for {
		err := c.attempt(ctx, attempt)
		if err == nil || ctx.Err() == nil && permanent(err) {
			return err
		}
		if ctxErr := wait(ctx, pauses.after(err)); ctxErr != nil {
			return fmt.Errorf("%w, after: %w", ctxErr, err)
		}
	}
}

// attempt calls attempt once, for at most the timeout.
func (c *Client) attempt(ctx context.Context, attempt func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.AttemptTimeout)
	defer cancel()
	return attempt(ctx)
}

// mayNotCarry reports whether the error of a Chat stream that did not begin is one of a
// way that does not carry Chat: of HTTP/1.1, of a proxy that waits for the end of the
// request, or of a server without it.
func mayNotCarry(err error) bool {
	switch connect.CodeOf(err) {
	case connect.CodeUnimplemented, connect.CodeUnknown, connect.CodeInternal:
		return true
	}
	return false
}
