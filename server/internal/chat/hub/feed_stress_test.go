package hub_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

// progress is how many messages were sent, as something to wait for.
type progress struct {
	sent       atomic.Int64
	milestones []chan struct{} // the n-th is closed when n messages were sent
}

func newProgress(total int) *progress {
	p := &progress{milestones: make([]chan struct{}, total+1)}
	for i := range p.milestones {
		p.milestones[i] = make(chan struct{})
	}
	return p
}

func (p *progress) add() { close(p.milestones[p.sent.Add(1)]) }

// pause waits until up to n more messages were sent.
func (p *progress) pause(r *rand.Rand, n int) {
	<-p.milestones[min(int(p.sent.Load())+1+r.IntN(n), len(p.milestones)-1)]
}

// TestFeedsUnderStress has readers that pause, disconnect and resume at random
// while others publish: each sees exactly the journal's order.
func TestFeedsUnderStress(t *testing.T) {
	const publishers, each, readers = 6, 250, 8
	const total = publishers * each
	h := newTestHub(t, hub.Config{Window: 8}, memory.Config{})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	done := newProgress(total)
	origin := h.cursor(t, "room", 0)
	got := make([][]uint64, readers)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			r := &stressReader{h: h, r: rand.New(rand.NewPCG(seed, uint64(i))), done: done, cursor: *origin}
			for len(r.got) < total && !t.Failed() {
				r.connect(t, total)
			}
			got[i] = r.got
		})
	}
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				post := chat.Post{Room: "room", ID: fmt.Sprint(i), Body: chat.Message{Text: "hi"}}
				if _, err := h.Send(t.Context(), chat.Member{ID: fmt.Sprint(p)}, post); err != nil {
					t.Errorf("Send = %v, want nil", err)
				}
				done.add()
			}
		})
	}
	wg.Wait()
	want := h.sequences(t, "room")
	if len(want) != total {
		t.Fatalf("the journal holds %d events, want %d", len(want), total)
	}
	for i := range got {
		if !slices.Equal(got[i], want) {
			t.Errorf("reader %d (seed %d) got %d events, want the %d of the journal in its order", i, seed, len(got[i]), total)
		}
	}
}

type stressReader struct {
	h      *testHub
	r      *rand.Rand
	done   *progress
	cursor chat.Cursor
	got    []uint64
}

// connect reads on from the cursor for a while, or until it has total events.
func (s *stressReader) connect(t *testing.T, total int) {
	f := s.h.newFeed(gopher)
	defer f.Close()
	if err := f.Join(t.Context(), hub.Start{Room: "room", After: &s.cursor}); err != nil {
		t.Errorf("Join = %v, want nil", err)
		return
	}
	buf := make([]chat.Item, 1+s.r.IntN(20))
	timeout := time.NewTimer(waitTimeout)
	defer timeout.Stop()
	for range 1 + s.r.IntN(60) {
		select {
		case <-f.Ready():
		case <-timeout.C:
			t.Errorf("nothing came in %v after %d of %d events", waitTimeout, len(s.got), total)
			return
		}
		n, err := f.Next(t.Context(), buf)
		if err != nil {
			t.Errorf("Next = %v, want nil", err)
			return
		}
		for _, item := range buf[:n] {
			switch item := item.(type) {
			case *chat.Event:
				if item.Previous > s.cursor.Sequence || item.Sequence <= s.cursor.Sequence {
					t.Errorf("event %d (after %d) came when %d was the last", item.Sequence, item.Previous, s.cursor.Sequence)
				}
				s.cursor.Sequence = item.Sequence
				s.got = append(s.got, item.Sequence)
			case chat.Reset:
				t.Errorf("Reset %+v, want none", item)
			}
		}
		if len(s.got) >= total {
			return
		}
		if s.r.IntN(10) == 0 {
			s.done.pause(s.r, 30)
		}
	}
}

// TestFeedModel does random things with feeds, one at a time. A feed must be
// given what its rooms hold after the position where it began, and nothing else.
func TestFeedModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &feedModel{
			h:     newTestHub(t, hub.Config{Window: rapid.IntRange(1, 6).Draw(rt, "window")}, memory.Config{}),
			t:     t,
			rooms: []string{"a", "b", "c"},
		}
		for range rapid.IntRange(1, 3).Draw(rt, "feeds") {
			f := &modelFeed{testFeed: m.h.newFeed(gopher), positions: make(map[string]uint64)}
			defer f.Close()
			m.feeds = append(m.feeds, f)
		}
		rt.Repeat(map[string]func(*rapid.T){
			"Send":  m.send,
			"Next":  m.next,
			"Join":  m.join,
			"Leave": m.leave,
		})
		for _, f := range m.feeds {
			for len(f.Ready()) > 0 {
				m.take(rt, f, 16)
			}
			for room, position := range f.positions {
				if all := m.h.sequences(t, room); len(all) > 0 && all[len(all)-1] != position {
					rt.Errorf("a feed ended at %d in room %q, want %d", position, room, all[len(all)-1])
				}
			}
			f.Close()
		}
		m.h.checkEmpty(t)
	})
}

type feedModel struct {
	h     *testHub
	t     *testing.T
	rooms []string
	feeds []*modelFeed
}

type modelFeed struct {
	*testFeed
	positions map[string]uint64 // by room: what comes after it is to be delivered
}

func (m *feedModel) send(rt *rapid.T) {
	room := rapid.SampledFrom(m.rooms).Draw(rt, "room")
	for range rapid.IntRange(1, 10).Draw(rt, "messages") {
		m.h.send(m.t, room, "hi")
	}
}

func (m *feedModel) join(rt *rapid.T) {
	f := rapid.SampledFrom(m.feeds).Draw(rt, "feed")
	room := rapid.SampledFrom(m.rooms).Draw(rt, "room")
	if _, joined := f.positions[room]; joined {
		rt.Skip("joined")
	}
	all := append([]uint64{0}, m.h.sequences(m.t, room)...)
	start := hub.Start{Room: room}
	position := all[len(all)-1]
	switch rapid.SampledFrom([]string{"live", "after", "recent"}).Draw(rt, "start") {
	case "after":
		position = rapid.SampledFrom(all).Draw(rt, "after")
		start.After = m.h.cursor(m.t, room, position)
	case "recent":
		start.Recent = rapid.IntRange(1, 20).Draw(rt, "recent")
		position = all[max(0, len(all)-1-start.Recent)]
	}
	join(m.t, f.Feed, start)
	f.positions[room] = position
}

func (m *feedModel) leave(rt *rapid.T) {
	f := rapid.SampledFrom(m.feeds).Draw(rt, "feed")
	room := rapid.SampledFrom(m.rooms).Draw(rt, "room")
	if _, joined := f.positions[room]; !joined {
		rt.Skip("not joined")
	}
	if err := f.Leave(room); err != nil {
		rt.Fatalf("Leave(%q) = %v, want nil", room, err)
	}
	delete(f.positions, room)
}

func (m *feedModel) next(rt *rapid.T) {
	f := rapid.SampledFrom(m.feeds).Draw(rt, "feed")
	if len(f.Ready()) == 0 {
		rt.Skip("nothing pending")
	}
	m.take(rt, f, rapid.IntRange(1, 12).Draw(rt, "buf"))
}

// take checks what a feed gives against what the journal holds.
func (m *feedModel) take(rt *rapid.T, f *modelFeed, size int) {
	<-f.Ready()
	buf := make([]chat.Item, size)
	n, err := f.Next(m.t.Context(), buf)
	if err != nil {
		rt.Fatalf("Next() = %v, want nil", err)
	}
	for _, item := range buf[:n] {
		switch item := item.(type) {
		case *chat.Event:
			position, joined := f.positions[item.Room]
			all := m.h.sequences(m.t, item.Room)
			i, _ := slices.BinarySearch(all, position+1)
			if !joined || i == len(all) || all[i] != item.Sequence {
				rt.Fatalf("event %d of room %q (joined: %t) came after %d, want the next of %v", item.Sequence, item.Room, joined, position, all)
			}
			f.positions[item.Room] = item.Sequence
		case chat.Reset:
			rt.Fatalf("%+v, want no Reset", item)
		}
	}
}
