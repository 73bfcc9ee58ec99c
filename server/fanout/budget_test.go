package fanout_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"weak"

	"chatroom/server/fanout"
)

// sized is a value with a size in bytes.
type sized struct {
	number int
	bytes  int64
}

func bytesOf(v sized) int64 { return v.bytes }

func sizedTopic(b *fanout.Budget, window int) *fanout.Topic[sized] {
	return fanout.New(fanout.Config[sized]{Window: window, Budget: b, Size: bytesOf})
}

func publishSized(t *testing.T, topic *fanout.Topic[sized], values ...sized) {
	t.Helper()
	if err := topic.Publish(values...); err != nil {
		t.Fatalf("Publish(%v) = %v, want nil", values, err)
	}
}

func wantUsed(t *testing.T, b *fanout.Budget, want int64) {
	t.Helper()
	if got := b.Used(); got != want {
		t.Fatalf("Used() = %d, want %d", got, want)
	}
}

// wantNext takes one value and checks its number, or checks the error.
func wantNext(t *testing.T, sub *fanout.Subscription[sized], number int, wantErr error) {
	t.Helper()
	var buf [1]sized
	n, err := sub.Take(buf[:])
	if !errors.Is(err, wantErr) || wantErr == nil && (n != 1 || buf[0].number != number) {
		t.Fatalf("Take = %v, %v, want number %d, %v", buf[:n], err, number, wantErr)
	}
}

// The value that was published longest ago is dropped first, in whichever topic it is.
func TestBudgetDropsOldestValueAcrossTopics(t *testing.T) {
	budget := fanout.NewBudget(50)
	a, b := sizedTopic(budget, 0), sizedTopic(budget, 0)
	subA, subB := a.Subscribe(), b.Subscribe()
	for i := range 3 {
		publishSized(t, a, sized{i, 10})
	}
	publishSized(t, b, sized{0, 10})
	publishSized(t, b, sized{1, 10})
	wantUsed(t, budget, 50)
	wantNext(t, subA, 0, nil)
	publishSized(t, b, sized{2, 20}) // displaces two values of a
	wantUsed(t, budget, 50)
	wantNext(t, subA, 0, fanout.ErrLagged)
	if skipped := subA.Rejoin(); skipped != 2 {
		t.Errorf("Rejoin() = %d, want 2", skipped)
	}
	late := b.Subscribe()
	publishSized(t, b, sized{3, 10}) // displaces the last value of a
	publishSized(t, b, sized{4, 10}) // displaces the first value of b
	wantNext(t, subB, 0, fanout.ErrLagged)
	for i := range 2 {
		wantNext(t, late, 3+i, nil)
	}
	publishSized(t, a, sized{3, 10})
	wantNext(t, subA, 3, nil)
	wantUsed(t, budget, 50)
}

// Topics that publish in turn lose values in turn.
func TestBudgetIsFairAcrossTopics(t *testing.T) {
	const rounds = 5
	for _, topics := range []int{2, 3, 4, 7} {
		for lost := 1; lost < rounds; lost++ {
			budget := fanout.NewBudget(int64(topics * rounds)) // so small that maxSlack does not matter
			all := make([]*fanout.Topic[sized], topics)
			readers := make([][rounds]*fanout.Subscription[sized], topics)
			for i := range all {
				all[i] = sizedTopic(budget, 0)
			}
			for round := range rounds {
				for i, topic := range all {
					readers[i][round] = topic.Subscribe()
					publishSized(t, topic, sized{round, 1})
				}
			}
			other := sizedTopic(budget, 0)
			publishSized(t, other, sized{0, int64(topics * lost)})
			wantUsed(t, budget, int64(topics*rounds))
			for i := range all {
				wantNext(t, readers[i][lost-1], 0, fanout.ErrLagged)
				wantNext(t, readers[i][lost], lost, nil)
			}
		}
	}
}

// Values that leave a window because of its length are no longer charged.
func TestBudgetReleasesDisplacedValues(t *testing.T) {
	budget := fanout.NewBudget(1000)
	topic := sizedTopic(budget, 4)
	for i := range 100 {
		publishSized(t, topic, sized{i, int64(1 + i%7)})
	}
	want := int64(0)
	for i := 96; i < 100; i++ {
		want += int64(1 + i%7)
	}
	wantUsed(t, budget, want)
	publishSized(t, topic, sized{100, -5}) // a negative size counts as 0
	wantUsed(t, budget, want-int64(1+96%7))
}

// A value that is larger than the budget is delivered, and dropped at the next Publish.
func TestBudgetDeliversOversizedValues(t *testing.T) {
	budget := fanout.NewBudget(100)
	big, other := sizedTopic(budget, 0), sizedTopic(budget, 0)
	early, behind := big.Subscribe(), big.Subscribe()
	publishSized(t, big, sized{0, 30})
	publishSized(t, big, sized{1, 250}, sized{2, 250})
	wantUsed(t, budget, 500)
	wantNext(t, early, 0, fanout.ErrLagged)
	early.Rejoin()
	publishSized(t, big, sized{3, 300})
	wantNext(t, early, 3, nil)
	wantUsed(t, budget, 300)
	publishSized(t, other, sized{0, 1})
	wantUsed(t, budget, 1)
	wantNext(t, behind, 1, fanout.ErrLagged)
}

// A closed topic releases its bytes when its last subscription is closed.
func TestBudgetReleasesClosedTopics(t *testing.T) {
	budget := fanout.NewBudget(1000)
	for _, subscribed := range []int{0, 1, 3} {
		topic := sizedTopic(budget, 0)
		var subs []*fanout.Subscription[sized]
		for range subscribed {
			subs = append(subs, topic.Subscribe())
		}
		publishSized(t, topic, sized{0, 10}, sized{1, 10})
		topic.Close()
		for _, sub := range subs {
			wantUsed(t, budget, 20)
			wantNext(t, sub, 0, nil)
			sub.Close()
			sub.Close()
		}
		wantUsed(t, budget, 0)
		if err := topic.Publish(sized{2, 10}); !errors.Is(err, fanout.ErrClosed) {
			t.Errorf("Publish after Close = %v, want %v", err, fanout.ErrClosed)
		}
		wantUsed(t, budget, 0)
		wantNext(t, topic.Subscribe(), 0, fanout.ErrClosed)
		topic.Close()
	}
}

// Values that leave the windows can be garbage collected.
func TestBudgetDropsReferences(t *testing.T) {
	budget := fanout.NewBudget(2)
	topics := make([]*fanout.Topic[*sized], 3)
	for i := range topics {
		topics[i] = fanout.New(fanout.Config[*sized]{Budget: budget, Size: func(*sized) int64 { return 1 }})
	}
	var values []weak.Pointer[sized]
	for i := range 60 {
		v := &sized{number: i}
		values = append(values, weak.Make(v))
		if err := topics[i%3].Publish(v); err != nil {
			t.Fatalf("Publish = %v, want nil", err)
		}
	}
	runtime.GC()
	for i, v := range values {
		if kept := v.Value() != nil; kept != (i >= 58) {
			t.Errorf("value %d is in memory: %t, want the last 2 of 60 only", i, kept)
		}
	}
	runtime.KeepAlive(topics)
}

func TestBudgetHolds(t *testing.T) {
	budget := fanout.NewBudget(60)
	topic := sizedTopic(budget, 0)
	sub := topic.Subscribe()
	var evicted []string
	hold := func(name string, bytes int64) *fanout.Hold {
		h := budget.Hold(bytes, func() { evicted = append(evicted, name) })
		if h == nil {
			t.Fatalf("Hold(%d) = nil, want it held", bytes)
		}
		return h
	}
	wantEvicted := func(want ...string) {
		t.Helper()
		if fmt.Sprint(evicted) != fmt.Sprint(want) {
			t.Fatalf("evicted %v, want %v", evicted, want)
		}
		evicted = nil
	}
	a, b := hold("a", 10), hold("b", 10)
	publishSized(t, topic, sized{0, 10})
	c := hold("c", 10)
	wantUsed(t, budget, 40)
	if !a.Use() {
		t.Error("Use() = false, want true")
	}
	publishSized(t, topic, sized{1, 30})
	wantEvicted("b") // a was used later
	wantUsed(t, budget, 60)
	wantNext(t, sub, 0, nil)
	publishSized(t, topic, sized{2, 20})
	wantEvicted("c")
	wantUsed(t, budget, 60)
	if b.Use() || b.Release() || b.Resize(1) || c.Release() {
		t.Error("a method of an evicted hold = true, want false")
	}
	if !a.Resize(25) {
		t.Error("Resize(25) = false, want true")
	}
	wantEvicted()
	wantUsed(t, budget, 45) // value 1 was dropped
	wantNext(t, sub, 0, fanout.ErrLagged)
	d := hold("d", 15)
	if !d.Release() || d.Release() {
		t.Error("Release() of a hold = false or then true, want true and then false")
	}
	wantUsed(t, budget, 45)
	if h := budget.Hold(61, func() { t.Error("evict was called for a Hold that returned nil") }); h != nil {
		t.Error("Hold of more than the budget != nil, want nil")
	}
	wantUsed(t, budget, 45)
	if a.Resize(61) || a.Use() {
		t.Error("Resize to more than the budget = true, or Use after it, want false")
	}
	wantUsed(t, budget, 20)
	wantEvicted()
	hold("e", 60)
	wantUsed(t, budget, 60)
	publishSized(t, topic, sized{3, 5})
	wantEvicted("e")
	wantUsed(t, budget, 5)
}

func TestBudgetPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"NewBudget(0)":           func() { fanout.NewBudget(0) },
		"New with a Budget only": func() { fanout.New(fanout.Config[int]{Budget: fanout.NewBudget(1)}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s did not panic", name)
				}
			}()
			f()
		}()
	}
}

// Many topics and holds use a budget that is far too small, concurrently. No reader
// misses a value without ErrLagged, and no bytes stay charged at the end.
func TestBudgetUnderLoad(t *testing.T) {
	const topics, publishers, each, limit = 12, 4, 2000, 4000
	budget := fanout.NewBudget(limit)
	var wg, publishing sync.WaitGroup
	all := make([]*fanout.Topic[sized], topics)
	var lagged, most atomic.Int64
	for i := range all {
		all[i] = sizedTopic(budget, 64)
		for range 2 {
			sub := all[i].Subscribe()
			wg.Go(func() { readSized(t, sub, &lagged) })
		}
	}
	var evicting atomic.Int64
	holds := make([][]*fanout.Hold, publishers)
	for p := range publishers {
		publishing.Go(func() {
			random := rand.New(rand.NewPCG(3, uint64(p)))
			var published [topics]int
			for i := range each {
				// A topic belongs to one publisher, so that its numbers are in order.
				k := p + publishers*random.IntN(topics/publishers)
				n := published[k]
				publishSized(t, all[k], sized{n, int64(random.IntN(200))}, sized{n + 1, int64(random.IntN(200))})
				published[k] += 2
				if i%3 == 0 {
					if h := budget.Hold(int64(random.IntN(100)), func() { evicting.Add(1) }); h != nil {
						holds[p] = append(holds[p], h)
					}
				}
				if n := len(holds[p]); n > 0 {
					switch h := holds[p][random.IntN(n)]; random.IntN(4) {
					case 0:
						h.Use()
					case 1:
						h.Resize(int64(random.IntN(150)))
					case 2:
						h.Release()
					}
				}
				most.Store(max(most.Load(), budget.Used()))
			}
		})
	}
	publishing.Wait()
	// Used includes what each publisher has reserved.
	if got := most.Load(); got > limit+publishers*400 {
		t.Errorf("Used() was up to %d, want at most %d plus the bytes being published", got, limit)
	}
	if got := budget.Used(); got > limit {
		t.Errorf("Used() = %d, want at most %d", got, limit)
	}
	for _, topic := range all {
		topic.Close()
	}
	wg.Wait()
	for _, ofPublisher := range holds {
		for _, h := range ofPublisher {
			h.Release()
		}
	}
	wantUsed(t, budget, 0)
	if lagged.Load() == 0 || evicting.Load() == 0 {
		t.Errorf("%d readers lagged and %d holds were evicted, want some", lagged.Load(), evicting.Load())
	}
}

// readSized reads values numbered from 0 until the topic is closed.
func readSized(t *testing.T, sub *fanout.Subscription[sized], lagged *atomic.Int64) {
	defer sub.Close()
	var buf [5]sized
	position := 0
	for range sub.Ready() {
		n, err := sub.Take(buf[:])
		for _, v := range buf[:n] {
			if v.number != position {
				t.Errorf("got %d, want %d: a value was missed without ErrLagged, or delivered twice", v.number, position)
			}
			position = v.number + 1
		}
		switch {
		case errors.Is(err, fanout.ErrLagged):
			lagged.Add(1)
			position += int(sub.Rejoin())
		case errors.Is(err, fanout.ErrClosed):
			return
		}
	}
}
