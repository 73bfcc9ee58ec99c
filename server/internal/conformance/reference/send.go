package reference

import (
	"context"
	"crypto/rand"
	"errors"
	randv2 "math/rand/v2"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/conformance/driver"
)

const (
	minBackOff = 100 * time.Millisecond
	maxBackOff = 10 * time.Second
	// attemptTimeout is how long an answer to a send may take before the send is repeated.
	attemptTimeout = 5 * time.Second
)

// backOff is an exponential back-off with full jitter: clients that lose the same server at
// once come back spread over the whole pause.
type backOff struct{ bound time.Duration }

func (b *backOff) next(fault Fault) time.Duration {
	b.bound = min(max(2*b.bound, minBackOff), maxBackOff)
	switch fault {
	case NoBackOff:
		return time.Millisecond
	case NoJitter:
		return b.bound
	}
	return randv2.N(b.bound)
}

func (b *backOff) reset() { b.bound = 0 }

// wait waits for d or the end of ctx.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// sendAll sends what is queued, one after the other: unary calls in flight at the same time
// may overtake one another.
func (c *client) sendAll(ctx context.Context) {
	for {
		select {
		case command := <-c.queue:
			if c.config.Fault == SendsConcurrently {
				c.running.Go(func() { c.send(ctx, command) })
				continue
			}
			c.send(ctx, command)
		case <-ctx.Done():
			return
		}
	}
}

// send sends a message until it is stored or refused for good. All attempts have one id.
func (c *client) send(ctx context.Context, command driver.Command) {
	request := &chatv1.SendRequest{
		Room: command.Room, Id: rand.Text(),
		Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: command.Text}},
	}
	var pauses backOff
	for refusals := 0; ctx.Err() == nil; {
		if c.config.Fault == NewIDAtRetry {
			request.Id = rand.Text()
		}
		attempt, cancel := context.WithTimeout(ctx, attemptTimeout)
		response, err := c.rpc.Send(attempt, request)
		cancel()
		if err == nil {
			c.report.Report(driver.Report{Report: driver.Sent, Ref: command.Ref, Sequence: driver.Sequence(response.GetSequence())})
			return
		}
		if ctx.Err() != nil {
			return
		}
		if permanent(err) {
			refusals++
		}
		if permanent(err) && (c.config.Fault != RepeatsRefused || refusals > 3) || c.config.Fault == GivesUpSends {
			c.report.Report(driver.Report{Report: driver.Failed, Ref: command.Ref, Code: connect.CodeOf(err).String(), Message: err.Error()})
			return
		}
		wait(ctx, max(pauses.next(c.config.Fault), c.retryAfter(err)))
	}
}

// permanent reports whether a send would be refused again. Only the server says so: errors
// of the connection are temporary.
func permanent(err error) bool {
	if !connect.IsWireError(err) {
		return false
	}
	switch connect.CodeOf(err) {
	case connect.CodeResourceExhausted:
		coded, ok := errors.AsType[*connect.Error](err)
		return !ok || retryInfo(coded) == 0
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded, connect.CodeAborted, connect.CodeCanceled, connect.CodeUnknown:
		return false
	}
	return true
}

// retryInfo returns how long the server asks to wait, 0 if it does not.
func retryInfo(err *connect.Error) time.Duration {
	for _, d := range err.Details() {
		value, decodeErr := d.Value()
		if decodeErr != nil {
			continue
		}
		if info, ok := value.(*errdetails.RetryInfo); ok {
			return max(info.GetRetryDelay().AsDuration(), 0)
		}
	}
	return 0
}
