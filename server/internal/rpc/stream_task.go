package rpc

import (
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/delivery"
	"chatroom/server/internal/identity"
)

// Run implements delivery.Handler: it appends what is pending, as far as the client
// takes it.
func (s *stream) Run(now time.Time, mayBlock bool) delivery.Result {
	pending := notice(s.notices.Swap(0))
	switch {
	case pending&noticeGone != 0:
		return s.end()
	case pending&noticeAbort != 0:
		s.out.Abort()
		return s.end()
	}
	if s.held != nil {
		if !s.out.Append(s.held) {
			s.notices.Or(uint32(pending)) // kept until the client takes it
			return delivery.Idle
		}
		s.held, s.written = nil, now
	}
	if s.closing != nil {
		return s.finish()
	}
	var held []roomRights
	if pending&noticeRights != 0 {
		if !mayBlock {
			s.notices.Or(uint32(pending))
			return delivery.Blocks
		}
		if held, s.closing = s.checkRights(); s.closing != nil {
			return delivery.Again
		}
	}
	batch := batches.Get().(*[]byte)
	defer batches.Put(batch)
	*batch = (*batch)[:0]
	replay, unread, traced, err := s.fill(batch, pending, mayBlock)
	if err == nil {
		err = s.checkCaller(batch, pending, now)
	}
	if err == nil && pending&noticeRights != 0 {
		err = s.addRights(batch, held)
	}
	if err == nil && pending&noticeClose != 0 { // after the answers that are ready
		if unread {
			s.notices.Or(uint32(noticeClose))
		} else {
			err = errGoingAway
		}
	}
	s.append(batch, now)
	for _, t := range traced {
		t.Delivered()
	}
	switch {
	case err != nil:
		s.closing = err
		return delivery.Again
	case s.held != nil:
		return delivery.Idle
	case replay || unread:
		return delivery.Blocks
	}
	return delivery.Idle
}

// batches are shared by all streams: an idle one has none.
var batches = sync.Pool{New: func() any { return new([]byte) }}

// append appends a batch, or keeps it until the client has taken what came before.
func (s *stream) append(batch *[]byte, now time.Time) {
	switch {
	case len(*batch) == 0:
	case s.out.Append(*batch):
		s.written = now
	default:
		s.held = append([]byte(nil), *batch...)
	}
	if cap(*batch) > 2*batchBytes {
		*batch = nil
	}
}

// fill adds what is pending to a batch. The journal has to be read for more events if it
// returns replay, and for an answer that is ready if it returns unread. Of the events that it
// adds it returns those that are traced.
func (s *stream) fill(batch *[]byte, pending notice, mayBlock bool) (replay, unread bool, traced []chat.Trace, err error) {
	if pending&noticeDrain != 0 {
		if err := s.add(batch, drainingFrame(s.reconnectAfter)); err != nil {
			return false, false, nil, err
		}
	}
	var items [replayItems]chat.Item
	size := batchItems
	if mayBlock {
		size = replayItems
	}
	for n := size; n == size && len(*batch) < batchBytes; {
		var err error
		n, replay, err = s.feed.Take(s.ctx, items[:size], mayBlock)
		events := 0
		for _, item := range items[:n] {
			if e, ok := item.(*chat.Event); ok {
				events++
				if e.Trace != nil {
					traced = append(traced, e.Trace)
				}
			}
			err = errors.Join(s.add(batch, item), err)
		}
		s.task.Count(events)
		if err != nil {
			return false, false, traced, err
		}
	}
	unread, err = s.answer(batch, mayBlock)
	return replay, unread, traced, err
}

// answer adds the answers that are ready. It returns whether the next one has to read
// the journal.
func (s *stream) answer(batch *[]byte, mayBlock bool) (unread bool, err error) {
	for s.answers.ready() {
		if !mayBlock && s.answers.reads() {
			return true, nil
		}
		f, err := s.answers.take(s.ctx)
		if f != nil {
			err = errors.Join(s.add(batch, f), err)
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// add adds the envelope of what is sent for an item.
func (s *stream) add(batch *[]byte, item any) error {
	message := s.message(s, item)
	if message == nil {
		return nil
	}
	at := len(*batch)
	b, err := s.codec.MarshalAppend(append(*batch, 0, 0, 0, 0, 0), message)
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint32(b[at+1:], uint32(len(b)-at-5))
	*batch = b
	return nil
}

// Tick implements delivery.Handler: it sends heartbeats, tells that a credential expires or
// a mute has ended, and aborts the stream of a client that accepts nothing within the write timeout.
func (s *stream) Tick(now time.Time) delivery.Result {
	if since := s.out.Stalled(); !since.IsZero() && now.Sub(since) >= s.server.config.WriteTimeout {
		s.server.counts.cut.Add(cutSlowReader)
		s.server.peers.Warn(s.ctx, "a stream was cut: its client does not read", "peer", s.address, "member", s.feed.Member().ID)
		s.out.Abort()
		return s.end()
	}
	if s.held != nil || s.closing != nil {
		return delivery.Idle
	}
	if s.rightsAreDue(now) {
		s.rightsDue = time.Time{}
		s.notices.Or(uint32(noticeRights))
		return delivery.Again
	}
	// At the tick before the silence would be too long.
	silent := now.Sub(s.written) > s.server.config.Heartbeat-s.server.tick
	if !silent && !s.callerDue(now) {
		return delivery.Idle
	}
	batch := batches.Get().(*[]byte)
	defer batches.Put(batch)
	*batch = (*batch)[:0]
	err := s.checkCaller(batch, 0, now)
	if err == nil && len(*batch) == 0 {
		err = s.add(batch, heartbeatFrame())
	}
	s.append(batch, now)
	if err != nil {
		s.closing = err
		return delivery.Again
	}
	return delivery.Idle
}

// finish ends the response with the reason, once the client accepts it.
func (s *stream) finish() delivery.Result {
	coded := toError(s.ctx, s.server.config.Log, s.closing)
	if !s.logged {
		s.logged = true
		s.logEnd()
		s.server.counts.failedStreams.add(s.origin.path, coded.Code())
	}
	body, trailers := s.origin.ending(coded)
	if !s.out.Finish(body, trailers) {
		return delivery.Idle
	}
	return s.end()
}

// logEnd logs that the stream ends because its caller may not read any more, or has no valid
// credential.
func (s *stream) logEnd() {
	_, refused := errors.AsType[*refusal](s.closing)
	if refused || errors.Is(s.closing, identity.ErrInvalidToken) {
		s.server.peers.Warn(s.ctx, "a stream was ended", "peer", s.address, "member", s.feed.Member().ID, "reason", s.closing)
	}
}

func (s *stream) end() delivery.Result {
	s.feed.Close()
	s.membership.end()
	s.cancel()
	s.server.closed(s)
	s.held = nil
	if s.ended != nil {
		s.ended(s.closing)
	}
	return delivery.Ended
}
