package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatroom/server/internal/chat"
)

const (
	// eraseTimeout bounds one erasing, which rewrites the block that the event is
	// in: up to 8 MiB.
	eraseTimeout = 30 * time.Second
	eraseBytes   = 9 << 20
	// One erasing of tidyEvery drops tidied old tombstones at most: more than have
	// come since, so that they become fewer. To find the oldest of 100,000 takes
	// the server 10 ms.
	tidyEvery = 8
	tidied    = 2 * tidyEvery

	codeNoMessage = 10037
)

// Erase implements chat.Journal. The tombstone is durable before the event goes, so
// that whatever a crash leaves can be told from damage.
func (j *Journal) Erase(ctx context.Context, room string, sequence uint64) error {
	if err := j.check(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, eraseTimeout)
	defer cancel()
	err := j.erase(ctx, room, sequence)
	switch {
	case err == nil || errors.Is(err, chat.ErrNewest):
		return err
	case j.closing.Err() != nil:
		return chat.ErrJournalClosed
	}
	return fmt.Errorf("erase event %d of room %q: %w", sequence, room, err)
}

func (j *Journal) erase(ctx context.Context, room string, sequence uint64) error {
	if sequence == 0 {
		return nil
	}
	event, found, err := j.ask(ctx, server.JSApiMsgGetRequest{Seq: sequence})
	if err != nil {
		return err
	}
	found = found && event.Subject == eventPrefix+token(room)
	tombstone, erased, err := j.tombstone(ctx, room, sequence)
	if err == nil && found && !erased {
		tombstone, err = j.bury(ctx, room, event)
	}
	switch {
	case err != nil:
		return err
	case found:
		j.mark.raise(tombstone.Sequence)
		if err = j.disk.sync(tombstone.Sequence); err == nil {
			err = j.overwrite(ctx, sequence)
		}
	case erased:
		err = j.disk.syncRemoval() // another call may have come no further
	default:
		return nil
	}
	if err != nil {
		return err
	}
	j.forget(room, sequence)
	if rand.IntN(tidyEvery) == 0 {
		j.tidy(ctx, room)
	}
	return nil
}

// bury stores an event's tombstone, unless the event is the room's newest.
func (j *Journal) bury(ctx context.Context, room string, event server.StoredMsg) (tombstone chat.Stored, err error) {
	newest, _, err := j.ask(ctx, server.JSApiMsgGetRequest{LastFor: eventPrefix + token(room)})
	if err != nil {
		return tombstone, err
	}
	if newest.Sequence == event.Sequence {
		return tombstone, chat.ErrNewest
	}
	// What came before may be erased, too: readers need not go that way again.
	before, err := j.unerased(ctx, room, beforeOf(event), 0)
	if err != nil {
		return tombstone, err
	}
	m := nats.NewMsg(tombstoneOf(room, event.Sequence))
	m.Header.Set(headerBefore, strconv.FormatUint(before, 10))
	m.Header.Set(headerKey, headerOf(event, jetstream.MsgIDHeader))
	m.Header.Set(headerTime, strconv.FormatInt(event.Time.UnixNano(), 10))
	m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, "0")
	if err := j.space(eraseBytes); err != nil {
		return tombstone, j.notStored(err)
	}
	ack, err := j.js.PublishMsg(ctx, m)
	if isCode(err, codeWrongLast) || isCode(err, codeWrongLastUnknown) {
		// Another call was faster, and any of them will do.
		tombstone, _, err = j.tombstone(ctx, room, event.Sequence)
		return tombstone, err
	}
	if err != nil {
		return tombstone, j.notStored(err)
	}
	return chat.Stored{Sequence: ack.Sequence, Previous: before}, nil
}

func tombstoneOf(room string, sequence uint64) string {
	return erasedPrefix + token(room) + "." + strconv.FormatUint(sequence, 10)
}

// tombstone returns the tombstone of an event that was erased, or is about to be.
// Its Previous is what came before the event. Once stored it does not change: any
// server of a cluster may know it, but only the leader that there is none.
func (j *Journal) tombstone(ctx context.Context, room string, sequence uint64) (t chat.Stored, erased bool, err error) {
	raw, err := j.stream.GetLastMsgForSubject(ctx, tombstoneOf(room, sequence))
	if err == nil {
		t = toStored(raw)
		return t, t.Previous < sequence, nil
	}
	if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return t, false, fmt.Errorf("look for what was erased: %w", err)
	}
	if j.server != nil {
		return t, false, nil
	}
	m, found, err := j.ask(ctx, server.JSApiMsgGetRequest{LastFor: tombstoneOf(room, sequence)})
	if err != nil || !found {
		return t, false, err
	}
	t = chat.Stored{Sequence: m.Sequence, Previous: beforeOf(m)}
	return t, t.Previous < sequence, nil
}

// unerased follows tombstones from the event that one names as the one before it,
// to the first that was not erased, but no further than down to a sequence.
func (j *Journal) unerased(ctx context.Context, room string, named, downTo uint64) (uint64, error) {
	for named > downTo {
		t, erased, err := j.tombstone(ctx, room, named)
		if err != nil {
			return 0, err
		}
		if !erased {
			break
		}
		named = t.Previous
	}
	return named, nil
}

// overwrite has the server overwrite an event, durably. The caller going away does
// not interrupt that.
func (j *Journal) overwrite(ctx context.Context, sequence uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseTimeout)
	defer cancel()
	if err := j.space(eraseBytes); err != nil {
		return j.notStored(err)
	}
	if err := j.erasures.begin(sequence); err != nil {
		return err
	}
	if err := j.stream.SecureDeleteMsg(ctx, sequence); err != nil {
		if _, found, e := j.ask(ctx, server.JSApiMsgGetRequest{Seq: sequence}); e != nil || found {
			return err
		}
		// Another call was faster, or retention.
	}
	if err := j.disk.syncRemoval(); err != nil {
		return err
	}
	j.erasures.end()
	return nil
}

// forget takes an event out of memory, here and on other nodes.
func (j *Journal) forget(room string, sequence uint64) {
	j.mu.Lock()
	for t := range j.tails[room] {
		t.recent.erase(sequence)
	}
	j.mu.Unlock()
	if j.server != nil {
		return
	}
	m := nats.NewMsg(tailPrefix + token(room))
	m.Header.Set(headerErased, strconv.FormatUint(sequence, 10))
	if err := j.conn.PublishMsg(m); err != nil {
		j.log.Warn("other nodes are not told what was erased", "room", room, "sequence", sequence, "err", err)
	}
}

// tidy drops tombstones that nobody needs any more: those which are older than the
// room's oldest event. Each was left by an event that was older than its room's
// newest, so that whatever names it is older than the tombstone, and gone. What
// can't be dropped now is dropped at a later time.
func (j *Journal) tidy(ctx context.Context, room string) {
	oldest, found, err := j.ask(ctx, server.JSApiMsgGetRequest{Seq: 1, NextFor: eventPrefix + token(room)})
	for range tidied {
		if err != nil || !found {
			return
		}
		var tombstone server.StoredMsg
		tombstone, found, err = j.ask(ctx, server.JSApiMsgGetRequest{Seq: 1, NextFor: erasedPrefix + token(room) + ".*"})
		if err != nil || !found || tombstone.Sequence > oldest.Sequence {
			return
		}
		err = j.stream.DeleteMsg(ctx, tombstone.Sequence)
	}
}

// ask asks the stream's leader for a message. When any server of a cluster may
// answer, as reads have it, that may be one which has yet to hear of it.
func (j *Journal) ask(ctx context.Context, request server.JSApiMsgGetRequest) (m server.StoredMsg, found bool, err error) {
	text, err := json.Marshal(request)
	if err != nil {
		return m, false, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	answer, err := j.conn.RequestWithContext(ctx, fmt.Sprintf(server.JSApiMsgGetT, streamName), text)
	if err != nil {
		return m, false, fmt.Errorf("ask for an event: %w", err)
	}
	var response server.JSApiMsgGetResponse
	if err := json.Unmarshal(answer.Data, &response); err != nil {
		return m, false, fmt.Errorf("ask for an event: %w", err)
	}
	switch {
	case response.Error != nil && response.Error.ErrCode == codeNoMessage:
		return m, false, nil
	case response.Error != nil:
		return m, false, fmt.Errorf("ask for an event: %w", response.Error)
	case response.Message == nil:
		return m, false, errors.New("ask for an event: the answer is empty")
	}
	return *response.Message, true, nil
}

// beforeOf reads the sequence of the event before one from its header.
func beforeOf(m server.StoredMsg) uint64 {
	before, _ := strconv.ParseUint(headerOf(m, headerBefore), 10, 64)
	return before
}

func headerOf(m server.StoredMsg, name string) string {
	header, err := nats.DecodeHeadersMsg(m.Header)
	if err != nil {
		return ""
	}
	return header.Get(name)
}
