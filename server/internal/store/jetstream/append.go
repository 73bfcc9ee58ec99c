package jetstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"chatroom/server/internal/chat"
)

const (
	// maxWindow and maxWindowBytes bound the messages of a window.
	maxWindow      = 512
	maxWindowBytes = 4 << 20
	// ackTimeout bounds the wait for the acknowledgements of a window.
	ackTimeout = 2 * time.Second
	// storeTimeout is how long storing an entry is retried. A cluster that has lost its
	// leader takes some 6 s to elect another one.
	storeTimeout = 20 * time.Second
	retryWait    = 100 * time.Millisecond
	// duplicateWait is the pause before a retry while a cluster is storing a message with
	// the same id.
	duplicateWait = 5 * time.Millisecond

	// Error codes for which nats.go has no constants.
	codeWrongLastMessageID  = jetstream.ErrorCode(10070)
	codeDuplicateInProgress = jetstream.ErrorCode(10158)
	codeNoCluster           = jetstream.ErrorCode(nats.JSErrCodeJetStreamNotAvailable)
	codeNotLeader           = jetstream.ErrorCode(10009)
	codeStreamOffline       = jetstream.ErrorCode(10118)
	impossibleSequence      = "9007199254740991"
	impossibleMessageID     = "no event has this id"
)

// submission is an entry in flight.
type submission struct {
	chat.Entry
	id   string
	done func(chat.Appended)

	// Used by the writer alone.
	attempt uint64     // random: identifies the submission
	counts  roomCounts // of the room, before it
	probe   bool       // the target does not exist: only a duplicate is accepted
	sent    bool       // it may be stored
	ack     *jetstream.PubAck
	failed  error // permanently
}

// Submit implements chat.Journal.
func (s *Store) Submit(ctx context.Context, e chat.Entry, done func(chat.Appended)) {
	s.submitting.RLock()
	defer s.submitting.RUnlock()
	if err := s.check(ctx); err != nil {
		done(chat.Appended{Err: err})
		return
	}
	e.Payload = bytes.Clone(e.Payload)
	select {
	case s.queue <- &submission{Entry: e, id: messageID(e.Room, e.Key), done: done, attempt: rand.Uint64()}:
	case <-ctx.Done():
		done(chat.Appended{Err: ctx.Err()})
	case <-s.closing.Done():
		done(chat.Appended{Err: chat.ErrStoreClosed})
	}
}

// refuseQueued refuses what the writer has not taken from the queue.
func (s *Store) refuseQueued() {
	s.submitting.Lock()
	defer s.submitting.Unlock()
	for {
		select {
		case one := <-s.queue:
			one.done(chat.Appended{Err: chat.ErrStoreClosed})
		default:
			return
		}
	}
}

// write stores what is submitted, window after window, until ctx ends. A window is published
// at once, and is stored and in this node's index before the next one.
func (s *Store) write(ctx context.Context) {
	var next *submission // the first of the next window
	for {
		if next == nil {
			select {
			case next = <-s.queue:
			case <-ctx.Done():
				return
			}
		}
		var window []*submission
		window, next = s.nextWindow(next)
		s.store(ctx, window)
		if ctx.Err() != nil {
			if next != nil {
				next.done(chat.Appended{Err: chat.ErrStoreClosed})
			}
			return
		}
	}
}

// nextWindow takes queued entries. A window does not have the same key twice, has no entry
// after a deletion of its target, and no more entries of a room than half of what the room
// keeps: the counts in a header are completed from the events since, which must be retained.
func (s *Store) nextWindow(first *submission) (window []*submission, next *submission) {
	ids := make(map[string]struct{})
	erased := make(map[uint64]struct{})
	inRoom := make(map[string]int)
	size := 0
	for one := first; ; {
		_, again := ids[one.id]
		_, gone := erased[one.Target]
		size += len(one.Payload) + 512
		full := len(window) == maxWindow || size > maxWindowBytes || inRoom[one.Room] >= max(1, s.config.RoomEvents/2)
		if len(window) > 0 && (again || gone || full) {
			return window, one
		}
		ids[one.id] = struct{}{}
		inRoom[one.Room]++
		if one.Relation == chat.Erases {
			erased[one.Target] = struct{}{}
		}
		window = append(window, one)
		select {
		case one = <-s.queue:
		default:
			return window, nil
		}
	}
}

// store stores a window and answers it.
func (s *Store) store(ctx context.Context, window []*submission) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := s.prepare(ctx, window)
	if err == nil {
		err = s.publish(ctx, window)
	}
	newest := uint64(0)
	for _, one := range window {
		if one.ack != nil && one.ack.Duplicate && one.sent {
			one.ack.Duplicate = !s.isOwn(ctx, one)
		}
		if one.ack != nil {
			newest = max(newest, one.ack.Sequence)
		}
	}
	// What is acknowledged must be in this node's index.
	if waited := s.feed.wait(ctx, newest); waited != nil && err == nil {
		err = waited
	}
	for _, one := range window {
		one.done(s.outcome(one, err))
	}
}

// isOwn reports whether a duplicate is of an earlier attempt of the same Submit, to
// which there was no answer.
func (s *Store) isOwn(ctx context.Context, one *submission) bool {
	m, found, err := s.events.get(ctx, one.ack.Sequence)
	return err == nil && found && attemptOf(m.header) == one.attempt
}

func (s *Store) outcome(one *submission, err error) chat.Appended {
	switch {
	case one.ack != nil:
		at := chat.Cursor{Epoch: s.epoch, Sequence: one.ack.Sequence}
		return chat.Appended{At: at, Duplicate: one.ack.Duplicate}
	case one.failed != nil:
		return chat.Appended{Err: one.failed}
	case s.closing.Err() != nil:
		return chat.Appended{Err: chat.ErrStoreClosed}
	case one.sent:
		s.log.Error("an event may or may not have been stored", "room", one.Room, "err", err)
		return chat.Appended{Err: fmt.Errorf("append to room %q: %w: %w", one.Room, chat.ErrUnknownOutcome, err)}
	}
	s.log.Error("an event can't be stored, and is refused", "room", one.Room, "err", err)
	return chat.Appended{Err: fmt.Errorf("append to room %q: %w: %w", one.Room, chat.ErrNotStored, err)}
}

// prepare looks up the counts of the rooms, and whether the targets exist.
func (s *Store) prepare(ctx context.Context, window []*submission) error {
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(maxRequests)
	asked := make(map[string]struct{})
	for _, one := range window {
		if _, again := asked[one.Room]; !again && !s.hasCounts(one.Room) {
			asked[one.Room] = struct{}{}
			group.Go(func() error {
				return s.retry(asking, func() error { return s.withCounts(asking, one.Room, func(*room) {}) })
			})
		}
		if one.Relation != chat.Standalone {
			group.Go(func() error {
				return s.retry(asking, func() error { return s.findTarget(asking, one) })
			})
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, one := range window {
		if err := s.withCounts(ctx, one.Room, func(r *room) { one.counts = r.counts }); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) hasCounts(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roomLocked(name).countsKnown
}

// retry repeats a call until it succeeds or ctx ends.
func (s *Store) retry(ctx context.Context, call func() error) error {
	for {
		err := call()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(retryWait):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// findTarget sets probe if an entry's target does not exist. If the index does not cover the
// target, it is looked up in the stream with one request.
func (s *Store) findTarget(ctx context.Context, one *submission) error {
	s.mu.Lock()
	r := s.roomLocked(one.Room)
	at, indexed := r.search(one.Target)
	_, deleted := s.deleted[one.Target]
	gone := one.Target == 0 || one.Target <= r.evicted || deleted || r.hides(one.Target)
	gone = gone || !indexed && r.floor <= one.Target && one.Target <= s.at
	known := gone || indexed && !r.entries[at].hidden() && s.config.Age == 0
	s.mu.Unlock()
	if !known {
		m, found, err := s.events.get(ctx, one.Target)
		if err != nil {
			return err
		}
		gone = !found || m.subject != r.subject
	}
	one.probe = gone
	return nil
}

// publish stores a window. Entries without an answer, or with a temporary refusal, are
// published again under the same ids: first one of them alone, so that the others do not
// overtake it, then the rest.
func (s *Store) publish(ctx context.Context, window []*submission) error {
	err := s.publishOnce(window)
	for attempt := 1; ; attempt++ {
		left := unanswered(window)
		if len(left) == 0 {
			return nil
		}
		wait := retryWait
		if code(err) == codeDuplicateInProgress {
			wait = duplicateWait
		} else if attempt == 1 && s.closing.Err() == nil {
			s.log.Warn("events are not stored yet, trying again", "events", len(left), "err", err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
		if err = s.publishOnce(left[:1]); err == nil {
			err = s.publishOnce(left[1:])
		}
	}
}

func unanswered(window []*submission) (left []*submission) {
	for _, one := range window {
		if one.ack == nil && one.failed == nil {
			left = append(left, one)
		}
	}
	return left
}

// publishOnce publishes entries and waits for the answers, also while the store closes: an
// entry must not be refused if a later one is stored. It returns why some are unanswered.
func (s *Store) publishOnce(all []*submission) (err error) {
	acks := make([]jetstream.PubAckFuture, 0, len(all))
	published := make([]*submission, 0, len(all))
	for _, one := range all {
		var ack jetstream.PubAckFuture
		ack, err = s.js.PublishMsgAsync(s.message(one), jetstream.WithRetryAttempts(0))
		if errors.Is(err, nats.ErrMaxPayload) {
			one.failed = fmt.Errorf("append to room %q: %w: %w", one.Room, chat.ErrNotStored, err)
			err = nil
			continue
		}
		if err != nil {
			break
		}
		acks = append(acks, ack)
		published = append(published, one)
	}
	for i, ack := range acks {
		one := published[i]
		select { // the client sends one of them within ackTimeout
		case one.ack = <-ack.Ok():
		case refused := <-ack.Err():
			if !s.refused(one, refused) {
				err = refused
				one.sent = one.sent || !errors.Is(refused, jetstream.ErrNoStreamResponse)
			}
		}
	}
	return err
}

// refused reports whether an entry was refused permanently.
func (s *Store) refused(one *submission, err error) bool {
	switch code(err) {
	case 0:
		return false
	case codeWrongLastMessageID, jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
		one.failed = chat.ErrTargetGone
	case jetstream.JSErrCodeStreamMessageExceedsMaximum:
		one.failed = fmt.Errorf("append to room %q: %w: %w", one.Room, chat.ErrNotStored, err)
	case codeDuplicateInProgress, codeNoCluster, codeNotLeader, codeStreamOffline, jetstream.JSErrCodeJetStreamNotEnabled:
		return false // temporary
	default:
		if one.sent {
			return false
		}
		// A full disk, for example. The caller may retry later.
		one.failed = fmt.Errorf("append to room %q: %w: %w", one.Room, chat.ErrNotStored, err)
		s.log.Error("the servers have refused an event", "room", one.Room, "err", err)
	}
	return true
}

// code returns the error code of a server's response, 0 for another error.
func code(err error) jetstream.ErrorCode {
	if api, isAPI := errors.AsType[*jetstream.APIError](err); isAPI {
		return api.ErrorCode
	}
	return 0
}

// message returns the message that stores an entry. If the target does not exist the message
// has a condition that can't hold, so that it is only recognized as a duplicate or refused. A
// single server checks the message id before an expected last id, and after an expected last
// sequence. A cluster checks the message id before both, but remembers the id of a message
// that it refuses for its expected last id.
func (s *Store) message(one *submission) *nats.Msg {
	m := encode(one.Entry, one.counts, one.attempt)
	switch {
	case !one.probe:
	case s.config.Replicas > 1:
		m.Header.Set(jetstream.ExpectedLastSubjSeqHeader, impossibleSequence)
	default:
		m.Header.Set(jetstream.ExpectedLastMsgIDHeader, impossibleMessageID)
	}
	return m
}
