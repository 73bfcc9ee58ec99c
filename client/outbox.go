package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

// UnsentError is returned by Close if sends were left in the outbox.
type UnsentError struct {
	Unsent []Unsent // those of one room in their order
}

// Unsent is a send that was not answered when the client was closed. To send it later,
// in another process as well, send the same body with the same id.
type Unsent struct {
	// Request is what was to be sent.
	Request *chatv1.SendRequest
	// Attempted reports that the event may be stored.
	Attempted bool
}

// Error implements error.
func (e *UnsentError) Error() string {
	return fmt.Sprintf("client: closed with %d sends in the outbox", len(e.Unsent))
}

// Is reports whether target is ErrClosed.
func (e *UnsentError) Is(target error) bool { return target == ErrClosed }

// Sending is a send in the outbox.
type Sending struct {
	request   *chatv1.SendRequest
	ephemeral bool
	outbox    *outbox
	queued    time.Time
	done      chan struct{} // closed when receipt and err are set

	mu        sync.Mutex // guards below, until done is closed
	cancel    context.CancelCauseFunc
	withdrawn error // why no attempt is to be made any more
	attempted bool  // the event may be stored
	receipt   Receipt
	err       error
}

func (c *Client) newSending(request *chatv1.SendRequest, ephemeral bool) *Sending {
	return &Sending{request: request, ephemeral: ephemeral, outbox: c.outbox, queued: time.Now(), done: make(chan struct{})}
}

// ID returns the id of the send.
func (s *Sending) ID() string { return s.request.GetId() }

// Done returns a channel that is closed when the send is answered or given up.
func (s *Sending) Done() <-chan struct{} { return s.done }

// Wait waits until the send is answered or given up, or ctx ends, which does not
// withdraw the send. The errors are those of Send, or that of ctx.
func (s *Sending) Wait(ctx context.Context) (Receipt, error) {
	select {
	case <-s.done:
		return s.result()
	default:
	}
	select {
	case <-s.done:
		return s.result()
	case <-ctx.Done():
		return Receipt{}, context.Cause(ctx)
	}
}

// Cancel withdraws the send: no further attempt is made, and Wait returns
// context.Canceled, joined with ErrUnknownOutcome if the event may be stored. It has no
// effect on a send that is answered.
func (s *Sending) Cancel() { s.withdraw(context.Canceled) }

// result returns the outcome, once done is closed.
func (s *Sending) result() (Receipt, error) { return s.receipt, s.err }

func (s *Sending) withdraw(reason error) {
	if s.outbox.remove(s) {
		s.finish(Receipt{}, reason)
		s.outbox.finished(s, reason)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.withdrawn == nil {
		s.withdrawn = reason
		if s.cancel != nil {
			s.cancel(reason)
		}
	}
}

// begin returns the context for the attempts.
func (s *Sending) begin(lifetime context.Context) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancelCause(lifetime)
	s.cancel = cancel
	if s.withdrawn != nil {
		cancel(s.withdrawn)
	}
	return ctx
}

func (s *Sending) finish(receipt Receipt, err error) {
	s.mu.Lock()
	if s.cancel != nil {
		s.cancel(nil)
	}
	if err != nil {
		if s.attempted {
			err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
		}
		err = fmt.Errorf("send to room %q: %w", s.request.GetRoom(), err)
	}
	s.receipt, s.err = receipt, err
	s.mu.Unlock()
	close(s.done)
}

// laneKey is what sends are in one order with.
type laneKey struct {
	room      string
	ephemeral bool
}

// outbox keeps the sends that are not answered. Each lane, which is a room, has one
// attempt in flight at a time, so that nothing overtakes a send that is retried. A lane
// has a goroutine while it has sends.
type outbox struct {
	client *Client
	places chan struct{} // one for each send in the outbox
	group  sync.WaitGroup

	mu     sync.Mutex // guards below
	closed bool
	lanes  map[laneKey][]*Sending // those that were not begun
	held   int                    // sends that are not finished
	empty  chan struct{}          // closed when closed is set and held is 0
	unsent []Unsent
}

func newOutbox(c *Client) *outbox {
	return &outbox{
		client: c,
		places: make(chan struct{}, c.config.OutboxSize),
		lanes:  make(map[laneKey][]*Sending),
		empty:  make(chan struct{}),
	}
}

// add adds a send. It waits for a place, or returns ErrOutboxFull.
func (o *outbox) add(ctx context.Context, s *Sending, wait bool) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	select {
	case o.places <- struct{}{}:
	default:
		if !wait {
			return ErrOutboxFull
		}
		select {
		case o.places <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-o.client.lifetime.Done():
			return ErrClosed
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		<-o.places
		return ErrClosed
	}
	o.held++
	key := laneKey{s.request.GetRoom(), s.ephemeral}
	queue, running := o.lanes[key]
	o.lanes[key] = append(queue, s)
	if !running {
		o.group.Go(func() { o.run(key) })
	}
	return nil
}

// run makes the sends of a lane until there are none.
func (o *outbox) run(key laneKey) {
	for {
		s := o.next(key)
		if s == nil {
			return
		}
		receipt, err := o.deliver(s)
		s.finish(receipt, err)
		o.finished(s, err)
	}
}

func (o *outbox) next(key laneKey) *Sending {
	o.mu.Lock()
	defer o.mu.Unlock()
	queue := o.lanes[key]
	if len(queue) == 0 {
		delete(o.lanes, key)
		return nil
	}
	s := queue[0]
	o.lanes[key] = slices.Delete(queue, 0, 1)
	return s
}

// remove removes a send that was not begun, and reports whether it was there.
func (o *outbox) remove(s *Sending) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	key := laneKey{s.request.GetRoom(), s.ephemeral}
	i := slices.Index(o.lanes[key], s)
	if i >= 0 {
		o.lanes[key] = slices.Delete(o.lanes[key], i, i+1)
	}
	return i >= 0
}

func (o *outbox) finished(s *Sending, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if errors.Is(err, ErrClosed) && !s.ephemeral {
		o.unsent = append(o.unsent, Unsent{Request: s.request, Attempted: s.attempted})
	}
	<-o.places
	if o.held--; o.held == 0 && o.closed {
		close(o.empty)
	}
}

var errStale = errors.New("client: an ephemeral event waited too long for those before it")

// deliver makes attempts until there is an answer, or there is to be none any more.
func (o *outbox) deliver(s *Sending) (Receipt, error) {
	ctx := s.begin(o.client.lifetime)
	pauses := backoff{max: o.client.config.MaxBackoff}
	var first time.Time // when the first attempt began whose outcome is unknown
	bySend := false     // after an attempt without an answer: the stream may be dead
	if s.ephemeral && time.Since(s.queued) > o.client.config.AttemptTimeout {
		return Receipt{}, errStale
	}
	for {
		if ctx.Err() != nil {
			return Receipt{}, context.Cause(ctx)
		}
		if s.attempted && since(first)+o.client.config.AttemptTimeout > o.client.config.DedupWindow {
			return Receipt{}, errors.New("the server may have forgotten the id")
		}
		began := time.Now()
		receipt, err := o.client.sendOnce(ctx, s.request, bySend)
		switch {
		case err == nil:
			return receipt, nil
		case ctx.Err() == nil && permanent(err):
			return Receipt{}, err
		}
		bySend = !bySend && !connect.IsWireError(err)
		if !s.attempted && !untouched(err) {
			s.attempted, first = true, began
		}
		if s.ephemeral {
			return Receipt{}, err
		}
		if ctxErr := wait(ctx, pauses.after(err)); ctxErr != nil {
			return Receipt{}, fmt.Errorf("%w, after: %w", ctxErr, err)
		}
	}
}

// since returns how much time has passed by the clock that says more: the monotonic one
// stops while a machine sleeps, and the other one may be set.
func since(t time.Time) time.Duration {
	return max(time.Since(t), time.Now().Round(0).Sub(t.Round(0)))
}

// untouched reports whether an attempt has certainly stored nothing: it did not reach the
// server, or was refused by a limit.
func untouched(err error) bool {
	if failed, ok := errors.AsType[*net.OpError](err); ok && failed.Op == "dial" {
		return true
	}
	if _, ok := errors.AsType[*tokenError](err); ok {
		return true
	}
	return connect.IsWireError(err) && connect.CodeOf(err) == connect.CodeResourceExhausted
}

// close takes no more sends, and waits until none is left or ctx ends. The function that
// it returns gives those that were left, once wait has returned.
func (o *outbox) close(ctx context.Context) (unsent func() []Unsent) {
	o.mu.Lock()
	if !o.closed {
		o.closed = true
		if o.held == 0 {
			close(o.empty)
		}
	}
	o.mu.Unlock()
	select {
	case <-o.empty:
	case <-ctx.Done():
	}
	return func() []Unsent {
		o.mu.Lock()
		defer o.mu.Unlock()
		return o.unsent
	}
}

// wait waits for the goroutines of the lanes.
func (o *outbox) wait() { o.group.Wait() }
