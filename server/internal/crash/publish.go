package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// burst is how many messages a publisher sends at once, now and then: enough for
// the server to store them in batches.
const burst = 60

// publisher sends one message after the other by Send. Now and then it sends
// many at once, gives up on one, sends one again that was acknowledged, or sends
// one twice at once by two doors.
type publisher struct {
	name    string
	sender  string // its member id, empty for an anonymous one
	rooms   []string
	door    *visitor
	other   *visitor // with the same token
	random  *rand.Rand
	history *History

	said int
	last Ack // the newest that was acknowledged
}

// run publishes until stop is closed, and then waits for its last answer, at
// most until ctx ends.
func (p *publisher) run(ctx context.Context, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			return
		default:
		}
		switch chance := p.random.IntN(100); {
		case chance < 4 && p.last.ID != "":
			p.send(ctx, p.door, p.last)
		case chance < 8:
			p.sendTwice(ctx, p.next())
		case chance < 18:
			hasty, cancel := context.WithTimeout(ctx, time.Duration(p.random.IntN(20_000))*time.Microsecond)
			p.send(hasty, p.door, p.next())
			cancel()
		case chance < 21:
			p.sendMany(ctx)
		default:
			p.send(ctx, p.door, p.next())
		}
		pause(ctx, time.Duration(p.random.IntN(8_000))*time.Microsecond)
	}
}

// next returns something new to say.
func (p *publisher) next() Ack {
	p.said++
	return newMessage(p.random, p.rooms, p.name, p.sender, p.said)
}

func newMessage(random *rand.Rand, rooms []string, name, sender string, n int) Ack {
	id := fmt.Sprintf("%s-%d", name, n)
	return Ack{
		Room:   rooms[random.IntN(len(rooms))],
		ID:     id,
		Sender: sender,
		Text:   id + strings.Repeat(" chat", random.IntN(20)),
	}
}

func (p *publisher) sendTwice(ctx context.Context, message Ack) {
	var both sync.WaitGroup
	both.Go(func() { p.request(ctx, p.other, message) })
	p.send(ctx, p.door, message)
	both.Wait()
}

func (p *publisher) sendMany(ctx context.Context) {
	var all sync.WaitGroup
	for range burst {
		message := p.next()
		all.Go(func() { p.request(ctx, p.door, message) })
	}
	all.Wait()
}

func (p *publisher) send(ctx context.Context, by *visitor, message Ack) {
	if ack, stored := p.request(ctx, by, message); stored {
		p.last = ack
	}
}

func (p *publisher) request(ctx context.Context, by *visitor, message Ack) (ack Ack, stored bool) {
	receipt, err := by.Send(ctx, message.Room, message.ID, message.Text)
	if err != nil {
		if ctx.Err() == nil {
			p.history.oddity("%s was refused %s: %v", p.name, message.ID, err)
		}
		return Ack{}, false
	}
	message.Epoch, message.Sequence = receipt.Epoch, receipt.Sequence
	p.history.acked(message)
	return message, true
}

// enter signs in and returns the token and the member id.
func enter(ctx context.Context, v *visitor, name string) (token, id string, err error) {
	response, err := v.rpc.SignIn(ctx, signIn(name))
	if err != nil {
		return "", "", fmt.Errorf("sign in %s: %w", name, err)
	}
	return response.GetToken(), response.GetMember().GetId(), nil
}
