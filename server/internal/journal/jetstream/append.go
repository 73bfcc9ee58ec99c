package jetstream

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatroom/server/internal/chat"
)

const (
	// maxBatch is how many appends are stored at once, at most.
	maxBatch = 256
	// gatherTime is how long a batch waits to become as large as the last one,
	// when it is to be synced: some 0.2 to 2 ms are at stake.
	gatherTime = 500 * time.Microsecond
	// publishTimeout bounds the storing of a batch.
	publishTimeout = 5 * time.Second
	// maxFruitless bounds how often in a row all of a batch may be rejected
	// because other nodes append to the same rooms at the same time.
	maxFruitless = 50
	// maxEnds bounds how many rooms' ends are remembered.
	maxEnds = 100_000

	codeWrongLast        = 10071
	codeWrongLastUnknown = 10164
)

// appending is one event on its way through the appender.
type appending struct {
	room, id string
	payload  []byte
	result   appended // the appender's
	done     func(chat.Appended)
}

type appended struct {
	sequence  uint64
	duplicate bool
	err       error
}

// Append implements chat.Journal.
func (j *Journal) Append(ctx context.Context, room, key string, payload []byte) (chat.Cursor, bool, error) {
	answer := make(chan chat.Appended, 1)
	j.Submit(ctx, room, key, payload, func(a chat.Appended) { answer <- a })
	select {
	case a := <-answer:
		return a.At, a.Duplicate, a.Err
	case <-ctx.Done():
		return chat.Cursor{}, false, ctx.Err()
	}
}

// Submit implements chat.Journal.
func (j *Journal) Submit(ctx context.Context, room, key string, payload []byte, done func(chat.Appended)) {
	j.submitting.RLock()
	defer j.submitting.RUnlock()
	if err := j.check(ctx); err != nil {
		done(chat.Appended{Err: err})
		return
	}
	a := &appending{room: room, id: messageID(room, key), payload: bytes.Clone(payload), done: done}
	select {
	case j.appends <- a:
	case <-ctx.Done():
		done(chat.Appended{Err: ctx.Err()})
	case <-j.ended:
		done(chat.Appended{Err: chat.ErrJournalClosed})
	}
}

// refuse answers what the appender has not come to. Those who wait to submit more
// have been let go, and nobody comes any more.
func (j *Journal) refuse() {
	j.submitting.Lock()
	defer j.submitting.Unlock()
	for {
		select {
		case a := <-j.appends:
			a.done(chat.Appended{Err: chat.ErrJournalClosed})
		default:
			return
		}
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
	taken   taken
	next    uint64 // the sequence that the stream gives next, as far as known
}

// end is where a room's log ends.
type end struct {
	last   uint64 // the newest event, 0 when there is none
	before uint64 // what the next event says came before it
}

func newAppender(j *Journal, last uint64, keys taken) *appender {
	return &appender{journal: j, ends: make(map[string]end), taken: keys, next: last + 1}
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
		if a.journal.disk != nil {
			batch = a.gather(batch, expected)
		}
		a.store(ctx, batch)
	}
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

// gather waits a moment for a batch to become as large as the one before: senders
// who wait for their answers come back together.
func (a *appender) gather(batch []*appending, expected int) []*appending {
	if len(batch) >= expected {
		return batch
	}
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

// store stores a batch, syncs it once, and answers.
func (a *appender) store(ctx context.Context, batch []*appending) {
	j := a.journal
	size := int64(0)
	for _, one := range batch {
		size += int64(len(one.payload)) + 1024 // with the headers
	}
	highest, err := uint64(0), j.space(size)
	if err == nil {
		highest = a.publishAll(ctx, batch)
		if err = j.disk.sync(highest); err != nil {
			clear(a.ends)
		}
		j.mark.raise(highest)
	}
	for _, one := range batch {
		if one.result.err == nil {
			one.result.err = err
		}
		switch {
		case one.result.err == nil:
		case ctx.Err() != nil:
			one.result = appended{err: chat.ErrJournalClosed}
		default:
			one.result = appended{err: j.notStored(one.result.err)}
		}
		r := one.result
		if r.err != nil {
			one.done(chat.Appended{Err: r.err})
			continue
		}
		one.done(chat.Appended{At: chat.Cursor{Epoch: j.epoch, Sequence: r.sequence}, Duplicate: r.duplicate})
	}
}

// publishAll stores a batch, in rounds, and returns the highest sequence in it.
// What goes wrong is in the results.
func (a *appender) publishAll(ctx context.Context, batch []*appending) (highest uint64) {
	ctx, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	left, fruitless, err := a.untaken(batch), 0, error(nil)
	for round := 0; len(left) > 0 && err == nil; round++ {
		before := len(left)
		if err = a.learn(ctx, left); err == nil {
			left, err = a.publish(ctx, left, round > 0)
		}
		if fruitless++; len(left) < before {
			fruitless = 0
		}
		if err == nil && fruitless == maxFruitless {
			err = errContended
		}
	}
	for _, one := range left {
		one.result.err = err
	}
	for _, one := range batch {
		highest = max(highest, one.result.sequence)
	}
	return highest
}

// untaken answers those whose event was erased, and returns the others.
func (a *appender) untaken(batch []*appending) []*appending {
	if len(a.taken) == 0 {
		return batch
	}
	var left []*appending
	for _, one := range batch {
		if sequence, found := a.taken.find(one.id); found {
			one.result = appended{sequence: sequence, duplicate: true}
		} else {
			left = append(left, one)
		}
	}
	return left
}

var errContended = errors.New("other nodes append to the room all the time")

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

// sent is an append that is to be acknowledged.
type sent struct {
	*appending
	ack jetstream.PubAckFuture
}

// publish sends all before it waits for the first answer, which stores 64 events
// in the time that 5 take one by one. Each says what it comes after: for the
// second of a room, that is the sequence that the first is going to have. It has
// another one after a duplicate, which takes none, and when other nodes append;
// the second is rejected then, and returned. Retries send only one of each room
// and return the others, too: so each round stores something.
func (a *appender) publish(ctx context.Context, batch []*appending, retry bool) (again []*appending, err error) {
	var all []sent
	next := a.next
	foretold := make(map[string]end, len(batch))
	for i, one := range batch {
		end, second := foretold[one.room]
		if second && retry {
			again = append(again, one)
			continue
		}
		if !second {
			end = a.ends[one.room]
		}
		ack, err := a.journal.js.PublishMsgAsync(message(one, end))
		if err != nil {
			again = append(again, batch[i:]...)
			rejected, _ := a.await(ctx, all)
			return append(rejected, again...), err
		}
		all = append(all, sent{one, ack})
		foretold[one.room] = endAt(next)
		next++
	}
	rejected, err := a.await(ctx, all)
	return append(rejected, again...), err
}

// await takes the answers, and returns what was rejected.
func (a *appender) await(ctx context.Context, all []sent) (rejected []*appending, err error) {
	for i, one := range all {
		select {
		case ack := <-one.ack.Ok():
			one.result = appended{sequence: ack.Sequence, duplicate: ack.Duplicate}
			if !ack.Duplicate {
				a.ends[one.room] = endAt(ack.Sequence)
				a.next = ack.Sequence + 1
			}
		case err := <-one.ack.Err():
			delete(a.ends, one.room)
			if isCode(err, codeWrongLast) || isCode(err, codeWrongLastUnknown) {
				rejected = append(rejected, one.appending)
			} else {
				one.result.err = err
			}
		case <-ctx.Done():
			clear(a.ends) // what the others became is not known
			for _, late := range all[i:] {
				rejected = append(rejected, late.appending)
			}
			return rejected, ctx.Err()
		}
	}
	return rejected, nil
}

func endAt(sequence uint64) end { return end{sequence, sequence} }

func message(one *appending, end end) *nats.Msg {
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
