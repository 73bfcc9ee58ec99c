package jetstream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// taken is the keys of events that were erased. The server knows the key of an
// event that is gone until it is restarted; a sender that has had no answer would
// then bring the event back.
type taken map[string]takenKey // by message id

type takenKey struct {
	sequence uint64
	until    time.Time
}

// takenKeys reads from the tombstones which keys still stand for an event.
func (j *Journal) takenKeys(ctx context.Context) (taken, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	keys := make(taken)
	start := jetstreamext.GetBatchStartTime(time.Now().Add(-j.config.Window))
	for {
		messages, err := jetstreamext.GetBatch(ctx, j.js, streamName, readChunk,
			jetstreamext.GetBatchSubject(erasedPrefix+"*.*"), start)
		if err != nil {
			return nil, fmt.Errorf("read the keys of erased events: %w", err)
		}
		n, last := 0, uint64(0)
		for m, err := range messages {
			if errors.Is(err, jetstreamext.ErrNoMessages) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read the keys of erased events: %w", err)
			}
			n, last = n+1, m.Sequence
			keys.add(m, j.config.Window)
		}
		if err := ctx.Err(); err != nil || n < readChunk {
			return keys, err
		}
		start = jetstreamext.GetBatchSeq(last + 1)
	}
}

func (k taken) add(tombstone *jetstream.RawStreamMsg, window time.Duration) {
	id := tombstone.Header.Get(headerKey)
	at, err1 := strconv.ParseInt(tombstone.Header.Get(headerTime), 10, 64)
	sequence, err2 := strconv.ParseUint(tombstone.Subject[strings.LastIndexByte(tombstone.Subject, '.')+1:], 10, 64)
	if until := time.Unix(0, at).Add(window); id != "" && err1 == nil && err2 == nil && time.Now().Before(until) {
		k[id] = takenKey{sequence, until}
	}
}

// find returns the sequence of the erased event that an id stands for.
func (k taken) find(id string) (sequence uint64, found bool) {
	key, found := k[id]
	if found && time.Now().After(key.until) {
		delete(k, id)
		return 0, false
	}
	return key.sequence, found
}
