package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"google.golang.org/grpc"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// workload is all clients of the server.
type workload struct {
	history     *History
	rooms       []string
	epoch       string
	reader      *protocolClient // of the logs, at the end
	publishers  []*publisher
	chatClients []*chatClient
	subscribers []*subscriber
	pageReaders []*pageReader
	partReaders []*partReader
	clients     []*protocolClient
	conns       []*grpc.ClientConn
	address     string
	seed        *rand.Rand
}

// newWorkload creates the clients, and the first event of each room, after which their
// cursors begin.
func newWorkload(ctx context.Context, c Config, address string, random *rand.Rand) (_ *workload, err error) {
	w := &workload{history: newHistory(), address: address, seed: random}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.reader, err = w.newClient(protocols[0], ""); err != nil {
		return nil, err
	}
	for i := range c.Rooms {
		room := fmt.Sprintf("room-%d", i)
		w.rooms = append(w.rooms, room)
		first := Send{Room: room, ID: "first-" + room, Body: Body{Kind: Message, Text: "first-" + room}}
		ack, stored := w.reader.store(ctx, w.history, first)
		if !stored {
			return nil, fmt.Errorf("the first event of %s was not stored: %w", room, context.Cause(ctx))
		}
		w.epoch = ack.Epoch
	}
	for i, d := range protocols {
		if err := w.addReaders(i, d); err != nil {
			return nil, err
		}
	}
	for i := range c.Publishers {
		for j, d := range protocols {
			if err := w.addPublisher(ctx, i, d, protocols[(j+1)%len(protocols)]); err != nil {
				return nil, err
			}
		}
		if err := w.addChatClient(ctx, i); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *workload) newClient(d protocol, token string) (*protocolClient, error) {
	v, err := d.open(w.history, w.address, token)
	if err != nil {
		return nil, err
	}
	w.clients = append(w.clients, v)
	return v, nil
}

// random returns a source of its own for one client.
func (w *workload) random() *rand.Rand { return rand.New(rand.NewPCG(w.seed.Uint64(), 2)) }

// room spreads clients over the rooms.
func (w *workload) room(i int) string { return w.rooms[i%len(w.rooms)] }

// addReaders adds the readers on one protocol: a subscriber that stays, one that
// disconnects and resumes, one that reads pages forward, and one that reads parts of all
// rooms.
func (w *workload) addReaders(i int, d protocol) error {
	for k, kind := range []string{"stays", "leaves", "pages"} {
		v, err := w.newClient(d, "")
		if err != nil {
			return err
		}
		at := subscription{d.name + "-" + kind, w.room(i + k)}
		if kind == "pages" {
			w.pageReaders = append(w.pageReaders, &pageReader{subscription: at, client: v, random: w.random(), history: w.history,
				cursor: &chatv1.Cursor{Epoch: w.epoch}})
			continue
		}
		w.subscribers = append(w.subscribers, &subscriber{subscription: at, client: v, reconnects: kind == "leaves",
			random: w.random(), history: w.history, cursor: client.Cursor{Epoch: w.epoch}})
	}
	v, err := w.newClient(d, "")
	if err != nil {
		return err
	}
	w.partReaders = append(w.partReaders, &partReader{name: d.name + "-parts", client: v, rooms: w.rooms, random: w.random(), history: w.history})
	return nil
}

// addPublisher adds a publisher on one protocol. The first one on each is anonymous.
func (w *workload) addPublisher(ctx context.Context, i int, d, other protocol) error {
	p := &publisher{author: w.author(fmt.Sprintf("%s-%d", d.name, i)), history: w.history}
	var token string
	var err error
	if i > 0 {
		if token, p.sender, err = signInGuest(ctx, w.reader, p.name); err != nil {
			return err
		}
	}
	if p.client, err = w.newClient(d, token); err != nil {
		return err
	}
	if p.other, err = w.newClient(other, token); err != nil {
		return err
	}
	w.publishers = append(w.publishers, p)
	return nil
}

func (w *workload) author(name string) author {
	return author{name: name, rooms: w.rooms, random: w.random()}
}

func (w *workload) addChatClient(ctx context.Context, i int) error {
	t := &chatClient{
		author:       w.author(fmt.Sprintf("chat-%d", i)),
		subscription: subscription{fmt.Sprintf("chat-%d", i), w.room(i)},
		history:      w.history,
		cursor:       client.Cursor{Epoch: w.epoch},
	}
	var err error
	if t.token, t.sender, err = signInGuest(ctx, w.reader, t.subscription.subscriber); err != nil {
		return err
	}
	if t.conn, err = dial(w.history, w.address); err != nil {
		return err
	}
	w.conns = append(w.conns, t.conn)
	w.chatClients = append(w.chatClients, t)
	return nil
}

// start starts all clients: publishers run until stop is closed, the others until ctx
// ends.
func (w *workload) start(ctx context.Context, stop <-chan struct{}, publishing, reading *sync.WaitGroup) {
	for _, p := range w.publishers {
		publishing.Go(func() { p.run(ctx, stop) })
	}
	for _, t := range w.chatClients {
		reading.Go(func() { t.run(ctx, stop) })
	}
	for _, s := range w.subscribers {
		reading.Go(func() { s.run(ctx) })
	}
	for _, l := range w.pageReaders {
		reading.Go(func() { l.run(ctx) })
	}
	for _, b := range w.partReaders {
		reading.Go(func() { b.run(ctx) })
	}
}

// settle waits until every send is answered and every reader has seen the end of its
// log, or until ctx ends: a reader that is not there by then has lost events.
func (w *workload) settle(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var heads map[string]uint64
	for heads == nil || !w.caughtUp(heads) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
		if heads != nil || !w.answered() {
			continue
		}
		log, err := readLog(ctx, w.reader, w.rooms)
		if err != nil {
			return err
		}
		heads = make(map[string]uint64)
		for _, e := range log {
			heads[e.Room] = e.Sequence
		}
	}
	return nil
}

func (w *workload) answered() bool {
	for _, t := range w.chatClients {
		if !t.answered() {
			return false
		}
	}
	return true
}

func (w *workload) caughtUp(heads map[string]uint64) bool {
	for _, s := range w.subscriptions() {
		if !w.history.reached(s, heads[s.room]) {
			return false
		}
	}
	return true
}

func (w *workload) subscriptions() []subscription {
	var subscriptions []subscription
	for _, t := range w.chatClients {
		subscriptions = append(subscriptions, t.subscription)
	}
	for _, s := range w.subscribers {
		subscriptions = append(subscriptions, s.subscription)
	}
	for _, l := range w.pageReaders {
		subscriptions = append(subscriptions, l.subscription)
	}
	return subscriptions
}

// resumes returns how often readers have resumed. No client may be running any more.
func (w *workload) resumes() int {
	n := -len(w.subscriptions()) // the first time is none
	for _, t := range w.chatClients {
		n += t.resumes
	}
	for _, s := range w.subscribers {
		n += int(s.client.streams.opened.Load())
	}
	for _, l := range w.pageReaders {
		n += l.resumes + 1
	}
	return n
}

// close closes all connections. No client may be running any more.
func (w *workload) close() {
	closed, cancel := context.WithCancel(context.Background())
	cancel()
	for _, v := range w.clients {
		_ = v.Close(closed) // nothing is sending any more
		v.idle()
	}
	for _, c := range w.conns {
		_ = c.Close()
	}
}
