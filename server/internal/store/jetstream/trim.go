package jetstream

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// trimAt and trimTo are parts of Config.Bytes: past the first, the rooms that use
	// most are trimmed until the second. At Config.Bytes itself the server drops the
	// oldest events of all rooms.
	trimAt, trimTo = 0.90, 0.80
	// trimCandidates is how many of the rooms with most events, and of those that
	// have grown most, are looked at.
	trimCandidates = 16
	// trimSample is how many events of a room are read to estimate the size of its events.
	trimSample = 16
	// storedOverhead is what the server stores of an event beside its subject, its
	// headers and its payload, in bytes.
	storedOverhead = 30
)

// usage is the size of a room in the stream.
type usage struct {
	subject string
	events  uint64
	average float64 // bytes, estimated
	keep    uint64
}

func (u *usage) bytes() float64 { return float64(u.keep) * u.average }

// trim drops the oldest events of the rooms that use most, while all rooms together
// use too much. Any node may do so: nodes that do it at once drop the same events.
func (s *Store) trim(ctx context.Context) error {
	state, err := s.events.state(ctx)
	if err != nil || float64(state.Bytes) < trimAt*float64(s.config.Bytes) {
		return err
	}
	rooms, err := s.largest(ctx)
	if err != nil || len(rooms) == 0 {
		return err
	}
	if err := s.mark.change(ctx, func(h *highwater) bool {
		trimmed := h.Trimmed
		h.Trimmed = true
		return !trimmed
	}); err != nil {
		return err
	}
	level(rooms, float64(state.Bytes)-trimTo*float64(s.config.Bytes))
	for _, u := range rooms {
		if u.keep == u.events {
			continue
		}
		s.log.Info("all rooms together are too large: one of the largest is trimmed",
			"room", roomOf(u.subject), "events", u.events, "dropped", u.events-u.keep, "bytes", state.Bytes)
		purge, cancel := context.WithTimeout(ctx, requestTimeout)
		err := s.stream.Purge(purge, jetstream.WithPurgeSubject(u.subject), jetstream.WithPurgeKeep(u.keep))
		cancel()
		if err != nil {
			return fmt.Errorf("trim room %q: %w", roomOf(u.subject), err)
		}
	}
	return nil
}

// level lowers what the largest rooms keep, to the same level, until they drop excess bytes
// in total, or have one event left.
func level(rooms []*usage, excess float64) {
	for excess > 0 {
		slices.SortFunc(rooms, func(a, b *usage) int { return cmp.Compare(b.bytes(), a.bytes()) })
		first, second := rooms[0], 0.0
		if len(rooms) > 1 {
			second = rooms[1].bytes()
		}
		if first.keep <= 1 {
			return
		}
		// To half of the second, so that rooms of about the same size take few iterations.
		bytes := min(excess, first.bytes()-second/2)
		drop := min(first.keep-1, uint64(bytes/first.average)+1)
		first.keep -= drop
		excess -= float64(drop) * first.average
	}
}

// largest returns the rooms that may use most.
func (s *Store) largest(ctx context.Context) ([]*usage, error) {
	subjects, err := s.events.subjects(ctx, eventPrefix+"*")
	if err != nil {
		return nil, err
	}
	grown := make(map[string]int)
	s.mu.Lock()
	for _, r := range s.rooms {
		grown[r.subject] = r.grown
	}
	s.mu.Unlock()
	var all []*usage
	for subject, events := range subjects {
		all = append(all, &usage{subject: subject, events: events, keep: events})
	}
	slices.SortFunc(all, func(a, b *usage) int { return cmp.Compare(b.events, a.events) })
	candidates := slices.Clone(all[:min(trimCandidates, len(all))])
	slices.SortFunc(all, func(a, b *usage) int { return cmp.Compare(grown[b.subject], grown[a.subject]) })
	for _, u := range all[:min(trimCandidates, len(all))] {
		if !slices.Contains(candidates, u) {
			candidates = append(candidates, u)
		}
	}
	for _, u := range candidates {
		if err := s.sample(ctx, u); err != nil {
			return nil, err
		}
	}
	return candidates, nil
}

// sample estimates how large a room's events are, from its oldest ones.
func (s *Store) sample(ctx context.Context, u *usage) error {
	batch, err := s.events.batch(ctx, u.subject, 1, trimSample)
	if err != nil {
		return err
	}
	size := 0
	for _, m := range batch {
		size += len(m.subject) + len(m.data) + storedOverhead
		for name, values := range m.header {
			size += len(name) + len(values[0]) + 4
		}
	}
	u.average = float64(max(size, 1)) / float64(max(len(batch), 1))
	return nil
}
