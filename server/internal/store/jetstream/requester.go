package jetstream

import (
	"context"
	"errors"
	"sync"
	"time"
)

// attemptTimeout is how long a response may take before the request is repeated.
const attemptTimeout = 2 * time.Second

var errNoAnswer = errors.New("the servers have not answered")

// requester repeats requests whose response is lost: with the connection, or with the leader
// that was asked.
type requester struct {
	mu        sync.Mutex // guards below
	connected context.Context
	cancel    context.CancelFunc // ends connected
}

func newRequester() *requester {
	r := &requester{}
	r.connected, r.cancel = context.WithCancel(context.Background())
	return r
}

// disconnected is called when the connection is lost.
func (r *requester) disconnected() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cancel()
	r.connected, r.cancel = context.WithCancel(context.Background())
}

// connection returns a context that ends when the connection is lost.
func (r *requester) connection() context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.connected
}

// request calls ask, which makes a request without side effects, until there is a response.
func (r *requester) request(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for {
		attempt, stop := context.WithCancelCause(ctx)
		unwatch := context.AfterFunc(r.connection(), func() { stop(errNoAnswer) })
		late := time.AfterFunc(attemptTimeout, func() { stop(errNoAnswer) })
		err := ask(attempt)
		lost := errors.Is(context.Cause(attempt), errNoAnswer)
		late.Stop()
		unwatch()
		stop(nil)
		if err == nil || !lost {
			return err
		}
		select {
		case <-time.After(retryWait):
		case <-ctx.Done():
			return err
		}
	}
}
