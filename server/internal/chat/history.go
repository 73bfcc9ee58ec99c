package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chatroom/server/fanout"
)

// ErrUnknownRoom is returned for a room in which nothing was ever said and
// nobody is.
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
	head, err := s.journal.Head(ctx, q.Room)
	if err != nil {
		return Page{}, fmt.Errorf("head of room %q: %w", q.Room, err)
	}
	if head.Last == 0 && !s.exists(q.Room) {
		return Page{}, ErrUnknownRoom
	}
	page := Page{Epoch: head.Epoch, Next: Cursor{Epoch: head.Epoch}}
	var stored []Stored
	switch {
	case q.After != nil:
		if err := head.check(q.Room, *q.After); err != nil {
			return Page{}, err
		}
		page.Next.Sequence = q.After.Sequence
		stored, err = s.journal.Read(ctx, q.Room, q.After.Sequence, q.Limit+1)
	case q.Before != nil:
		if q.Before.Epoch != head.Epoch {
			return Page{}, head.lost(q.Room)
		}
		page.Next.Sequence = max(q.Before.Sequence, 1) - 1
		stored, err = s.journal.ReadBack(ctx, q.Room, q.Before.Sequence, q.Limit+1)
	default:
		stored, err = s.journal.ReadBack(ctx, q.Room, ^uint64(0), q.Limit+1)
	}
	if err != nil {
		return Page{}, fmt.Errorf("read room %q: %w", q.Room, err)
	}
	if q.After != nil {
		// Asked again after reading: what retention drops while it is read is
		// noticed.
		if head, err = s.journal.Head(ctx, q.Room); err != nil {
			return Page{}, fmt.Errorf("head of room %q: %w", q.Room, err)
		}
		if err := head.check(q.Room, *q.After); err != nil {
			return Page{}, err
		}
	}
	whole := len(stored)
	stored = trim(stored, q.Limit, q.After == nil)
	page.More = len(stored) < whole
	for _, st := range stored {
		page.Events = append(page.Events, s.decode(q.Room, st))
		page.Next.Sequence = st.Sequence
	}
	page.Events, err = s.asOfNow(ctx, q.Room, page.Events)
	return page, err
}

// asOfNow returns events with the messages among them as they are now.
func (s *Service) asOfNow(ctx context.Context, room string, events []*Event) ([]*Event, error) {
	if len(events) == 0 {
		return nil, nil
	}
	f, err := s.folded(ctx, room, events[0].Sequence)
	if err != nil {
		return nil, err
	}
	var now []*Event
	left, before := false, uint64(0) // whether the one before was left out, and what came before that
	for _, e := range events {
		changed := f.apply(e)
		if changed == nil {
			// It is being erased, or was to be: a crash may have come between.
			if err := s.eraseOne(ctx, room, e.Sequence); err != nil {
				return nil, err
			}
			if !left {
				left, before = true, e.Previous
			}
			continue
		}
		if left {
			changed = changed.with(before, changed.Body, changed.Changes)
			left = false
		}
		now = append(now, changed)
	}
	return now, nil
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
