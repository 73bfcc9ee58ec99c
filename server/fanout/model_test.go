package fanout_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chatroom/server/fanout"
)

// model is the simplest model of a topic: everything that was published, and a
// position in it for each reader.
type model struct {
	topic   *fanout.Topic[int]
	window  int
	values  []int
	closed  bool
	readers []*modelReader
	shared  chan struct{}
}

type modelReader struct {
	sub    *fanout.Subscription[int]
	ready  <-chan struct{}
	pos    int
	closed bool

	// Ready has a signal while values or an error are pending, unless the reader
	// received it and has not called Take, or Take has returned the error.
	owesTake bool
	gotError bool
}

// pending returns what a Take with a large enough buffer must return.
func (m *model) pending(r *modelReader) ([]int, error) {
	switch {
	case r.closed:
		return nil, fanout.ErrClosed
	case r.pos < len(m.values)-m.window:
		return nil, fanout.ErrLagged
	case r.pos < len(m.values):
		return m.values[r.pos:], nil
	case m.closed:
		return nil, fanout.ErrClosed
	}
	return nil, nil
}

func (m *model) publish(t *rapid.T) {
	values := sequence(len(m.values)+1, len(m.values)+rapid.IntRange(0, m.window+2).Draw(t, "values"))
	var want error
	if m.closed {
		want = fanout.ErrClosed
	} else {
		m.values = append(m.values, values...)
	}
	if err := m.topic.Publish(values...); !errors.Is(err, want) {
		t.Fatalf("Publish(%v) = %v, want %v", values, err, want)
	}
}

func (m *model) subscribe(t *rapid.T) {
	r := &modelReader{pos: len(m.values)}
	if rapid.Bool().Draw(t, "shared") {
		r.sub = m.topic.SubscribeWith(m.shared)
	} else {
		r.sub = m.topic.Subscribe()
	}
	r.ready = r.sub.Ready()
	m.readers = append(m.readers, r)
}

func (m *model) reader(t *rapid.T) *modelReader {
	if len(m.readers) == 0 {
		t.Skip("no readers")
	}
	return m.readers[rapid.IntRange(0, len(m.readers)-1).Draw(t, "reader")]
}

func (m *model) take(t *rapid.T, r *modelReader, size int) {
	want, wantErr := m.pending(r)
	want = want[:min(size, len(want))]
	buf := make([]int, size)
	n, err := r.sub.Take(buf)
	if !slices.Equal(buf[:n], want) || !errors.Is(err, wantErr) {
		t.Fatalf("Take(%d) = %v, %v, want %v, %v", size, buf[:n], err, want, wantErr)
	}
	r.pos += n
	r.owesTake = false
	r.gotError = err != nil
}

// receive receives a signal, which all readers that share the channel lose.
func (m *model) receive(t *rapid.T) {
	r := m.reader(t)
	select {
	case <-r.ready:
	default:
		t.Skip("no signal")
	}
	for _, other := range m.readers {
		if other.ready == r.ready {
			other.owesTake = true
		}
	}
}

func (m *model) rejoin(t *rapid.T) {
	r := m.reader(t)
	want := uint64(len(m.values) - r.pos)
	if got := r.sub.Rejoin(); got != want {
		t.Fatalf("Rejoin() = %d, want %d", got, want)
	}
	r.pos = len(m.values)
	if !r.closed {
		r.owesTake, r.gotError = false, false
	}
}

func (m *model) close(t *rapid.T) {
	r := m.reader(t)
	r.sub.Close()
	r.gotError = r.gotError && r.closed
	r.closed = true
}

func (m *model) closeTopic(t *rapid.T) {
	// Rarely: little else can be tested on a closed topic.
	if rapid.IntRange(0, 15).Draw(t, "close") != 0 {
		t.Skip("not yet")
	}
	m.topic.Close()
	m.closed = true
}

// check compares everything that can be observed without a side effect.
func (m *model) check(t *rapid.T) {
	open := 0
	for i, r := range m.readers {
		if !r.closed {
			open++
		}
		values, err := m.pending(r)
		if len(values) == 0 && err == nil || r.gotError || r.owesTake {
			continue
		}
		if len(r.ready) == 0 {
			t.Fatalf("reader %d has %v, %v pending and no signal since its last Take", i, values, err)
		}
	}
	if got := m.topic.Subscribers(); got != open {
		t.Fatalf("Subscribers() = %d, want %d", got, open)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		window := rapid.IntRange(1, 40).Draw(t, "window")
		m := &model{
			topic:  fanout.New(fanout.Config[int]{Window: window}),
			window: window,
			shared: make(chan struct{}, 1),
		}
		t.Repeat(map[string]func(*rapid.T){
			"":          m.check,
			"publish":   m.publish,
			"subscribe": m.subscribe,
			"take": func(t *rapid.T) {
				m.take(t, m.reader(t), rapid.IntRange(1, window+1).Draw(t, "size"))
			},
			"receive":    m.receive,
			"rejoin":     m.rejoin,
			"close":      m.close,
			"closeTopic": m.closeTopic,
		})
		for _, r := range m.readers {
			m.take(t, r, window+1)
		}
	})
}
