package fanout_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chatroom/server/fanout"
)

// budgetModel is the simplest model of a budget: one list of all values and holds,
// oldest first.
type budgetModel struct {
	budget *fanout.Budget
	limit  int64
	window int
	topics []*budgetTopic
	items  []*budgetItem
}

type budgetTopic struct {
	topic     *fanout.Topic[sized]
	published int
	closed    bool
	readers   []*budgetReader
}

type budgetReader struct {
	sub *fanout.Subscription[sized]
	pos int
}

// budgetItem is a value of a topic, or a hold.
type budgetItem struct {
	topic  *budgetTopic
	number int

	hold    *fanout.Hold
	evicted bool // whether evict was called

	bytes int64
}

func (m *budgetModel) used() (bytes int64) {
	for _, item := range m.items {
		bytes += item.bytes
	}
	return bytes
}

// makeSpace drops the oldest items until bytes fit, and returns the holds among them,
// which must be evicted.
func (m *budgetModel) makeSpace(bytes int64) (evicted []*budgetItem) {
	for len(m.items) > 0 && m.used()+bytes > m.limit {
		if m.items[0].hold != nil {
			evicted = append(evicted, m.items[0])
		}
		m.items = m.items[1:]
	}
	return evicted
}

func (m *budgetModel) remove(item *budgetItem) {
	if i := slices.Index(m.items, item); i >= 0 {
		m.items = slices.Delete(m.items, i, i+1)
	}
}

// values returns the values in a topic's window.
func (m *budgetModel) values(topic *budgetTopic) (values []*budgetItem) {
	for _, item := range m.items {
		if item.topic == topic {
			values = append(values, item)
		}
	}
	return values
}

func (m *budgetModel) topic(t *rapid.T) *budgetTopic {
	return rapid.SampledFrom(m.topics).Draw(t, "topic")
}

func (m *budgetModel) publish(t *rapid.T) {
	topic := m.topic(t)
	var values []sized
	total := int64(0)
	for range rapid.IntRange(0, 4).Draw(t, "values") {
		values = append(values, sized{topic.published + len(values), rapid.SampledFrom([]int64{0, 1, 2, 3, 5, 8, 13, 40}).Draw(t, "bytes")})
		total += values[len(values)-1].bytes
	}
	evicted := m.makeSpace(total)
	err := topic.topic.Publish(values...)
	checkEvicted(t, evicted)
	if topic.closed {
		if !errors.Is(err, fanout.ErrClosed) {
			t.Fatalf("Publish = %v, want %v", err, fanout.ErrClosed)
		}
		return
	}
	if err != nil {
		t.Fatalf("Publish = %v, want nil", err)
	}
	for _, v := range values {
		m.items = append(m.items, &budgetItem{topic: topic, number: v.number, bytes: v.bytes})
	}
	topic.published += len(values)
	for kept := m.values(topic); len(kept) > m.window; kept = kept[1:] {
		m.remove(kept[0])
	}
}

func checkEvicted(t *rapid.T, evicted []*budgetItem) {
	for _, item := range evicted {
		if !item.evicted {
			t.Fatalf("a hold of %d bytes was not evicted, want it evicted", item.bytes)
		}
	}
}

func (m *budgetModel) hold(t *rapid.T) {
	item := &budgetItem{bytes: rapid.Int64Range(0, m.limit+5).Draw(t, "bytes")}
	fits := item.bytes <= m.limit
	var evicted []*budgetItem
	if fits {
		evicted = m.makeSpace(item.bytes)
	}
	item.hold = m.budget.Hold(item.bytes, func() { item.evicted = true })
	checkEvicted(t, evicted)
	if (item.hold != nil) != fits {
		t.Fatalf("Hold(%d) is held: %t, want %t", item.bytes, item.hold != nil, fits)
	}
	if fits {
		m.items = append(m.items, item)
	}
}

// anyHold draws one of the current holds.
func (m *budgetModel) anyHold(t *rapid.T) *budgetItem {
	var holds []*budgetItem
	for _, item := range m.items {
		if item.hold != nil {
			holds = append(holds, item)
		}
	}
	if len(holds) == 0 {
		t.Skip("no holds")
	}
	return rapid.SampledFrom(holds).Draw(t, "hold")
}

func (m *budgetModel) use(t *rapid.T) {
	item := m.anyHold(t)
	m.remove(item)
	m.items = append(m.items, item)
	if !item.hold.Use() {
		t.Fatal("Use() = false, want true")
	}
}

func (m *budgetModel) resize(t *rapid.T) {
	item := m.anyHold(t)
	bytes := rapid.Int64Range(0, m.limit+5).Draw(t, "bytes")
	m.remove(item)
	var evicted []*budgetItem
	if bytes <= m.limit {
		evicted = m.makeSpace(bytes)
		item.bytes = bytes
		m.items = append(m.items, item)
	}
	if got := item.hold.Resize(bytes); got != (bytes <= m.limit) {
		t.Fatalf("Resize(%d) = %t, want %t", bytes, got, bytes <= m.limit)
	}
	checkEvicted(t, evicted)
}

func (m *budgetModel) release(t *rapid.T) {
	item := m.anyHold(t)
	m.remove(item)
	if !item.hold.Release() {
		t.Fatal("Release() = false, want true")
	}
}

func (m *budgetModel) subscribe(t *rapid.T) {
	topic := m.topic(t)
	topic.readers = append(topic.readers, &budgetReader{topic.topic.Subscribe(), topic.published})
}

func (m *budgetModel) reader(t *rapid.T) (*budgetTopic, int) {
	topic := m.topic(t)
	if len(topic.readers) == 0 {
		t.Skip("no readers")
	}
	return topic, rapid.IntRange(0, len(topic.readers)-1).Draw(t, "reader")
}

func (m *budgetModel) take(t *rapid.T) {
	topic, i := m.reader(t)
	m.takeAll(t, topic, topic.readers[i])
}

// takeAll takes everything pending, and expects ErrLagged if any of it was dropped.
func (m *budgetModel) takeAll(t *rapid.T, topic *budgetTopic, r *budgetReader) {
	oldest := topic.published
	if values := m.values(topic); len(values) > 0 {
		oldest = values[0].number
	}
	want, wantErr := topic.published-r.pos, error(nil)
	switch {
	case r.pos < oldest:
		want, wantErr = 0, fanout.ErrLagged
	case want == 0 && topic.closed:
		wantErr = fanout.ErrClosed
	}
	buf := make([]sized, m.window+1)
	n, err := r.sub.Take(buf)
	if n != want || !errors.Is(err, wantErr) {
		t.Fatalf("Take = %v, %v, want %d values from %d, %v", buf[:n], err, want, r.pos, wantErr)
	}
	for _, v := range buf[:n] {
		if v.number != r.pos {
			t.Fatalf("Take = %v, want values from %d", buf[:n], r.pos)
		}
		r.pos++
	}
	if errors.Is(wantErr, fanout.ErrLagged) {
		if got := r.sub.Rejoin(); got != uint64(topic.published-r.pos) {
			t.Fatalf("Rejoin() = %d, want %d", got, topic.published-r.pos)
		}
		r.pos = topic.published
	}
}

func (m *budgetModel) unsubscribe(t *rapid.T) {
	topic, i := m.reader(t)
	topic.readers[i].sub.Close()
	topic.readers = slices.Delete(topic.readers, i, i+1)
	m.forget(topic)
}

func (m *budgetModel) closeTopic(t *rapid.T) {
	if rapid.IntRange(0, 7).Draw(t, "close") != 0 {
		t.Skip("not yet")
	}
	topic := m.topic(t)
	topic.topic.Close()
	topic.closed = true
	m.forget(topic)
}

// forget drops the values of a closed topic that has no readers.
func (m *budgetModel) forget(topic *budgetTopic) {
	if topic.closed && len(topic.readers) == 0 {
		for _, item := range m.values(topic) {
			m.remove(item)
		}
	}
}

func (m *budgetModel) check(t *rapid.T) {
	if got, want := m.budget.Used(), m.used(); got != want {
		t.Fatalf("Used() = %d, want %d", got, want)
	}
	for _, item := range m.items {
		if item.evicted {
			t.Fatalf("a hold of %d bytes was evicted, want an older item evicted", item.bytes)
		}
	}
}

func TestBudgetModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &budgetModel{
			limit:  rapid.Int64Range(10, 63).Draw(t, "limit"), // so small that maxSlack does not matter
			window: rapid.IntRange(1, 20).Draw(t, "window"),
		}
		m.budget = fanout.NewBudget(m.limit)
		for range rapid.IntRange(2, 5).Draw(t, "topics") {
			m.topics = append(m.topics, &budgetTopic{topic: sizedTopic(m.budget, m.window)})
		}
		t.Repeat(map[string]func(*rapid.T){
			"":            m.check,
			"publish":     m.publish,
			"hold":        m.hold,
			"use":         m.use,
			"resize":      m.resize,
			"release":     m.release,
			"subscribe":   m.subscribe,
			"take":        m.take,
			"unsubscribe": m.unsubscribe,
			"closeTopic":  m.closeTopic,
		})
		for _, topic := range m.topics {
			for _, r := range topic.readers {
				m.takeAll(t, topic, r)
			}
		}
	})
}
