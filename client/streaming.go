package client

import (
	"context"
	"time"

	chatv1 "chatroom/gen/chat/v1"
)

// streaming is a session while it has a link.
type streaming struct {
	*session
	link    *link
	token   string
	begun   bool // a frame was received
	watched bool // the list of rooms is watched
	pending []*chatv1.ChatRequest
	silence *time.Timer // the stream is dead
	drain   *time.Timer // the stream is to be replaced
	id      string      // for RenewStream

	renewing bool
	renewed  chan string // new tokens
}

// run takes frames until the stream ends, or has to.
func (st *streaming) run() error {
	l := st.link
	defer l.close()
	defer st.client.removeLink(l)
	defer st.silence.Stop()
	defer st.drain.Stop()
	st.open()
	st.silence.Reset(st.client.config.AttemptTimeout)
	receiving := true
	for {
		full := len(st.queue) >= maxQueued
		l.behind.Store(full)
		if full && l.waiting() {
			return errBehind
		}
		frames := l.frames
		if full {
			frames = nil
		} else if !receiving {
			st.silence.Reset(st.maxSilence) // the body of the loop took its time, not the server
		}
		receiving = !full
		requests, request := st.request()
		outputs, first := st.first()
		select {
		case frame, ok := <-frames:
			if !ok {
				return st.ended(l.err)
			}
			if err := st.handle(frame); err != nil {
				return err
			}
		case outputs <- first:
			st.queue = st.queue[1:]
		case requests <- request:
			st.pending = st.pending[1:]
		case <-l.sending:
		case token := <-st.renewed:
			st.renew(token)
		case <-st.feed.changed:
			if err := st.reconcile(st); err != nil {
				return err
			}
		case <-st.silence.C:
			if receiving {
				l.conn.close()
				return st.ended(errSilent)
			}
		case <-st.drain.C:
			return errDraining
		case <-st.ctx.Done():
			return context.Cause(st.ctx)
		}
	}
}

// open begins the call with the rooms of the feed.
func (st *streaming) open() {
	st.feed.mu.Lock()
	watch := st.feed.watch
	st.feed.mu.Unlock()
	if st.link.bidi {
		for _, l := range st.logs {
			l.joined = false
			st.pending = append(st.pending, joinRequest(l))
		}
		_ = st.watchRooms(watch) // it is requested on the stream
		st.link.chat(st.client, st.token)
		return
	}
	request := &chatv1.SubscribeRequest{WatchRooms: watch}
	for _, l := range st.logs {
		l.joined = false
		request.Rooms = append(request.Rooms, l.subscription())
	}
	st.watched = watch
	st.link.subscribe(st.client, st.token, request)
}

// ended returns why the stream has ended. If Chat may not get through to the service, the
// next stream is one of Subscribe.
func (st *streaming) ended(err error) error {
	st.culprit = ""
	if st.link.bidi && !st.begun {
		if len(st.logs) > 0 {
			st.culprit = st.logs[0].room
		}
		if mayNotCarry(err) && st.client.learned(false) {
			return errResubscribe
		}
	}
	if refusesToken(err) {
		st.stale = st.token
	}
	return err
}

// joinRequest returns the request that joins a room.
func joinRequest(l *roomLog) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: l.subscription()}}
}

// request returns where the first pending request goes: nowhere if there is none.
func (st *streaming) request() (chan<- *linkRequest, *linkRequest) {
	if len(st.pending) == 0 {
		return nil, nil
	}
	return st.link.requests, &linkRequest{message: st.pending[0]}
}

// join joins a room: on Chat at once, on Subscribe with another stream.
func (st *streaming) join(l *roomLog) error {
	switch {
	case st == nil:
		return nil
	case !st.link.bidi:
		return errResubscribe
	}
	st.pending = append(st.pending, joinRequest(l))
	return nil
}

func (st *streaming) leave(l *roomLog) error {
	switch {
	case st == nil:
		return nil
	case !st.link.bidi:
		return errResubscribe
	}
	st.pending = append(st.pending, &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Leave{Leave: &chatv1.Leave{Room: l.room}}})
	return nil
}

func (st *streaming) watchRooms(watch bool) error {
	switch {
	case st == nil, watch == st.watched:
		return nil
	case !st.link.bidi:
		return errResubscribe
	}
	st.watched = watch
	st.pending = append(st.pending, &chatv1.ChatRequest{Action: &chatv1.ChatRequest_WatchRooms{WatchRooms: &chatv1.WatchRooms{Stop: !watch}}})
	return nil
}

// handle handles one frame.
func (st *streaming) handle(frame *chatv1.Frame) error {
	st.silence.Reset(st.maxSilence)
	switch kind := frame.GetKind().(type) {
	case *chatv1.Frame_Joined:
		st.joined(kind.Joined)
	case *chatv1.Frame_Event:
		return st.event(kind.Event)
	case *chatv1.Frame_CaughtUp:
		if l := st.log(kind.CaughtUp.GetRoom()); l != nil && l.joined {
			l.caughtUp()
			st.update(l, CaughtUp{Room: l.room})
		}
	case *chatv1.Frame_Reset_:
		r := kind.Reset_
		if l := st.log(r.GetRoom()); l != nil && l.joined {
			l.reset(r)
			st.update(l, Reset{Room: r.GetRoom(), Epoch: r.GetEpoch(), Oldest: r.GetOldest(), Head: r.GetHead()})
		}
	case *chatv1.Frame_Rejected:
		return st.rejected(kind.Rejected)
	case *chatv1.Frame_Draining:
		after := kind.Draining.GetReconnectAfter().AsDuration()
		st.notBefore = time.Now().Add(after)
		st.drain.Reset(after)
	case *chatv1.Frame_RightsChanged:
		if l := st.log(kind.RightsChanged.GetRoom()); l != nil && l.joined {
			st.update(l, RightsChanged{kind.RightsChanged})
		}
	case *chatv1.Frame_RoomsChanged:
		st.put(output{update: RoomsChanged{kind.RoomsChanged}})
	case *chatv1.Frame_Expiring:
		st.startRenewal()
	}
	return nil
}

func (st *streaming) joined(joined *chatv1.Joined) {
	if !st.begun {
		st.begun = true
		st.client.learned(st.link.bidi)
		st.backoff.reset()
		st.stale, st.refused = "", false
		if interval := joined.GetHeartbeatInterval().AsDuration(); interval > 0 {
			st.maxSilence = 2 * interval
		}
		st.silence.Reset(st.maxSilence)
		st.id = joined.GetStreamId()
		st.put(output{update: Connected{Member: joined.GetMember()}})
		if st.link.bidi {
			st.client.addLink(st.link)
		}
	}
	for _, state := range joined.GetRooms() {
		if l := st.log(state.GetRoom()); l != nil {
			l.join(state)
			member := state.GetMember()
			if member == nil {
				member = joined.GetMember()
			}
			st.update(l, Joined{State: state, Member: member})
		}
	}
}

// rejected handles the refusal of a request other than a send.
func (st *streaming) rejected(r *chatv1.Rejected) error {
	l := st.log(r.GetRoom())
	if r.GetId() != "" || l == nil || l.joined {
		return nil // a send, a leave, or a renewal, without which the stream ends in time
	}
	err := rejection(r)
	switch {
	case refusesToken(err):
		st.stale = st.token
		return err
	case !permanent(err):
		return err
	}
	if err := st.drop(l, err); err != nil {
		return err
	}
	return st.reconcile(st)
}

// startRenewal gets another token than the one that expires.
func (st *streaming) startRenewal() {
	if st.renewing || st.client.tokens == nil {
		return
	}
	st.renewing = true
	l, old, id := st.link, st.token, st.id
	l.group.Go(func() {
		var token string
		err := st.client.retry(l.ctx, func(ctx context.Context) (err error) {
			token, err = st.client.tokenOf(ctx, old)
			if err == nil && token != old && !l.bidi {
				_, err = st.client.renewal.RenewStream(withToken(ctx, token), &chatv1.RenewStreamRequest{StreamId: id})
			}
			return err
		})
		if err != nil || token == old {
			return // the stream ends when the token does, and the next one has another
		}
		select {
		case st.renewed <- token:
		case <-l.ctx.Done():
		}
	})
}

// renew continues the stream with a new token.
func (st *streaming) renew(token string) {
	st.token, st.renewing = token, false
	if st.link.bidi {
		st.pending = append(st.pending, &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Renew{Renew: &chatv1.Renew{Token: token}}})
	}
}
