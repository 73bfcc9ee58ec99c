package goclient

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	"chatroom/server/internal/e2e/harness"
)

// variant is a way for a client to talk to the service.
type variant struct {
	name      string
	transport client.Transport
	http1     bool
	options   []connect.ClientOption
}

var variants = []variant{
	{"bidi Connect", client.Bidi, false, nil},
	{"bidi gRPC", client.Bidi, false, []connect.ClientOption{connect.WithGRPC()}},
	{"bidi gRPC-Web", client.Bidi, false, []connect.ClientOption{connect.WithGRPCWeb()}},
	{"split Connect", client.Split, false, nil},
	{"split Connect with JSON", client.Split, false, []connect.ClientOption{connect.WithProtoJSON()}},
	{"split gRPC", client.Split, false, []connect.ClientOption{connect.WithGRPC()}},
	{"split Connect over HTTP/1.1", client.Split, true, nil},
	{"split gRPC-Web over HTTP/1.1", client.Split, true, []connect.ClientOption{connect.WithGRPCWeb()}},
	{"auto", client.Auto, false, nil},
	{"auto over HTTP/1.1", client.Auto, true, nil},
}

// config returns the configuration of a client that notices faults soon.
func (v variant) config(url string) client.Config {
	return client.Config{
		URL: url, Transport: v.transport, HTTP1: v.http1, Options: v.options,
		AttemptTimeout: 2 * time.Second, MaxBackoff: 300 * time.Millisecond, OutboxSize: 16,
	}
}

// workload is clients that send to rooms and follow them.
type workload struct {
	url     string
	rooms   []string
	epoch   string
	perOne  int // messages of each client
	members []*member
	alter   func(*client.Config) // plants a fault, nil for none
}

// newWorkload makes the rooms, each with a first event, on a server without a proxy.
func newWorkload(ctx context.Context, t *testing.T, direct, url string, rooms, clients, perOne int) *workload {
	t.Helper()
	w := &workload{url: url, perOne: perOne}
	c, err := client.New(client.Config{URL: direct})
	harness.Must(t, err)
	defer c.Close(ctx)
	for i := range rooms {
		room := fmt.Sprintf("room-%d", i)
		first, err := c.Send(ctx, room, client.Text("first of "+room))
		harness.Must(t, err)
		w.rooms, w.epoch = append(w.rooms, room), first.Epoch
	}
	for i := range clients {
		m := &member{workload: w, number: i, variant: variants[i%len(variants)], random: rand.New(rand.NewPCG(uint64(i), 7)), handled: make(map[string][]entry)}
		m.restarts = i%3 == 0
		for j := range 3 {
			m.rooms = append(m.rooms, w.rooms[(i+j)%len(w.rooms)])
		}
		w.members = append(w.members, m)
	}
	return w
}

// readLogs returns the complete logs of all rooms.
func (w *workload) readLogs(ctx context.Context, t *testing.T, direct string) map[string][]entry {
	t.Helper()
	c, err := client.New(client.Config{URL: direct})
	harness.Must(t, err)
	defer c.Close(ctx)
	logs := make(map[string][]entry)
	for _, room := range w.rooms {
		for page := (client.Page{Next: client.Cursor{Epoch: w.epoch}, More: true}); page.More; {
			page, err = c.NextPage(ctx, room, page.Next, 500)
			harness.Must(t, err)
			for _, e := range page.Events {
				logs[room] = append(logs[room], entry{e.GetSequence(), e.GetMessage().GetText()})
			}
		}
	}
	return logs
}

// record returns what is known once all have ended.
func (w *workload) record(logs map[string][]entry) record {
	r := record{Logs: maps.Clone(logs), Seen: make(map[string]map[string][]entry)}
	for _, m := range w.members {
		r.Sent = append(r.Sent, m.sent...)
		name := fmt.Sprintf("client %d (%s)", m.number, m.variant.name)
		r.Seen[name] = make(map[string][]entry)
		for _, room := range m.rooms {
			r.Seen[name][room] = m.handled[room]
		}
	}
	return r
}

// member is one client: it sends its messages, and handles each event of its rooms once.
type member struct {
	workload *workload
	number   int
	variant  variant
	eager    bool // planted: it stores the cursor of an event before it has handled it
	restarts bool // its program ends at random, and starts again with the stored cursors
	rooms    []string
	random   *rand.Rand
	cursors  client.MemoryCursors
	starts   int

	sent []sent // used by send until it has returned

	mu      sync.Mutex // guards below
	handled map[string][]entry
	errors  []error
}

// fail notes an error that the member must not get.
func (m *member) fail(err error) {
	if err == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.errors = append(m.errors, err)
}

func (m *member) open() (*client.Client, error) {
	c := m.variant.config(m.workload.url)
	c.Cursors = &m.cursors
	if m.eager {
		c.Cursors = (*forwardCursors)(&m.cursors)
	}
	if m.workload.alter != nil {
		m.workload.alter(&c)
	}
	return client.New(c)
}

// forwardCursors are cursors that only go forward.
type forwardCursors client.MemoryCursors

// Load implements client.CursorStore.
func (f *forwardCursors) Load(ctx context.Context, room string) (client.Cursor, bool, error) {
	return (*client.MemoryCursors)(f).Load(ctx, room)
}

// Save implements client.CursorStore.
func (f *forwardCursors) Save(ctx context.Context, cursors map[string]client.Cursor) error {
	forward := make(map[string]client.Cursor)
	for room, next := range cursors {
		if at, _, _ := f.Load(ctx, room); at.Sequence < next.Sequence {
			forward[room] = next
		}
	}
	return (*client.MemoryCursors)(f).Save(ctx, forward)
}

// send sends the messages of the client, a few at once, and closes it.
func (m *member) send(ctx context.Context) {
	c, err := m.open()
	if err != nil {
		m.fail(err)
		return
	}
	random := rand.New(rand.NewPCG(uint64(m.number), 8))
	sendings := make([]*client.Sending, m.workload.perOne)
	for i := range sendings {
		room := m.workload.rooms[random.IntN(len(m.workload.rooms))]
		m.sent = append(m.sent, sent{Client: m.number, Number: i, Room: room})
		body := client.Text(textOf(m.number, i))
		if random.IntN(3) > 0 {
			if sendings[i], err = c.Enqueue(room, body); err == nil {
				continue
			}
		} // by choice, or because the outbox is full:
		receipt, err := c.Send(ctx, room, body)
		m.fail(err)
		m.sent[i].Sequence = receipt.Sequence
	}
	m.fail(c.Close(ctx))
	for i, s := range sendings {
		if s != nil {
			receipt, err := s.Wait(ctx)
			m.fail(err)
			m.sent[i].Sequence = receipt.Sequence
		}
	}
}

// follow handles events until ctx ends. Its program may end at any moment, before or
// after it has handled an event.
func (m *member) follow(ctx context.Context) {
	for ctx.Err() == nil {
		m.starts++
		if err := m.run(ctx); err != nil && ctx.Err() == nil {
			m.fail(err)
			return
		}
	}
}

// run is one run of the program.
func (m *member) run(ctx context.Context) error {
	c, err := m.open()
	if err != nil {
		return err
	}
	killed, kill := context.WithCancel(ctx)
	kill() // a program that ends does not wait
	defer c.Close(killed)
	feed := c.Follow()
	var late string // a room that is left and joined again
	for i, room := range m.rooms {
		if i == 2 && !m.restarts {
			late = room
			continue
		}
		err = errors.Join(err, feed.Join(client.Resume(client.After(room, client.Cursor{Epoch: m.workload.epoch}))))
	}
	if err != nil {
		return err
	}
	for e, err := range feed.Events(ctx) {
		switch {
		case err != nil:
			return err
		case e.Reset != nil:
			return fmt.Errorf("an unexpected reset: %+v", *e.Reset)
		case e.GetSequence() == 0:
			continue // ephemeral
		}
		if m.eager {
			if err := (*forwardCursors)(&m.cursors).Save(ctx, map[string]client.Cursor{e.GetRoom(): e.Cursor()}); err != nil {
				return err
			}
		}
		chance := 1000
		if m.restarts {
			chance = m.random.IntN(1000)
		}
		if chance < 4 {
			return nil // it ends before it has handled the event
		}
		m.handle(e)
		if chance < 8 {
			return nil
		}
		if late != "" && (len(feed.Rooms()) < len(m.rooms) || m.random.IntN(100) == 0) {
			if err := m.change(feed, late); err != nil {
				return err
			}
		}
	}
	return nil
}

// change leaves a room, if it is in the feed, and joins it after what was handled.
func (m *member) change(feed *client.Feed, room string) error {
	feed.Leave(room)
	return feed.Join(client.After(room, client.Cursor{Epoch: m.workload.epoch, Sequence: m.last(room)}))
}

// last returns the sequence of the last event of a room that was handled.
func (m *member) last(room string) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.handled[room]); n > 0 {
		return m.handled[room][n-1].Sequence
	}
	return 0
}

// handle handles an event. One that the program has handled before it ended comes again:
// handling it twice is as handling it once.
func (m *member) handle(e client.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	log := m.handled[e.GetRoom()]
	next := entry{e.GetSequence(), e.GetMessage().GetText()}
	if m.restarts && len(log) > 0 && log[len(log)-1] == next {
		return
	}
	m.handled[e.GetRoom()] = append(log, next)
}

// await waits until all members have handled the ends of their rooms.
func (w *workload) await(ctx context.Context, heads map[string]uint64) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		behind := ""
		for _, m := range w.members {
			for _, room := range m.rooms {
				if m.last(room) < heads[room] {
					behind = fmt.Sprintf("client %d (%s) has handled %s up to %d of %d", m.number, m.variant.name, room, m.last(room), heads[room])
				}
			}
		}
		if behind == "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return errors.New(behind)
		}
	}
}
