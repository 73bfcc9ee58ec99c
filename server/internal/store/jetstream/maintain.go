package jetstream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const maintainEvery = 5 * time.Second

// maintain keeps the mark, and the stream within its bounds, until ctx ends.
func (s *Store) maintain(ctx context.Context) {
	every := time.NewTicker(maintainEvery)
	defer every.Stop()
	for {
		select {
		case now := <-every.C:
			s.forgetErased(now)
			err := errors.Join(s.writeMark(ctx, now), s.purgeRooms(ctx), s.trim(ctx))
			if err != nil && ctx.Err() == nil {
				s.log.Warn("the store can't be maintained, trying again", "in", maintainEvery, "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// scrubPoint is a position up to which all that was deleted was erased.
type scrubPoint struct {
	at   uint64
	when time.Time
}

// writeMark writes how far the log has come and, once no late edit can come any
// more, up to where it is scrubbed.
func (s *Store) writeMark(ctx context.Context, now time.Time) error {
	s.mu.Lock()
	last, scrubbed := s.at, uint64(0)
	if s.scrubPoint.at > 0 && now.Sub(s.scrubPoint.when) > lateEditTime {
		scrubbed = s.scrubPoint.at
		s.scrubPoint = scrubPoint{}
	}
	if s.scrubPoint.at == 0 && len(s.pending) == 0 {
		s.scrubPoint = scrubPoint{last, now}
	}
	s.mu.Unlock()
	return s.mark.change(ctx, func(h *highwater) bool {
		if h.Epoch != s.epoch || last <= h.Last && scrubbed <= h.Scrubbed {
			return false
		}
		h.Last, h.Scrubbed = max(h.Last, last), max(h.Scrubbed, scrubbed)
		return true
	})
}

// purgeRooms has the server drop what rooms keep in excess of Config.RoomEvents.
func (s *Store) purgeRooms(ctx context.Context) error {
	if !s.countsExactly() {
		return nil
	}
	s.mu.Lock()
	excess := make(map[string]uint64)
	for _, r := range s.rooms {
		if r.evicted > r.purged {
			excess[r.name] = r.evicted
		}
	}
	s.mu.Unlock()
	for name, evicted := range excess {
		purge, cancel := context.WithTimeout(ctx, requestTimeout)
		err := s.stream.Purge(purge, jetstream.WithPurgeSubject(eventSubject(name)), jetstream.WithPurgeSequence(evicted+1))
		cancel()
		if err != nil {
			return err
		}
		s.mu.Lock()
		if r := s.rooms[name]; r != nil {
			r.purged = max(r.purged, evicted)
		}
		s.mu.Unlock()
	}
	return nil
}

// finish does what Close owes to the next Open.
func (s *Store) finish() error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	if !s.conn.IsConnected() {
		return nil
	}
	return errors.Join(s.purgeRooms(ctx), s.writeMark(ctx, time.Now()))
}
