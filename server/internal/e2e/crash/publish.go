package crash

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// burst is how many messages a publisher sends at once, now and then: enough for
	// the server to store them in batches.
	burst = 60
	// deletionBurst is how many messages a publisher deletes at once.
	deletionBurst = 20
	// maxOwn is how many of its messages an author knows, to change them.
	maxOwn = 64
)

// publisher sends one event after the other by Send. Now and then it sends or deletes
// many at once, gives up on one, sends one again that was acknowledged, or sends two
// at once by two doors.
type publisher struct {
	author
	door    *visitor
	other   *visitor // with the same token
	history *History

	last Send // the newest that was acknowledged
	own  []place
}

// run publishes until stop is closed, and then waits for its last answer, at most
// until ctx ends.
func (p *publisher) run(ctx context.Context, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		p.step(ctx)
		pause(ctx, time.Duration(p.random.IntN(8_000))*time.Microsecond)
	}
}

func (p *publisher) step(ctx context.Context) {
	chance := p.random.IntN(100)
	switch {
	case chance < 4 && p.last.ID != "":
		p.say(ctx, p.last)
		return
	case chance < 8:
		p.sayTwice(ctx, p.message())
		return
	case chance < 18:
		hasty, cancel := context.WithTimeout(ctx, p.haste())
		p.say(hasty, p.message())
		cancel()
		return
	case chance < 21:
		p.sayMany(ctx)
		return
	case chance < 55 || p.sender == "" || len(p.own) == 0:
		p.say(ctx, p.message())
		return
	}
	switch {
	case chance < 68:
		p.door.store(ctx, p.history, p.edit(p.anyOwn()))
	case chance < 78:
		if m, ok := p.history.anyMessage(p.random); ok {
			p.door.store(ctx, p.history, p.reaction(m))
		}
	case chance < 90:
		p.door.store(ctx, p.history, p.deletion(p.takeOwn()))
	case chance < 93:
		p.deleteHastily(ctx)
	case chance < 97:
		p.deleteWhileEditing(ctx)
	default:
		p.deleteMany(ctx)
	}
}

// haste is after how long a publisher gives up.
func (p *publisher) haste() time.Duration {
	return time.Duration(p.random.IntN(20_000)) * time.Microsecond
}

func (p *publisher) anyOwn() place { return p.own[p.random.IntN(len(p.own))] }

// takeOwn returns a message that is to be deleted, and forgets it.
func (p *publisher) takeOwn() place {
	i := p.random.IntN(len(p.own))
	m := p.own[i]
	p.own = slices.Delete(p.own, i, i+1)
	return m
}

// keep notes messages that were stored.
func (p *publisher) keep(messages ...place) {
	p.own = append(p.own, messages...)
	p.own = p.own[max(0, len(p.own)-maxOwn):]
}

func (p *publisher) sayTwice(ctx context.Context, s Send) {
	var both sync.WaitGroup
	both.Go(func() { p.request(ctx, p.other, s) })
	p.say(ctx, s)
	both.Wait()
}

func (p *publisher) sayMany(ctx context.Context) {
	stored := make(chan place, burst)
	var all sync.WaitGroup
	for range burst {
		s := p.message()
		all.Go(func() {
			if m, ok := p.request(ctx, p.door, s); ok {
				stored <- m
			}
		})
	}
	p.history.burst()
	all.Wait()
	close(stored)
	for m := range stored {
		p.keep(m)
	}
}

// deleteHastily gives up on a deletion, and then sends it again: nobody knows whether
// the first attempt was stored.
func (p *publisher) deleteHastily(ctx context.Context) {
	s := p.deletion(p.takeOwn())
	hasty, cancel := context.WithTimeout(ctx, p.haste())
	p.door.store(hasty, p.history, s)
	cancel()
	p.other.store(ctx, p.history, s)
}

// deleteWhileEditing sends an edit and the deletion of its target at once.
func (p *publisher) deleteWhileEditing(ctx context.Context) {
	m := p.takeOwn()
	edit := p.edit(m)
	var both sync.WaitGroup
	both.Go(func() { p.other.store(ctx, p.history, edit) })
	p.door.store(ctx, p.history, p.deletion(m))
	both.Wait()
}

func (p *publisher) deleteMany(ctx context.Context) {
	var all sync.WaitGroup
	for range min(deletionBurst, len(p.own)) {
		s := p.deletion(p.takeOwn())
		all.Go(func() { p.door.store(ctx, p.history, s) })
	}
	p.history.burst()
	all.Wait()
}

func (p *publisher) say(ctx context.Context, s Send) {
	again := s.ID == p.last.ID
	if m, stored := p.request(ctx, p.door, s); stored {
		p.last = s
		if !again {
			p.keep(m)
		}
	}
}

func (p *publisher) request(ctx context.Context, by *visitor, s Send) (m place, stored bool) {
	p.history.sending(s)
	receipt, err := by.Send(ctx, s.Room, s.ID, s.Body.Text)
	if err != nil {
		if ctx.Err() == nil {
			p.history.oddity("%s was refused %s: %v", p.name, s.ID, err)
		}
		return place{}, false
	}
	p.history.acked(s, Ack{Epoch: receipt.Epoch, Sequence: receipt.Sequence})
	return place{s.Room, receipt.Sequence}, true
}

// enter signs in and returns the token and the member id.
func enter(ctx context.Context, v *visitor, name string) (token, id string, err error) {
	response, err := v.rpc.SignIn(ctx, signIn(name))
	if err != nil {
		return "", "", fmt.Errorf("sign in %s: %w", name, err)
	}
	return response.GetToken(), response.GetMember().GetId(), nil
}
