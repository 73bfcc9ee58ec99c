package tracing

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"chatroom/server/internal/chat"
)

const (
	// maxFlights bounds the events that are followed at the same time.
	maxFlights = 1024
	// flightAge is how long an event without a subscriber is followed.
	flightAge = 10 * time.Second
)

// eventKey identifies an event.
type eventKey struct {
	room     string
	sequence uint64
}

// flights are the events on their way from a traced append to the first subscriber. A store
// publishes an event before or after it answers the append: what comes first waits here for
// the other.
type flights struct {
	tracer trace.Tracer
	// active is the number of traced appends that are not answered, and of events that were
	// stored by one and are not published yet. While it is 0 publishing costs one read of it.
	active atomic.Int64

	mu      sync.Mutex // guards below, and the flights
	byEvent map[eventKey]*flight
	oldest  []*flight // in the order of their begin; those that have ended are still in it
}

// flight is an event on its way. It implements chat.Trace.
type flight struct {
	all   *flights
	key   eventKey
	since time.Time
	first atomic.Bool // it was delivered

	// Guarded by flights.mu.
	parent, stored       trace.SpanContext // of the append's parent, and of the append
	published, delivered time.Time
	waits, over          bool // it waits to be published; it is not followed any more
}

func (f *flights) begin() { f.active.Add(1) }

// abandon ends an append that has stored nothing.
func (f *flights) abandon() { f.active.Add(-1) }

// stored notes that an append has stored an event.
func (f *flights) stored(key eventKey, parent, span trace.SpanContext) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.getLocked(key, time.Now())
	one.parent, one.stored = parent, span
	if one.waits = one.published.IsZero(); !one.waits {
		f.active.Add(-1)
	}
	f.finishLocked(one)
}

// publishing follows an event if there are traced appends.
func (f *flights) publishing(e *chat.Event) {
	if f.active.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	one := f.getLocked(eventKey{e.Room, e.Sequence}, now)
	one.published = now
	f.arrivedLocked(one)
	e.Trace = one
}

// getLocked returns the flight of an event, and begins it if there is none.
func (f *flights) getLocked(key eventKey, now time.Time) *flight {
	if one := f.byEvent[key]; one != nil {
		return one
	}
	for len(f.oldest) > 0 {
		o := f.oldest[0]
		if !o.over && len(f.oldest) < maxFlights && now.Sub(o.since) < flightAge {
			break
		}
		f.endLocked(o)
		f.oldest = f.oldest[1:]
	}
	one := &flight{all: f, key: key, since: now}
	f.byEvent[key] = one
	f.oldest = append(f.oldest, one)
	return one
}

// arrivedLocked notes that an event does not wait to be published.
func (f *flights) arrivedLocked(one *flight) {
	if one.waits {
		one.waits = false
		f.active.Add(-1)
	}
}

func (f *flights) endLocked(one *flight) {
	if !one.over {
		one.over = true
		delete(f.byEvent, one.key)
		f.arrivedLocked(one)
	}
}

// Delivered implements chat.Trace.
func (o *flight) Delivered() {
	if o.first.Swap(true) {
		return
	}
	o.all.mu.Lock()
	defer o.all.mu.Unlock()
	o.delivered = time.Now()
	o.all.finishLocked(o)
}

// finishLocked creates the span of a delivery once everything is known of it.
func (f *flights) finishLocked(one *flight) {
	if one.over || one.delivered.IsZero() || !one.stored.IsValid() {
		return
	}
	f.endLocked(one)
	ctx := trace.ContextWithSpanContext(context.Background(), one.parent)
	_, span := f.tracer.Start(ctx, "deliver", trace.WithTimestamp(one.published), trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithLinks(trace.Link{SpanContext: one.stored}),
		trace.WithAttributes(attribute.String("chatroom.room", one.key.room), attribute.Int64("chatroom.sequence", int64(one.key.sequence))))
	span.End(trace.WithTimestamp(one.delivered))
}
