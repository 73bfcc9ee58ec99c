package tracing

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"chatroom/server/internal/chat"
)

// Journal returns a journal whose appends are traced.
func (t *Tracing) Journal(j chat.Journal) chat.Journal {
	if t == nil {
		return j
	}
	return &journal{j, t}
}

type journal struct {
	chat.Journal
	tracing *Tracing
}

// Submit implements chat.Journal.
func (j *journal) Submit(ctx context.Context, e chat.Entry, done func(chat.Appended)) {
	t := j.tracing
	parent := trace.SpanContextFromContext(ctx)
	if !parent.IsSampled() {
		j.Journal.Submit(ctx, e, done)
		return
	}
	ctx, span := t.tracer.Start(ctx, "append", trace.WithAttributes(attribute.String("chatroom.room", e.Room)))
	t.flights.begin()
	j.Journal.Submit(ctx, e, func(outcome chat.Appended) {
		t.appended(ctx, span, parent, e.Room, outcome)
		done(outcome)
	})
}

// appended ends the span of an append.
func (t *Tracing) appended(ctx context.Context, span trace.Span, parent trace.SpanContext, room string, outcome chat.Appended) {
	if outcome.Err == nil {
		sequence := outcome.At.Sequence
		span.SetAttributes(attribute.Int64("chatroom.sequence", int64(sequence)), attribute.Bool("chatroom.duplicate", outcome.Duplicate))
		if c := t.commit; c.entries > 0 {
			_, commit := t.tracer.Start(ctx, "commit", trace.WithTimestamp(c.began), trace.WithAttributes(attribute.Int("chatroom.commit.entries", c.entries)))
			commit.End(trace.WithTimestamp(c.ended))
		}
	}
	endWith(span, outcome.Err)
	if outcome.Err != nil || outcome.Duplicate {
		t.flights.abandon()
		return
	}
	t.flights.stored(eventKey{room, outcome.At.Sequence}, parent, span.SpanContext())
}

// Committed is for the configuration of a store: it notes a group commit, whose entries are
// answered next, by the same goroutine.
func (t *Tracing) Committed() func(began time.Time, entries int) {
	if t == nil {
		return nil
	}
	return func(began time.Time, entries int) { t.commit = commit{began, time.Now(), entries} }
}

// Publishing is for hub.Config: it follows events whose appends are traced.
func (t *Tracing) Publishing() func(*chat.Event) {
	if t == nil {
		return nil
	}
	return t.flights.publishing
}
