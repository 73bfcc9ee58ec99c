package jetstream

import (
	"context"
	"errors"
	"sync"
	"time"
)

// attemptTimeout is how long an answer may take before it is asked for again.
const attemptTimeout = 2 * time.Second

var errLinkLost = errors.New("the servers have not answered")

// link tells of losses of the connection: an answer to what was asked before one
// does not come.
type link struct {
	mu   sync.Mutex // guards below
	up   context.Context
	lost context.CancelFunc
}

func newLink() *link {
	l := &link{}
	l.up, l.lost = context.WithCancel(context.Background())
	return l
}

// lose says that the connection was lost.
func (l *link) lose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost()
	l.up, l.lost = context.WithCancel(context.Background())
}

func (l *link) current() context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.up
}

// request makes a request that has no effect but its answer, and makes it again
// when the connection was lost meanwhile, or the leader that was asked.
func (l *link) request(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for {
		asking, stop := context.WithCancelCause(ctx)
		unwatch := context.AfterFunc(l.current(), func() { stop(errLinkLost) })
		late := time.AfterFunc(attemptTimeout, func() { stop(errLinkLost) })
		err := ask(asking)
		lost := errors.Is(context.Cause(asking), errLinkLost)
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
