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

// crowd is everybody who uses the server.
type crowd struct {
	history     *History
	rooms       []string
	epoch       string
	reader      *visitor // of the logs, at the end
	publishers  []*publisher
	talkers     []*talker
	subscribers []*subscriber
	listers     []*lister
	browsers    []*browser
	visitors    []*visitor
	conns       []*grpc.ClientConn
	address     string
	seed        *rand.Rand
}

// gather makes the crowd, and the first event of each room: before that, there
// is no cursor to begin with.
func gather(ctx context.Context, c Config, address string, random *rand.Rand) (_ *crowd, err error) {
	w := &crowd{history: newHistory(), address: address, seed: random}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	if w.reader, err = w.visitor(doors[0], ""); err != nil {
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
	for i, d := range doors {
		if err := w.addListeners(i, d); err != nil {
			return nil, err
		}
	}
	for i := range c.Publishers {
		for j, d := range doors {
			if err := w.addPublisher(ctx, i, d, doors[(j+1)%len(doors)]); err != nil {
				return nil, err
			}
		}
		if err := w.addTalker(ctx, i); err != nil {
			return nil, err
		}
	}
	return w, nil
}

func (w *crowd) visitor(d door, token string) (*visitor, error) {
	v, err := d.open(w.history, w.address, token)
	if err != nil {
		return nil, err
	}
	w.visitors = append(w.visitors, v)
	return v, nil
}

// random returns a source of its own for one of the crowd.
func (w *crowd) random() *rand.Rand { return rand.New(rand.NewPCG(w.seed.Uint64(), 2)) }

// room spreads the crowd over the rooms.
func (w *crowd) room(i int) string { return w.rooms[i%len(w.rooms)] }

// addListeners adds the readers of one door: a subscriber that stays, one that leaves
// and resumes, one that reads pages forward, and one that reads parts of all rooms.
func (w *crowd) addListeners(i int, d door) error {
	for k, kind := range []string{"stays", "leaves", "pages"} {
		v, err := w.visitor(d, "")
		if err != nil {
			return err
		}
		at := seat{d.name + "-" + kind, w.room(i + k)}
		if kind == "pages" {
			w.listers = append(w.listers, &lister{seat: at, door: v, random: w.random(), history: w.history,
				cursor: &chatv1.Cursor{Epoch: w.epoch}})
			continue
		}
		w.subscribers = append(w.subscribers, &subscriber{seat: at, door: v, restive: kind == "leaves",
			random: w.random(), history: w.history, cursor: client.Cursor{Epoch: w.epoch}})
	}
	v, err := w.visitor(d, "")
	if err != nil {
		return err
	}
	w.browsers = append(w.browsers, &browser{name: d.name + "-browses", door: v, rooms: w.rooms, random: w.random(), history: w.history})
	return nil
}

// addPublisher adds one of a door. The first of each door is anonymous.
func (w *crowd) addPublisher(ctx context.Context, i int, d, other door) error {
	p := &publisher{author: w.author(fmt.Sprintf("%s-%d", d.name, i)), history: w.history}
	var token string
	var err error
	if i > 0 {
		if token, p.sender, err = enter(ctx, w.reader, p.name); err != nil {
			return err
		}
	}
	if p.door, err = w.visitor(d, token); err != nil {
		return err
	}
	if p.other, err = w.visitor(other, token); err != nil {
		return err
	}
	w.publishers = append(w.publishers, p)
	return nil
}

func (w *crowd) author(name string) author {
	return author{name: name, rooms: w.rooms, random: w.random()}
}

func (w *crowd) addTalker(ctx context.Context, i int) error {
	t := &talker{
		author:  w.author(fmt.Sprintf("chat-%d", i)),
		seat:    seat{fmt.Sprintf("chat-%d", i), w.room(i)},
		history: w.history,
		cursor:  client.Cursor{Epoch: w.epoch},
	}
	var err error
	if t.token, t.sender, err = enter(ctx, w.reader, t.seat.subscriber); err != nil {
		return err
	}
	if t.conn, err = dial(w.address); err != nil {
		return err
	}
	w.conns = append(w.conns, t.conn)
	w.talkers = append(w.talkers, t)
	return nil
}

// start starts everybody: publishers until stop is closed, the others until ctx
// ends.
func (w *crowd) start(ctx context.Context, stop <-chan struct{}, publishing, listening *sync.WaitGroup) {
	for _, p := range w.publishers {
		publishing.Go(func() { p.run(ctx, stop) })
	}
	for _, t := range w.talkers {
		listening.Go(func() { t.run(ctx, stop) })
	}
	for _, s := range w.subscribers {
		listening.Go(func() { s.run(ctx) })
	}
	for _, l := range w.listers {
		listening.Go(func() { l.run(ctx) })
	}
	for _, b := range w.browsers {
		listening.Go(func() { b.run(ctx) })
	}
}

// settle waits until everything is answered and everybody has seen the end of
// the logs, or for as long as ctx: who has not caught up by then has lost it.
func (w *crowd) settle(ctx context.Context) error {
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

func (w *crowd) answered() bool {
	for _, t := range w.talkers {
		if !t.answered() {
			return false
		}
	}
	return true
}

func (w *crowd) caughtUp(heads map[string]uint64) bool {
	for _, s := range w.seats() {
		if !w.history.reached(s, heads[s.room]) {
			return false
		}
	}
	return true
}

func (w *crowd) seats() []seat {
	var seats []seat
	for _, t := range w.talkers {
		seats = append(seats, t.seat)
	}
	for _, s := range w.subscribers {
		seats = append(seats, s.seat)
	}
	for _, l := range w.listers {
		seats = append(seats, l.seat)
	}
	return seats
}

// resumes returns how often somebody came back. Nobody may be running any more.
func (w *crowd) resumes() int {
	n := -len(w.seats()) // the first time is none
	for _, t := range w.talkers {
		n += t.resumes
	}
	for _, s := range w.subscribers {
		n += int(s.door.streams.opened.Load())
	}
	for _, l := range w.listers {
		n += l.resumes + 1
	}
	return n
}

// close lets go of all connections. Nobody may be running any more.
func (w *crowd) close() {
	for _, v := range w.visitors {
		v.idle()
	}
	for _, c := range w.conns {
		_ = c.Close()
	}
}
