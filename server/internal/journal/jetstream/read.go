package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"chatroom/server/internal/chat"
)

// readChunk is how many events are asked for at a time: the server answers fewer
// than asked for when it is asked for more than 1,000.
const readChunk = 500

// Read implements chat.Journal.
func (j *Journal) Read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	if err := j.check(ctx); err != nil {
		return nil, err
	}
	if r := j.recentOf(room); r != nil {
		events, found, err := j.readRecent(ctx, room, r, after, limit)
		if found || err != nil {
			return events, err
		}
	}
	return j.read(ctx, room, after, limit)
}

// readRecent reads from memory, and the log where that has more already.
func (j *Journal) readRecent(ctx context.Context, room string, r *recent, after uint64, limit int) (events []chat.Stored, found bool, err error) {
	events, found = r.after(after, limit)
	if !found || limit <= 0 {
		return nil, found, nil
	}
	if len(events) > 0 {
		// Retention drops the oldest first: if that is there, all are.
		m, err := j.stream.GetMsg(ctx, events[0].Sequence)
		if err != nil || m.Subject != eventPrefix+token(room) {
			return nil, false, nil
		}
		if events[0].Previous, err = j.previous(ctx, room, events[0]); err != nil {
			return nil, true, err
		}
		after = events[len(events)-1].Sequence
	}
	if len(events) == limit {
		return events, true, nil
	}
	last, err := j.last(ctx, room)
	if err != nil || last <= after {
		return events, true, err
	}
	rest, err := j.read(ctx, room, after, limit-len(events))
	return append(events, rest...), true, err
}

// read reads from the log.
func (j *Journal) read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	var events []chat.Stored
	for len(events) < limit {
		ask := min(limit-len(events), readChunk)
		chunk, err := j.forward(ctx, room, after, ask)
		if err != nil {
			return nil, err
		}
		events = append(events, chunk...)
		if len(chunk) < ask {
			break
		}
		after = chunk[ask-1].Sequence
	}
	if len(events) == 0 {
		return nil, nil
	}
	// What came before the first may be gone by now.
	var err error
	events[0].Previous, err = j.previous(ctx, room, events[0])
	return events, err
}

// forward reads on after a sequence. The Previous of its first event is what it
// was when that was stored.
func (j *Journal) forward(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	if after == math.MaxUint64 {
		return nil, nil
	}
	messages, err := jetstreamext.GetBatch(ctx, j.js, streamName, limit,
		jetstreamext.GetBatchSubject(eventPrefix+token(room)), jetstreamext.GetBatchSeq(after+1))
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return collect(messages)
}

func collect(messages iter.Seq2[*jetstream.RawStreamMsg, error]) ([]chat.Stored, error) {
	var events []chat.Stored
	for m, err := range messages {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		stored := toStored(m)
		if n := len(events); n > 0 {
			stored.Previous = events[n-1].Sequence
		}
		events = append(events, stored)
	}
	return events, nil
}

// ReadBack implements chat.Journal.
func (j *Journal) ReadBack(ctx context.Context, room string, before uint64, limit int) ([]chat.Stored, error) {
	if err := j.check(ctx); err != nil {
		return nil, err
	}
	if r := j.recentOf(room); r != nil && limit > 0 && before > 0 {
		last, err := j.last(ctx, room)
		if err != nil {
			return nil, err
		}
		if events, found := r.before(before, last, limit); found {
			m, err := j.stream.GetMsg(ctx, events[0].Sequence)
			if err == nil && m.Subject == eventPrefix+token(room) {
				events[0].Previous, err = j.previous(ctx, room, events[0])
				return events, err
			}
		}
	}
	return j.readBack(ctx, room, before, limit)
}

// readBack reads back in the log.
func (j *Journal) readBack(ctx context.Context, room string, before uint64, limit int) ([]chat.Stored, error) {
	if limit <= 0 {
		return nil, nil
	}
	event, found, err := j.newest(ctx, room, before)
	if err != nil {
		return nil, err
	}
	var events []chat.Stored
	for found && len(events) < limit {
		at := len(events)
		events = append(events, event)
		if event.Previous == 0 {
			break
		}
		if event, found, err = j.at(ctx, room, event.Previous); err != nil {
			return nil, err
		}
		if found {
			events[at].Previous = event.Sequence
		} else {
			events[at].Previous = 0
		}
	}
	slices.Reverse(events)
	return events, nil
}

// newest returns the newest event before a sequence.
func (j *Journal) newest(ctx context.Context, room string, before uint64) (event chat.Stored, found bool, err error) {
	last, err := j.stream.GetLastMsgForSubject(ctx, eventPrefix+token(room))
	if errors.Is(err, jetstream.ErrMsgNotFound) || before <= 1 {
		return chat.Stored{}, false, nil
	}
	if err != nil {
		return chat.Stored{}, false, fmt.Errorf("read back: %w", err)
	}
	if last.Sequence < before {
		return toStored(last), true, nil
	}
	// Who pages back asks from an event of the room, which knows the one before.
	if m, err := j.stream.GetMsg(ctx, before); err == nil && m.Subject == last.Subject {
		if event = toStored(m); event.Previous == 0 {
			return chat.Stored{}, false, nil
		}
		return j.at(ctx, room, event.Previous)
	}
	return j.upTo(ctx, room, before-1)
}

// at returns the event with a sequence or, if it is gone, the newest before it.
func (j *Journal) at(ctx context.Context, room string, sequence uint64) (event chat.Stored, found bool, err error) {
	m, err := j.stream.GetMsg(ctx, sequence)
	if err == nil && m.Subject == eventPrefix+token(room) {
		return toStored(m), true, nil
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return chat.Stored{}, false, fmt.Errorf("read back: %w", err)
	}
	return j.upTo(ctx, room, sequence)
}

// upTo returns the newest event up to a sequence, which costs ten times what
// knowing the sequence does.
func (j *Journal) upTo(ctx context.Context, room string, sequence uint64) (event chat.Stored, found bool, err error) {
	messages, err := jetstreamext.GetLastMsgsFor(ctx, j.js, streamName,
		[]string{eventPrefix + token(room)}, jetstreamext.GetLastMsgsUpToSeq(sequence))
	if err != nil {
		return chat.Stored{}, false, fmt.Errorf("read back: %w", err)
	}
	events, err := collect(messages)
	if err != nil || len(events) == 0 {
		return chat.Stored{}, false, err
	}
	return events[0], true, nil
}

// previous returns the sequence of the retained event before one.
func (j *Journal) previous(ctx context.Context, room string, event chat.Stored) (uint64, error) {
	if event.Previous == 0 {
		return 0, nil
	}
	before, _, err := j.at(ctx, room, event.Previous)
	return before.Sequence, err
}

// toStored reads the sequence of the event before one from its header: a number,
// or how far behind it is in the batch that both were stored by.
func toStored(m *jetstream.RawStreamMsg) chat.Stored {
	stored := chat.Stored{Sequence: m.Sequence, Payload: m.Data}
	before := m.Header.Get(headerBefore)
	behind, relative := strings.CutPrefix(before, "-")
	n, err := strconv.ParseUint(behind, 10, 64)
	switch {
	case err != nil:
	case relative:
		stored.Previous = m.Sequence - n
	default:
		stored.Previous = n
	}
	return stored
}
