package jetstream

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"chatroom/server/internal/chat"
)

const (
	// maxBatch is how many appends are stored at once, at most, and minBatch at
	// least: an atomic batch costs some 3 ms whatever its size, a single append
	// 0.2 ms under fsync and 0.02 ms without.
	maxBatch = 256
	minBatch = 16
	// gatherTime is how long a batch waits to become as large as the last one.
	gatherTime = 500 * time.Microsecond
	// publishTimeout bounds one attempt to store.
	publishTimeout = 5 * time.Second
	// maxAttempts bounds how often an append is tried again when other nodes
	// append to the same room at the same time.
	maxAttempts = 50
	// maxEnds bounds how many rooms' ends are remembered.
	maxEnds = 100_000

	codeWrongLast        = 10071
	codeWrongLastUnknown = 10164
	codeDuplicateInBatch = 10201
)

// appending is one call of Append, on its way through the appender.
type appending struct {
	room, id string
	payload  []byte
	done     chan appended // capacity 1
}

type appended struct {
	sequence  uint64
	duplicate bool
	err       error
}

// Append implements chat.Journal.
func (j *Journal) Append(ctx context.Context, room, key string, payload []byte) (chat.Cursor, bool, error) {
	if err := j.check(ctx); err != nil {
		return chat.Cursor{}, false, err
	}
	a := &appending{room: room, id: messageID(room, key), payload: payload, done: make(chan appended, 1)}
	select {
	case j.appends <- a:
	case <-ctx.Done():
		return chat.Cursor{}, false, ctx.Err()
	case <-j.ended:
		return chat.Cursor{}, false, chat.ErrJournalClosed
	}
	select {
	case r := <-a.done:
		return chat.Cursor{Epoch: j.epoch, Sequence: r.sequence}, r.duplicate, r.err
	case <-ctx.Done():
		return chat.Cursor{}, false, ctx.Err()
	case <-j.ended:
		return chat.Cursor{}, false, chat.ErrJournalClosed
	}
}

// messageID is what JetStream knows an append by. It is the same for the same
// key in the same room, and fit for a header.
func messageID(room, key string) string {
	sum := sha256.Sum256([]byte(room + "\x00" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// appender is the one that stores, on this node.
type appender struct {
	journal *Journal
	ends    map[string]end // of rooms, as far as known
}

// end is where a room's log ends.
type end struct {
	last   uint64 // the newest event, 0 when there is none
	before uint64 // what the next event says came before it
}

func newAppender(j *Journal) *appender {
	return &appender{journal: j, ends: make(map[string]end)}
}

// run stores what is waiting, again and again, until ctx ends.
func (a *appender) run(ctx context.Context) {
	var batch []*appending
	for {
		expected := len(batch)
		batch = batch[:0]
		select {
		case first := <-a.journal.appends:
			batch = append(batch, first)
		case <-ctx.Done():
			return
		}
		batch = a.drain(batch)
		if expected >= minBatch {
			batch = a.gather(batch, expected)
		}
		a.store(ctx, batch)
	}
}

// gather waits a moment for a batch to become as large as the one before: senders
// who wait for their answers come back together.
func (a *appender) gather(batch []*appending, expected int) []*appending {
	patience := time.NewTimer(gatherTime)
	defer patience.Stop()
	for len(batch) < expected {
		select {
		case next := <-a.journal.appends:
			batch = append(batch, next)
		case <-patience.C:
			return batch
		}
	}
	return batch
}

// drain takes what is waiting.
func (a *appender) drain(batch []*appending) []*appending {
	for len(batch) < maxBatch {
		select {
		case next := <-a.journal.appends:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

// store stores a batch: at once where that pays and none of it was stored
// before, else one by one.
func (a *appender) store(ctx context.Context, batch []*appending) {
	if len(batch) >= minBatch && !a.journal.config.NoFsync {
		err := a.retrying(ctx, batch, func() error { return a.publishBatch(ctx, batch) })
		if err == nil {
			return
		}
		if !isCode(err, codeDuplicateInBatch) {
			for _, one := range batch {
				one.done <- appended{err: err}
			}
			return
		}
	}
	for i, one := range batch {
		err := a.retrying(ctx, batch[i:i+1], func() error { return a.publish(ctx, one) })
		if err != nil {
			one.done <- appended{err: err}
		}
	}
}

// retrying tries again with fresh last sequences where another node was faster.
func (a *appender) retrying(ctx context.Context, batch []*appending, publish func() error) error {
	for attempt := 1; ; attempt++ {
		err := a.learn(ctx, batch)
		if err == nil {
			err = publish()
		}
		if err == nil {
			a.journal.mark.raise(a.ends[batch[len(batch)-1].room].last)
			return nil
		}
		for _, one := range batch {
			delete(a.ends, one.room)
		}
		if attempt == maxAttempts || !isCode(err, codeWrongLast) && !isCode(err, codeWrongLastUnknown) {
			return a.journal.notStored(err)
		}
	}
}

// learn finds where the logs of the rooms in a batch end. The first event of a
// room that is empty says what may have been in it before: whatever the stream
// has dropped.
func (a *appender) learn(ctx context.Context, batch []*appending) error {
	if len(a.ends) > maxEnds {
		clear(a.ends)
	}
	for _, one := range batch {
		if _, known := a.ends[one.room]; known {
			continue
		}
		last, err := a.journal.last(ctx, one.room)
		before := last
		if err == nil && last == 0 {
			before, err = a.journal.dropped(ctx)
		}
		if err != nil {
			return err
		}
		a.ends[one.room] = end{last, before}
	}
	return nil
}

func (a *appender) publish(ctx context.Context, one *appending) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	ack, err := a.journal.js.PublishMsg(ctx, a.message(one))
	if err != nil {
		return err
	}
	if !ack.Duplicate {
		a.ends[one.room] = end{ack.Sequence, ack.Sequence}
	}
	one.done <- appended{sequence: ack.Sequence, duplicate: ack.Duplicate}
	return nil
}

// publishBatch stores all or nothing, under sequences that follow one another.
func (a *appender) publishBatch(ctx context.Context, batch []*appending) error {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	messages := make([]*nats.Msg, len(batch))
	places := make(map[string]int)
	for i, one := range batch {
		messages[i] = a.message(one)
		if before, again := places[one.room]; again {
			messages[i].Header.Set(headerBefore, "-"+strconv.Itoa(i-before))
			messages[i].Header.Del(jetstream.ExpectedLastSubjSeqHeader)
		}
		places[one.room] = i
	}
	ack, err := jetstreamext.PublishMsgBatch(ctx, a.journal.js, messages)
	if err != nil {
		return err
	}
	first := ack.Sequence - uint64(len(batch)) + 1
	for i, one := range batch {
		sequence := first + uint64(i)
		a.ends[one.room] = end{sequence, sequence}
		one.done <- appended{sequence: sequence}
	}
	return nil
}

func (a *appender) message(one *appending) *nats.Msg {
	end := a.ends[one.room]
	m := nats.NewMsg(eventPrefix + token(one.room))
	m.Header.Set(jetstream.MsgIDHeader, one.id)
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, strconv.FormatUint(end.last, 10))
	m.Header.Set(headerBefore, strconv.FormatUint(end.before, 10))
	m.Data = one.payload
	return m
}

func isCode(err error, code jetstream.ErrorCode) bool {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return api.ErrorCode == code
	}
	var coded jetstream.JetStreamError
	return errors.As(err, &coded) && coded.APIError() != nil && coded.APIError().ErrorCode == code
}
