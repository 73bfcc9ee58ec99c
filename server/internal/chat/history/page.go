package history

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"chatroom/server/internal/chat"
)

// defaultLimit is how many events a page has without Query.Limit.
const defaultLimit = 50

// pageBytes bounds the payloads of one page, so that it fits into what clients
// accept: 4 MiB is the default of grpc-go.
const pageBytes = 1 << 20

// Query asks for a page of a room's history. Without After and Before it asks
// for the newest events.
type Query struct {
	Room   string
	After  *chat.Cursor // the oldest events after it
	Before *chat.Cursor // the newest events before it
	Limit  int          // 1 to chat.MaxPage, 0 means 50
}

// Page is a part of a room's history.
type Page struct {
	Epoch  string
	Events []*chat.Event
	More   bool        // there are more events: after the page with Query.After, else before it
	Next   chat.Cursor // as Query.After it asks for the events after the page
}

// Check returns a *chat.FieldError for a query that is not valid.
func (q Query) Check() error {
	if err := chat.CheckRoom(q.Room); err != nil {
		return err
	}
	switch {
	case q.Limit < 0 || q.Limit > chat.MaxPage:
		return &chat.FieldError{Field: "limit", Rule: "limit.range", Bound: "must be at most 500"}
	case q.After != nil && q.Before != nil:
		return &chat.FieldError{Field: "before", Rule: "page.one", Bound: "must not be set together with after"}
	}
	return nil
}

// Page reads a page of a room whose log is at head. It returns a *chat.CursorLostError if
// a cursor of the query can't be honoured.
func (r *Reader) Page(ctx context.Context, head chat.Head, q Query) (Page, error) {
	q.Limit = cmp.Or(q.Limit, defaultLimit)
	stored, head, err := r.read(ctx, head, q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Epoch: head.Epoch, Next: chat.Cursor{Epoch: head.Epoch}}
	switch {
	case q.After != nil:
		page.Next.Sequence = q.After.Sequence
	case q.Before != nil:
		page.Next.Sequence = max(q.Before.Sequence, 1) - 1
	}
	whole := len(stored)
	through := head.Last // a reader that continues after the page must not miss a change
	if whole > 0 {
		through = max(through, stored[whole-1].Sequence)
	}
	stored = trim(stored, q.Limit, q.After == nil)
	page.More = len(stored) < whole
	for _, st := range stored {
		page.Events = append(page.Events, r.Event(q.Room, st))
		page.Next.Sequence = st.Sequence
	}
	if page.Events, err = r.asOfNow(ctx, q.Room, head.Epoch, through, page.Events); err != nil {
		return Page{}, err
	}
	page.shorten(q.After == nil)
	return page, nil
}

// read reads one event more than a page has, and returns the head of the log as of then.
func (r *Reader) read(ctx context.Context, head chat.Head, q Query) (stored []chat.Stored, now chat.Head, err error) {
	switch {
	case q.After != nil:
		if err := head.Check(q.Room, *q.After); err != nil {
			return nil, head, err
		}
		stored, err = r.journal.Read(ctx, q.Room, q.After.Sequence, q.Limit+1)
	case q.Before != nil:
		if q.Before.Epoch != head.Epoch {
			return nil, head, head.Lost(q.Room)
		}
		stored, err = r.journal.ReadBack(ctx, q.Room, min(q.Before.Sequence, chat.MaxSequence), q.Limit+1)
	default:
		stored, err = r.journal.ReadBack(ctx, q.Room, chat.MaxSequence, q.Limit+1)
	}
	if err != nil {
		return nil, head, fmt.Errorf("read room %q: %w", q.Room, err)
	}
	if q.After == nil {
		return stored, head, nil
	}
	// The head after reading shows whether retention dropped events meanwhile.
	if head, err = r.journal.Head(ctx, q.Room); err != nil {
		return nil, head, fmt.Errorf("head of room %q: %w", q.Room, err)
	}
	return stored, head, head.Check(q.Room, *q.After)
}

// asOfNow returns events with the messages among them as they are now: with all changes up
// to the sequence through.
func (r *Reader) asOfNow(ctx context.Context, room, epoch string, through uint64, events []*chat.Event) ([]*chat.Event, error) {
	var targets []uint64
	for _, e := range events {
		if _, ok := e.Body.(chat.Message); ok {
			targets = append(targets, e.Sequence)
		}
	}
	folds, err := r.folded(ctx, room, epoch, through, targets)
	if err != nil {
		return nil, err
	}
	var now []*chat.Event
	var links chat.Chain
	for _, e := range events {
		if message, ok := e.Body.(chat.Message); ok {
			current := folds[0].current(e, message)
			folds = folds[1:]
			if current == nil {
				links.Skip(e) // deleted since it was read
				continue
			}
			e = current
		}
		now = append(now, links.Link(e))
	}
	return now, nil
}

// shorten removes events from a page that is too large with the changes of its messages:
// from its front if it was read backward, else from its end. At least one event stays.
func (p *Page) shorten(backward bool) {
	size := 0
	for i := range p.Events {
		at := i
		if backward {
			at = len(p.Events) - 1 - i
		}
		e := p.Events[at]
		size += e.PayloadSize
		if e.Changes != nil {
			size += sizeOf(e.Changes)
		}
		if i == 0 || size <= pageBytes {
			continue
		}
		p.More = true
		if backward {
			p.Events = p.Events[at+1:]
			return
		}
		p.Events = p.Events[:at]
		p.Next.Sequence = p.Events[at-1].Sequence
		return
	}
}

// trim shortens a page to limit events and pageBytes: at its front if it was read
// backward, else at its end. At least one event stays.
func trim(stored []chat.Stored, limit int, backward bool) []chat.Stored {
	if backward {
		slices.Reverse(stored)
	}
	n, size := 0, 0
	for n < len(stored) && n < limit && (n == 0 || size+len(stored[n].Payload) <= pageBytes) {
		size += len(stored[n].Payload)
		n++
	}
	stored = stored[:n]
	if backward {
		slices.Reverse(stored)
	}
	return stored
}
