package client_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"chatroom/client"
)

// action is what happens in one step of a property test.
type action struct {
	kind   string
	room   string
	millis int // until the next step
}

var modelRooms = []string{"a", "b", "c"}

// plan is one case of the property test.
type plan struct {
	transport client.Transport
	actions   []action
	faults    []streamFault // of the events that are delivered, again and again
	lost      []bool        // whether the answers to sends are lost, again and again
}

func drawPlan(rt *rapid.T) plan {
	kinds := []string{"say", "say", "say", "send", "send", "leave", "forget"}
	if rapid.Bool().Draw(rt, "loses its log") {
		kinds = []string{"say", "say", "say", "lose", "leave", "forget"} // what is sent is lost, too
	}
	p := plan{transport: rapid.SampledFrom([]client.Transport{client.Bidi, client.Split}).Draw(rt, "transport")}
	p.actions = rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) action {
		return action{
			kind:   rapid.SampledFrom(kinds).Draw(rt, "kind"),
			room:   rapid.SampledFrom(modelRooms).Draw(rt, "room"),
			millis: rapid.SampledFrom([]int{0, 0, 10, 1500}).Draw(rt, "millis"),
		}
	}), 1, 60).Draw(rt, "actions")
	p.faults = rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) streamFault {
		return streamFault(max(0, rapid.IntRange(-8, int(streamFaults)-1).Draw(rt, "fault")))
	}), 1, 40).Draw(rt, "faults")
	p.lost = rapid.SliceOfN(rapid.Bool(), 1, 10).Draw(rt, "lost")
	return p
}

// nextFault returns the faults of the plan, until calm is closed. Two events in a row are
// not omitted: a client gives up if that is so again and again.
func (p plan) nextFault(calm <-chan struct{}) func() streamFault {
	var mu sync.Mutex
	n, omitted := 0, 0
	return func() streamFault {
		mu.Lock()
		defer mu.Unlock()
		select {
		case <-calm:
			return pass
		default:
		}
		n++
		fault := p.faults[n%len(p.faults)]
		if fault == omitEvent {
			if omitted > 0 && n-omitted < 20 {
				return pass
			}
			omitted = n
		}
		return fault
	}
}

// nextLoss returns whether the answer to a send is lost: at most three times.
func (p plan) nextLoss() func(id string) bool {
	var mu sync.Mutex
	n, losses := 0, make(map[string]int)
	return func(id string) bool {
		mu.Lock()
		defer mu.Unlock()
		n++
		lost := p.lost[n%len(p.lost)] && losses[id] < 3
		if lost {
			losses[id]++
		}
		return lost
	}
}

// act carries out the actions, and waits until all is sent.
func (p plan) act(t *testing.T, m *model, c *client.Client, feed *client.Feed) {
	sent := make(map[string][]string) // by room
	var sendings []*client.Sending
	for i, a := range p.actions {
		text := fmt.Sprint("text ", i)
		switch a.kind {
		case "say":
			m.server.say(a.room, text)
		case "send":
			sending, err := c.Enqueue(a.room, client.Text(text))
			if err != nil {
				t.Error(err)
				continue
			}
			sendings, sent[a.room] = append(sendings, sending), append(sent[a.room], text)
		case "forget":
			m.archive()
			m.server.forget(a.room)
		case "lose":
			m.archive()
			m.server.lose(fmt.Sprint("E", i))
		case "leave":
			feed.Leave(a.room)
			synctest.Wait() // the body is not in the middle of an event
			if err := feed.Join(client.After(a.room, m.position(a.room))); err != nil {
				t.Error(err)
			}
		}
		wait(t.Context(), time.Duration(a.millis)*time.Millisecond)
	}
	for _, sending := range sendings {
		if _, err := sending.Wait(t.Context()); err != nil {
			t.Error(err)
		}
	}
	for room, texts := range sent {
		m.checkSent(room, texts)
	}
}

// checkSent checks that what was sent to a room is stored once and in its order, as far as
// it is retained.
func (m *model) checkSent(room string, texts []string) {
	stored := slices.DeleteFunc(m.server.log(room), func(text string) bool { return !slices.Contains(texts, text) })
	retained := texts[max(0, len(texts)-len(stored)):]
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Equal(stored, retained) {
		m.faultf("of what was sent to %s is stored %q, want %q", room, stored, retained)
	}
	m.server.mu.Lock()
	defer m.server.mu.Unlock()
	if m.server.rooms[room].forgot == 0 && len(stored) < len(texts) {
		m.faultf("%d of %d texts that were sent to %s are stored", len(stored), len(texts), room)
	}
}

func (m *model) position(room string) client.Cursor {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at[room]
}

// model is what a loop may yield: of each room, the events of the log in their order, and
// a Reset exactly where they can't be delivered.
type model struct {
	server *fakeServer

	mu       sync.Mutex          // guards below
	archives map[string][]uint64 // the sequences of all events by epoch and room
	at       map[string]client.Cursor
	faults   []string
}

func (m *model) faultf(format string, args ...any) {
	m.faults = append(m.faults, fmt.Sprintf(format, args...))
}

// archive takes over what the server has stored.
func (m *model) archive() {
	m.server.mu.Lock()
	defer m.server.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, room := range m.server.rooms {
		key := m.server.epoch + "/" + name
		for _, e := range room.events {
			if known := m.archives[key]; len(known) == 0 || known[len(known)-1] < e.GetSequence() {
				m.archives[key] = append(known, e.GetSequence())
			}
		}
	}
}

// take checks an event that is yielded.
func (m *model) take(e client.Event) {
	m.archive()
	m.server.mu.Lock()
	forgot := m.server.roomLocked(e.GetRoom()).forgot
	m.server.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	at := m.at[e.GetRoom()]
	if e.Reset != nil {
		if e.Reset.Epoch == at.Epoch && at.Sequence >= forgot {
			m.faultf("a needless reset of %s after %v: %+v", e.GetRoom(), at, *e.Reset)
		}
		m.at[e.GetRoom()] = client.Cursor{Epoch: e.Reset.Epoch, Sequence: e.Reset.Head}
		return
	}
	log := m.archives[e.Epoch+"/"+e.GetRoom()]
	i := slices.IndexFunc(log, func(sequence uint64) bool { return sequence > at.Sequence })
	if e.Epoch != at.Epoch || i < 0 || log[i] != e.GetSequence() {
		m.faultf("after %v of %s came %v, the log is %v", at, e.GetRoom(), e.Cursor(), log)
	}
	m.at[e.GetRoom()] = e.Cursor()
}

// complete reports whether everything was yielded.
func (m *model) complete() bool {
	m.archive()
	m.server.mu.Lock()
	defer m.server.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, room := range m.server.rooms {
		if m.at[name] != (client.Cursor{Epoch: m.server.epoch, Sequence: room.sequence}) {
			return false
		}
	}
	return true
}

// Whatever streams do, a loop yields the log of each room, and a client stores what it
// sends once and in order.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var faults []string
		synctest.Test(t, func(t *testing.T) { faults = runPlan(t, p) })
		for _, fault := range faults {
			rt.Error(fault)
		}
	})
}

// runPlan carries out a plan and returns what was wrong.
func runPlan(t *testing.T, p plan) []string {
	s := newFakeServer()
	m := &model{server: s, archives: make(map[string][]uint64), at: make(map[string]client.Cursor)}
	calm := make(chan struct{})
	s.next = p.nextFault(calm)
	s.lost = p.nextLoss()
	inBubble(t, s.handler, client.Config{Transport: p.transport}, func(t *testing.T, c *client.Client) {
		var rooms []client.Subscription
		for _, room := range modelRooms {
			m.at[room] = client.Cursor{Epoch: "E"}
			rooms = append(rooms, client.After(room, m.at[room]))
		}
		feed := c.Follow(rooms...)
		ctx, cancel := context.WithCancel(t.Context())
		var loop sync.WaitGroup
		loop.Go(func() {
			for e, err := range feed.Events(ctx) {
				if err == nil {
					m.take(e)
				} else if ctx.Err() == nil {
					m.mu.Lock()
					m.faultf("the loop ended with %v", err)
					m.mu.Unlock()
				}
			}
		})
		p.act(t, m, c, feed)
		close(calm)
		for _, room := range modelRooms {
			s.say(room, "the last one") // shows that the one before it is missing
		}
		for i := 0; !m.complete(); i++ {
			if i == 300 {
				m.mu.Lock()
				m.faultf("the loop has come to %v, and does not go on", m.at)
				m.mu.Unlock()
				break
			}
			wait(t.Context(), time.Second)
		}
		cancel()
		loop.Wait()
		if err := c.Close(t.Context()); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	return m.faults
}
