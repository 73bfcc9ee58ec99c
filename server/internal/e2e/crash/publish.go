package crash

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"chatroom/client"
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

// publisher sends one event after the other by Send. At random it sends or deletes many
// at once, cancels one, retries an acknowledged one, or sends one on two protocols at
// once.
type publisher struct {
	author
	client  *protocolClient
	other   *protocolClient // with the same token
	history *History

	last Send // the newest that was acknowledged
	own  []position
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
		wait(ctx, time.Duration(p.random.IntN(8_000))*time.Microsecond)
	}
}

func (p *publisher) step(ctx context.Context) {
	chance := p.random.IntN(100)
	switch {
	case chance < 4 && p.last.ID != "":
		p.send(ctx, p.last)
		return
	case chance < 8:
		p.sendOnTwoProtocols(ctx, p.message())
		return
	case chance < 18:
		hasty, cancel := context.WithTimeout(ctx, p.cancelAfter())
		p.send(hasty, p.message())
		cancel()
		return
	case chance < 21:
		p.sendMany(ctx)
		return
	case chance < 55 || p.sender == "" || len(p.own) == 0:
		p.send(ctx, p.message())
		return
	}
	switch {
	case chance < 68:
		p.client.store(ctx, p.history, p.edit(p.anyOwn()))
	case chance < 78:
		if m, ok := p.history.anyMessage(p.random); ok {
			p.client.store(ctx, p.history, p.reaction(m))
		}
	case chance < 90:
		p.client.store(ctx, p.history, p.deletion(p.takeOwn()))
	case chance < 93:
		p.deleteAndCancel(ctx)
	case chance < 97:
		p.deleteWhileEditing(ctx)
	default:
		p.deleteMany(ctx)
	}
}

// haste is after how long a publisher gives up.
func (p *publisher) cancelAfter() time.Duration {
	return time.Duration(p.random.IntN(20_000)) * time.Microsecond
}

func (p *publisher) anyOwn() position { return p.own[p.random.IntN(len(p.own))] }

// takeOwn returns a message that is to be deleted, and forgets it.
func (p *publisher) takeOwn() position {
	i := p.random.IntN(len(p.own))
	m := p.own[i]
	p.own = slices.Delete(p.own, i, i+1)
	return m
}

// keep notes messages that were stored.
func (p *publisher) keep(messages ...position) {
	p.own = append(p.own, messages...)
	p.own = p.own[max(0, len(p.own)-maxOwn):]
}

func (p *publisher) sendOnTwoProtocols(ctx context.Context, s Send) {
	var both sync.WaitGroup
	both.Go(func() { p.request(ctx, p.other, s) })
	p.send(ctx, s)
	both.Wait()
}

func (p *publisher) sendMany(ctx context.Context) {
	stored := make(chan position, burst)
	var all sync.WaitGroup
	for range burst {
		s := p.message()
		all.Go(func() { // not by the client's Send, which keeps their order
			if ack, ok := p.client.store(ctx, p.history, s); ok {
				stored <- position{s.Room, ack.Sequence}
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

// deleteAndCancel cancels a deletion, which may be stored or not, and then retries it.
func (p *publisher) deleteAndCancel(ctx context.Context) {
	s := p.deletion(p.takeOwn())
	hasty, cancel := context.WithTimeout(ctx, p.cancelAfter())
	p.client.store(hasty, p.history, s)
	cancel()
	p.other.store(ctx, p.history, s)
}

// deleteWhileEditing sends an edit and the deletion of its target at once.
func (p *publisher) deleteWhileEditing(ctx context.Context) {
	m := p.takeOwn()
	edit := p.edit(m)
	var both sync.WaitGroup
	both.Go(func() { p.other.store(ctx, p.history, edit) })
	p.client.store(ctx, p.history, p.deletion(m))
	both.Wait()
}

func (p *publisher) deleteMany(ctx context.Context) {
	var all sync.WaitGroup
	for range min(deletionBurst, len(p.own)) {
		s := p.deletion(p.takeOwn())
		all.Go(func() { p.client.store(ctx, p.history, s) })
	}
	p.history.burst()
	all.Wait()
}

func (p *publisher) send(ctx context.Context, s Send) {
	again := s.ID == p.last.ID
	if m, stored := p.request(ctx, p.client, s); stored {
		p.last = s
		if !again {
			p.keep(m)
		}
	}
}

func (p *publisher) request(ctx context.Context, by *protocolClient, s Send) (m position, stored bool) {
	p.history.sending(s)
	receipt, err := by.Send(ctx, s.Room, client.Text(s.Body.Text), client.WithID(s.ID))
	if err != nil {
		if ctx.Err() == nil {
			p.history.contractFault("%s was refused %s: %v", p.name, s.ID, err)
		}
		return position{}, false
	}
	p.history.acked(s, Ack{Epoch: receipt.Epoch, Sequence: receipt.Sequence})
	return position{s.Room, receipt.Sequence}, true
}

// enter signs in and returns the token and the member id.
func signInGuest(ctx context.Context, v *protocolClient, name string) (token, id string, err error) {
	response, err := v.rpc.SignIn(ctx, signIn(name))
	if err != nil {
		return "", "", fmt.Errorf("sign in %s: %w", name, err)
	}
	return response.GetToken(), response.GetMember().GetId(), nil
}
