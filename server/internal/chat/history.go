package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chatroom/server/fanout"
)

// ErrUnknownRoom is returned for a room without events, members and a
// profile.
var ErrUnknownRoom = errors.New("chat: unknown room")

// CursorLostError says that a cursor can't be honoured: it is of another epoch,
// beyond the end of the log, or older than what is retained.
type CursorLostError struct {
	Room   string
	Epoch  string // the log's epoch now
	Oldest uint64 // the oldest retained event, 0 when there is none
}

func (e *CursorLostError) Error() string {
	return fmt.Sprintf("the cursor in room %q can't be honoured", e.Room)
}

// pageBytes bounds the payloads of one page, so that it fits into what clients
// accept: 4 MiB is the default of grpc-go.
const pageBytes = 1 << 20

// Query asks for a page of a room's history. Without After and Before it asks
// for the newest events.
type Query struct {
	Room   string
	After  *Cursor       // the oldest events after it
	Before *Cursor       // the newest events before it
	Limit  int           // 1 to MaxPage, 0 means 50
	Wait   time.Duration // how long to wait when there is nothing; not with Before
}

// Page is a part of a room's history.
type Page struct {
	Epoch  string
	Events []*Event
	More   bool   // there is more: after the page with Query.After, else before it
	Next   Cursor // pass it as Query.After to read on behind the page
}

// History reads a page. It returns a *FieldError, ErrUnknownRoom, a
// *CursorLostError or ErrClosed. A wait ends early, with an empty page, when
// the service closes.
func (s *Service) History(ctx context.Context, q Query) (Page, error) {
	if q.Limit == 0 {
		q.Limit = 50
	}
	if err := q.check(); err != nil {
		return Page{}, err
	}
	if q.Wait == 0 {
		return s.page(ctx, q)
	}
	r, err := s.acquire(ctx, q.Room)
	if err != nil {
		return Page{}, err
	}
	defer s.release(r)
	sub := r.topic.Subscribe()
	defer sub.Close()
	timeout := time.NewTimer(q.Wait)
	defer timeout.Stop()
	for {
		page, err := s.page(ctx, q)
		if err != nil || len(page.Events) > 0 {
			return page, err
		}
		for stored := false; !stored; {
			select {
			case <-sub.Ready():
				stored = anyStored(sub)
			case <-timeout.C:
				return page, nil
			case <-s.closing:
				return page, nil
			case <-ctx.Done():
				return Page{}, ctx.Err()
			}
		}
	}
}

// anyStored takes what is pending, and tells whether there may be a durable event
// among it.
func anyStored(sub *fanout.Subscription[*Event]) bool {
	var events [64]*Event
	for {
		n, err := sub.Take(events[:])
		if err != nil {
			sub.Rejoin() // it fell behind: there is no saying what it missed
			return true
		}
		if n == 0 {
			return false
		}
		if slices.ContainsFunc(events[:n], func(e *Event) bool { return e.Sequence > 0 }) {
			sub.Rejoin()
			return true
		}
	}
}

func (q Query) check() error {
	if err := checkRoom("room", q.Room); err != nil {
		return err
	}
	switch {
	case q.Limit < 1 || q.Limit > MaxPage:
		return &FieldError{"limit", "limit.range", "must be at most 500"}
	case q.After != nil && q.Before != nil:
		return &FieldError{"before", "page.one", "must not be set together with after"}
	case q.Before != nil && q.Wait != 0:
		return &FieldError{"wait", "wait.after", "must not be set together with before"}
	}
	return nil
}

func (s *Service) page(ctx context.Context, q Query) (Page, error) {
	stored, head, err := s.readPage(ctx, q)
	if err != nil {
		return Page{}, err
	}
	page := Page{Epoch: head.Epoch, Next: Cursor{Epoch: head.Epoch}}
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
		page.Events = append(page.Events, s.decode(q.Room, st))
		page.Next.Sequence = st.Sequence
	}
	if page.Events, err = s.asOfNow(ctx, q.Room, head.Epoch, through, page.Events); err != nil {
		return Page{}, err
	}
	page.shorten(q.After == nil)
	return page, nil
}

// readPage reads one event more than a page has, and where the room stands.
func (s *Service) readPage(ctx context.Context, q Query) ([]Stored, Head, error) {
	head, err := s.journal.Head(ctx, q.Room)
	if err != nil {
		return nil, Head{}, fmt.Errorf("head of room %q: %w", q.Room, err)
	}
	if head.Last == 0 {
		if exists, err := s.exists(ctx, q.Room); err != nil {
			return nil, Head{}, err
		} else if !exists {
			return nil, Head{}, ErrUnknownRoom
		}
	}
	var stored []Stored
	switch {
	case q.After != nil:
		if err := head.check(q.Room, *q.After); err != nil {
			return nil, Head{}, err
		}
		stored, err = s.journal.Read(ctx, q.Room, q.After.Sequence, q.Limit+1)
	case q.Before != nil:
		if q.Before.Epoch != head.Epoch {
			return nil, Head{}, head.lost(q.Room)
		}
		stored, err = s.journal.ReadBack(ctx, q.Room, min(q.Before.Sequence, maxSequence), q.Limit+1)
	default:
		stored, err = s.journal.ReadBack(ctx, q.Room, maxSequence, q.Limit+1)
	}
	if err != nil {
		return nil, Head{}, fmt.Errorf("read room %q: %w", q.Room, err)
	}
	if q.After == nil {
		return stored, head, nil
	}
	// Asked again after reading: what retention drops while it is read is noticed.
	if head, err = s.journal.Head(ctx, q.Room); err != nil {
		return nil, Head{}, fmt.Errorf("head of room %q: %w", q.Room, err)
	}
	return stored, head, head.check(q.Room, *q.After)
}

// asOfNow returns events with the messages among them as they are now. The changes up
// to a sequence are in it.
func (s *Service) asOfNow(ctx context.Context, room, epoch string, through uint64, events []*Event) ([]*Event, error) {
	var targets []uint64
	for _, e := range events {
		if _, ok := e.Body.(Message); ok {
			targets = append(targets, e.Sequence)
		}
	}
	folds, err := s.folded(ctx, room, epoch, through, targets)
	if err != nil {
		return nil, err
	}
	var now []*Event
	var links chain
	for _, e := range events {
		if message, ok := e.Body.(Message); ok {
			changed := folds[0].apply(e, message)
			folds = folds[1:]
			if changed == nil {
				links.skip(e) // deleted since it was read
				continue
			}
			e = changed
		}
		now = append(now, links.link(e))
	}
	return now, nil
}

// shorten takes events from a page that make it too large with their changes: at its
// front if it was read backward, else at its end. At least one stays.
func (p *Page) shorten(backward bool) {
	size := 0
	for i := range p.Events {
		at := i
		if backward {
			at = len(p.Events) - 1 - i
		}
		e := p.Events[at]
		size += e.payload
		if e.Changes != nil {
			size += e.Changes.size()
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

// trim shortens a page to limit events and pageBytes, but to no less than one
// event: at its front if it was read backward, else at its end.
func trim(stored []Stored, limit int, backward bool) []Stored {
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

// check says whether reading on after a cursor misses nothing. Sequence 0 claims
// to have seen nothing, and reads on from the oldest retained event.
func (h Head) check(room string, c Cursor) error {
	if c.Epoch != h.Epoch || c.Sequence > h.Last || c.Sequence != 0 && c.Sequence < h.Evicted {
		return h.lost(room)
	}
	return nil
}

func (h Head) lost(room string) *CursorLostError {
	return &CursorLostError{Room: room, Epoch: h.Epoch, Oldest: h.First}
}
