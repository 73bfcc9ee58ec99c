package hub

import (
	"context"
	"slices"
	"time"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/history"
)

// History reads a page of a room's history. If the page is empty, it waits up to a duration
// for events after it; the query must not have Before then. It returns a *chat.FieldError,
// chat.ErrUnknownRoom, a *chat.CursorLostError or chat.ErrClosed. Drain ends a wait early,
// with an empty page. After that, chat.ErrClosed is returned instead of waiting: a caller
// that got an empty page at once would ask again at once.
func (h *Hub) History(ctx context.Context, q history.Query, wait time.Duration) (history.Page, error) {
	if err := q.Check(); err != nil {
		return history.Page{}, err
	}
	if wait == 0 {
		return h.page(ctx, q)
	}
	if q.Before != nil {
		return history.Page{}, &chat.FieldError{Field: "wait", Rule: "wait.after", Bound: "must not be set together with before"}
	}
	r, err := h.acquire(ctx, q.Room)
	if err != nil {
		return history.Page{}, err
	}
	defer h.release(r)
	sub := r.topic.Subscribe()
	defer sub.Close()
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	for waited := false; ; waited = true {
		page, err := h.page(ctx, q)
		if err != nil || len(page.Events) > 0 {
			return page, err
		}
		if !waited && h.isDraining() {
			return history.Page{}, chat.ErrClosed
		}
		for stored := false; !stored; {
			select {
			case <-sub.Ready():
				stored = takeStored(sub)
			case <-timeout.C:
				return page, nil
			case <-h.draining:
				return page, nil
			case <-ctx.Done():
				return history.Page{}, ctx.Err()
			}
		}
	}
}

func (h *Hub) isDraining() bool {
	select {
	case <-h.draining:
		return true
	default:
		return false
	}
}

func (h *Hub) page(ctx context.Context, q history.Query) (history.Page, error) {
	head, err := h.known(ctx, q.Room)
	if err != nil {
		return history.Page{}, err
	}
	return h.history.Page(ctx, head, q)
}

// takeStored takes what is pending, and reports whether there may be a durable event among
// it.
func takeStored(sub *fanout.Subscription[*chat.Event]) bool {
	var events [64]*chat.Event
	for {
		n, err := sub.Take(events[:])
		if err != nil {
			sub.Rejoin() // it has fallen behind, and may have missed a durable event
			return true
		}
		if n == 0 {
			return false
		}
		if slices.ContainsFunc(events[:n], func(e *chat.Event) bool { return e.Sequence > 0 }) {
			sub.Rejoin()
			return true
		}
	}
}
