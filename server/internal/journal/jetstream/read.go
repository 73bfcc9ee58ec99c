package jetstream

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"chatroom/server/internal/chat"
)

// readChunk is how many events are asked for at a time: the server answers fewer
// than asked for when it is asked for more than 1,000.
const readChunk = 500

const (
	// readBytes bounds a chunk: what is more than some 64 MiB is cut off on the
	// way, and the reader waits for its end in vain.
	readBytes = 8 << 20
	// readTimeout bounds the reading of a chunk.
	readTimeout       = 10 * time.Second
	maxFruitlessReads = 3
)

// Read implements chat.Journal.
func (j *Journal) Read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	if err := j.check(ctx); err != nil {
		return nil, err
	}
	if r := j.recentOf(room); r != nil {
		events, found, err := j.readRecent(ctx, room, r, after, limit)
		if found || err != nil {
			return j.settled(ctx, events, err)
		}
	}
	events, err := j.read(ctx, room, after, limit)
	return j.settled(ctx, events, err)
}

// settled returns events once they are durable.
func (j *Journal) settled(ctx context.Context, events []chat.Stored, err error) ([]chat.Stored, error) {
	if err == nil && len(events) > 0 {
		err = j.disk.wait(ctx, events[len(events)-1].Sequence)
	}
	if err != nil {
		return nil, err
	}
	return events, nil
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
	fruitless := 0
	end, err := j.last(ctx, room)
	if err != nil || end <= after {
		return nil, err
	}
	for len(events) < limit && (len(events) == 0 || after < end) {
		ask := min(limit-len(events), readChunk)
		chunk, err := j.forward(ctx, room, after, ask)
		if err != nil {
			return nil, err
		}
		joint := max(0, len(events)-1)
		events = append(events, chunk...)
		if err := j.chain(ctx, room, events[joint:]); err != nil {
			return nil, err
		}
		if len(chunk) > 0 {
			after = chunk[len(chunk)-1].Sequence
		}
		if len(chunk) == ask {
			continue
		}
		// Fewer may be all that there are, or what the server sends at once.
		if after >= end {
			break
		}
		if len(chunk) == 0 {
			if end, err = j.last(ctx, room); err != nil {
				return nil, err
			}
			if fruitless++; fruitless == maxFruitlessReads {
				return nil, fmt.Errorf("read events: what comes after %d in room %q can't be read", after, room)
			}
		}
	}
	if len(events) == 0 {
		return nil, nil
	}
	// What came before the first may be gone by now.
	events[0].Previous, err = j.previous(ctx, room, events[0])
	return events, err
}

// forward reads on after a sequence. The Previous of an event is what it was when
// that was stored.
func (j *Journal) forward(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	if after == math.MaxUint64 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	messages, err := jetstreamext.GetBatch(ctx, j.js, streamName, limit,
		jetstreamext.GetBatchSubject(eventPrefix+token(room)), jetstreamext.GetBatchSeq(after+1), jetstreamext.GetBatchMaxBytes(readBytes))
	if err != nil {
		return nil, fmt.Errorf("read events: %w", err)
	}
	return collect(ctx, messages)
}

// chain has each event come after the one before it.
func (j *Journal) chain(ctx context.Context, room string, events []chat.Stored) error {
	for i := range max(0, len(events)-1) {
		if events[i+1].Previous == events[i].Sequence {
			continue
		}
		// What is between them was erased, up to here or to where another erasing
		// has yet to come.
		named, err := j.unerased(ctx, room, events[i+1].Previous, events[i].Sequence)
		if err != nil {
			return err
		}
		if named <= events[i].Sequence {
			events[i+1].Previous = events[i].Sequence
			continue
		}
		// Retention drops the oldest first: what it took while this was read.
		if m, err := j.stream.GetMsg(ctx, events[i].Sequence); err != nil || m.Subject != eventPrefix+token(room) {
			events[i+1].Previous = events[i].Sequence
			continue
		}
		events[i+1].Previous = named
		j.link(room, &events[i+1], events[i].Sequence)
	}
	return nil
}

// link is called for an event that comes after another than it says. Retention
// can't have dropped the one between them, and nobody has erased it. Clients have
// been told so if it was known when the journal was opened; if not, the link is
// left for them to see.
func (j *Journal) link(room string, event *chat.Stored, before uint64) {
	if j.mark.told(event.Previous) {
		event.Previous = before
		return
	}
	j.mark.damaged()
	if j.complain() {
		j.log.Error("the log is damaged: an event is missing; after a restart clients are told to read afresh",
			"room", room, "sequence", event.Previous)
	}
}

// collect takes messages until ctx ends: the iterator ends then, too, and says
// nothing.
func collect(ctx context.Context, messages iter.Seq2[*jetstream.RawStreamMsg, error]) ([]chat.Stored, error) {
	var events []chat.Stored
	for m, err := range messages {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read events: %w", err)
		}
		events = append(events, toStored(m))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read events: %w", err)
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
				return j.settled(ctx, events, err)
			}
		}
	}
	events, err := j.readBack(ctx, room, before, limit)
	return j.settled(ctx, events, err)
}

// readBack reads back in the log.
func (j *Journal) readBack(ctx context.Context, room string, before uint64, limit int) ([]chat.Stored, error) {
	if limit <= 0 {
		return nil, nil
	}
	event, err := j.newest(ctx, room, before)
	if err != nil {
		return nil, err
	}
	var events []chat.Stored
	for found := event.Sequence > 0; found && len(events) < limit; {
		at := len(events)
		events = append(events, event)
		if event.Previous == 0 {
			break
		}
		if event, events[at].Previous, err = j.at(ctx, room, event.Previous); err != nil {
			return nil, err
		}
		switch found = event.Sequence > 0; {
		case !found:
			events[at].Previous = 0
		case event.Sequence != events[at].Previous:
			j.link(room, &events[at], event.Sequence)
		}
	}
	slices.Reverse(events)
	return events, nil
}

// newest returns the newest event before a sequence, of sequence 0 when there is
// none.
func (j *Journal) newest(ctx context.Context, room string, before uint64) (event chat.Stored, err error) {
	last, err := j.stream.GetLastMsgForSubject(ctx, eventPrefix+token(room))
	if errors.Is(err, jetstream.ErrMsgNotFound) || before <= 1 {
		return chat.Stored{}, nil
	}
	if err != nil {
		return chat.Stored{}, fmt.Errorf("read back: %w", err)
	}
	if last.Sequence < before {
		return toStored(last), nil
	}
	// Who pages back asks from an event of the room, which knows the one before.
	if m, err := j.stream.GetMsg(ctx, before); err == nil && m.Subject == last.Subject {
		event, _, err = j.at(ctx, room, toStored(m).Previous)
		return event, err
	}
	return j.upTo(ctx, room, before-1)
}

// at returns the event that an event names as the one before it: the one with
// that sequence or, where that was erased, the one before that, and so on. It
// also returns the sequence at which this ends. When there is no event with that
// any more, the one returned is the newest before it, of sequence 0 when there is
// none.
func (j *Journal) at(ctx context.Context, room string, named uint64) (event chat.Stored, ends uint64, err error) {
	for named > 0 {
		m, err := j.stream.GetMsg(ctx, named)
		if err == nil && m.Subject == eventPrefix+token(room) {
			return toStored(m), named, nil
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			return chat.Stored{}, named, fmt.Errorf("read back: %w", err)
		}
		t, erased, err := j.tombstone(ctx, room, named)
		if err != nil {
			return chat.Stored{}, named, err
		}
		if !erased {
			event, err = j.upTo(ctx, room, named)
			return event, named, err
		}
		named = t.Previous
	}
	return chat.Stored{}, 0, nil
}

// upTo returns the newest event up to a sequence, of sequence 0 when there is
// none. That costs ten times what knowing the sequence does.
func (j *Journal) upTo(ctx context.Context, room string, sequence uint64) (event chat.Stored, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	messages, err := jetstreamext.GetLastMsgsFor(ctx, j.js, streamName,
		[]string{eventPrefix + token(room)}, jetstreamext.GetLastMsgsUpToSeq(sequence))
	if err != nil {
		return chat.Stored{}, fmt.Errorf("read back: %w", err)
	}
	events, err := collect(ctx, messages)
	if err != nil || len(events) == 0 {
		return chat.Stored{}, err
	}
	return events[0], nil
}

// previous returns the sequence of the retained event before one.
func (j *Journal) previous(ctx context.Context, room string, event chat.Stored) (uint64, error) {
	before, _, err := j.at(ctx, room, event.Previous)
	return before.Sequence, err
}

// toStored reads the sequence of the event before one from its header.
func toStored(m *jetstream.RawStreamMsg) chat.Stored {
	previous, _ := strconv.ParseUint(m.Header.Get(headerBefore), 10, 64)
	return chat.Stored{Sequence: m.Sequence, Previous: previous, Payload: m.Data}
}
