package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/delivery"
	"chatroom/server/internal/detach"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/ratelimit"
)

// stream is one client's stream, of any method. Its handler writes the first message,
// and with it the headers, through connect; then the response is taken over, and
// everything else is appended to it as envelopes by the stream's task.
//
// Connect, gRPC and gRPC-Web have the same envelopes, so an event is encoded once for
// all streams with the same codec. What differs is the end of a stream: response.ending
// has connect produce it.
//
// What each delivery touches comes first.
type stream struct {
	task    delivery.Task
	notices atomic.Uint32 // notices that the task has not handled
	feed    *hub.Feed
	out     detach.Stream
	codec   *codec
	message messageFunc
	ctx     context.Context // ends with the stream
	answers answers         // of streams with requests

	// Used by the task alone.
	held    []byte    // what the client has not taken yet: at most one batch
	closing error     // why the stream is to end
	written time.Time // when something was last appended
	warned  bool      // Expiring was sent for the credential
	logged  bool      // that it is to end, and why

	told      []roomRights // the rights in the joined rooms that the client knows of
	rightsDue time.Time    // when the first mute in told ends; zero for never

	credential *callerState
	server     *Server
	cancel     context.CancelFunc
	origin     origin
	address    netip.Addr // of the client
	membership membership
	count      *streamCount // guarded by Server.mu
	generation uint64       // of the policy, before the first join was authorized

	reconnectAfter time.Duration // set before noticeDrain
	ended          func(error)   // called at the end, with closing; nil for nothing
}

// messageFunc returns what is sent for an item of the feed or a frame, nil for nothing.
type messageFunc func(s *stream, item any) any

// notice is something that a stream's task has to do.
type notice uint32

const (
	noticeDrain   notice = 1 << iota // ask the client to reconnect elsewhere
	noticeClose                      // end the stream
	noticeAbort                      // end it without a reason for the client
	noticeGone                       // the client is gone
	noticeRights                     // look what the caller may still do in the rooms
	noticeRenewed                    // tell that the credential was renewed
	noticeRevoked                    // look whether the credential is revoked
)

// The bounds of what a stream takes from its feed at once.
const (
	batchItems  = 8        // items, again and again until there are
	batchBytes  = 64 << 10 // so many bytes of them
	replayItems = 32       // items at a time while the journal is read
)

// newStream returns a stream that has begun to collect what its feed has, or the limit
// that refuses it.
func (s *Server) newStream(ctx context.Context, message messageFunc) (*stream, error) {
	giveBack, err := s.streamSlots.Acquire(ratelimit.Network(clientAddress(ctx)))
	if err != nil {
		return nil, s.refusedCall(ctx, err)
	}
	st := &stream{server: s, message: message, credential: callerStateOf(ctx), origin: responseOf(ctx).origin()}
	st.generation = s.config.Policy.Generation()
	if !identified(ctx).Expires.IsZero() {
		st.credential.streamID = newStreamID()
	}
	st.codec = st.origin.codec(s.json)
	st.ctx, st.cancel = context.WithCancel(context.Background()) // the request's ends with its handler
	st.ended = streamEndOf(ctx)
	st.feed = s.config.Hub.NewFeed(caller(ctx), st.wake)
	st.membership.stream, st.address = giveBack, clientAddress(ctx)
	return st, nil
}

// wake has the task run.
func (s *stream) wake(many bool) { s.task.Wake(many) }

func (s *stream) notify(n notice) {
	s.notices.Or(uint32(n))
	s.wake(false)
}

// abandon ends a stream that has not begun.
func (s *stream) abandon() {
	s.feed.Close()
	s.membership.end()
	s.cancel()
}

// begin sends the first message, which says what was joined, and takes the response
// over. The handler's return does not end the stream after that.
func (s *stream) begin(ctx context.Context, conn connect.StreamingHandlerConn) error {
	if err := s.server.opened(s); err != nil {
		s.abandon()
		return err
	}
	if s.credential.streamID != "" {
		s.server.renewable.Store(s.credential.streamID, s)
	}
	if s.generation != s.server.config.Policy.Generation() {
		s.notify(noticeRights) // a ban has not found the stream
	}
	if accounts := s.server.config.Accounts; accounts != nil {
		// The stream was not there when they have changed.
		c := s.credential.current()
		if current := accounts.Current(c); current != c && s.credential.latest.CompareAndSwap(c, current) {
			s.notify(noticeRights)
		}
	}
	// It may have been revoked before the stream was taken in.
	err := s.server.checkCredential(s.credential.current(), time.Now())
	if err == nil {
		err = s.start(responseOf(ctx), conn)
	}
	if err != nil {
		s.abandon()
		s.server.closed(s)
	}
	return err
}

func (s *stream) start(begun *response, conn connect.StreamingHandlerConn) error {
	header := conn.ResponseHeader()
	header.Set("X-Accel-Buffering", "no") // or proxies that buffer deliver nothing until the end
	if begun.request.ProtoMajor == 1 {
		header.Set("Connection", "close") // nothing follows the stream
	}
	var first [1]chat.Item
	if _, _, err := s.feed.Take(s.ctx, first[:], false); err != nil {
		return err
	}
	begun.hold()
	if message := s.message(s, first[0]); message != nil {
		if err := conn.Send(message); err != nil {
			return err
		}
	}
	out, held, err := begun.takeOver(&s.server.taken, detach.Events{
		Writable: func() { s.wake(false) },
		Gone:     func() { s.notify(noticeGone) },
	})
	if err != nil {
		return err
	}
	s.out, s.held, s.written = out, held, time.Now()
	s.server.connOf(out).Add(&s.task, s)
	s.task.Start()
	return nil
}

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
		s.server.counts.cut.Add("slow_reader")
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
	if !s.logged {
		s.logged = true
		s.logEnd()
	}
	body, trailers := s.origin.ending(toError(s.ctx, s.server.config.Log, s.closing))
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

// converse reads what the client of a stream with requests sends, in the handler,
// until the client half-closes or the stream ends. A client that half-closes still
// receives.
func (s *stream) converse(requests func() error) {
	if err := requests(); err != nil {
		s.answers.add(s.ctx, answered(nil, err))
		s.wake(false)
	}
}

// bounded calls a function that waits for the client's first request, for at most the
// heartbeat interval and until the server is closed.
func (s *Server) bounded(ctx context.Context, wait func() error) error {
	control := http.NewResponseController(responseOf(ctx).ResponseWriter)
	interrupt := func() { _ = control.SetReadDeadline(time.Unix(1, 0)) }
	_ = control.SetReadDeadline(time.Now().Add(s.config.Heartbeat))
	stop := context.AfterFunc(s.serving, interrupt)
	err := wait()
	switch {
	case !stop():
		return errGoingAway
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errNeverJoined
	}
	_ = control.SetReadDeadline(time.Time{})
	return err
}

// receive calls handle for each request of the client, until the client half-closes or
// handle returns an error. For a request that can't be decoded or breaks a rule, handle
// is called with the error.
func receive[Req any](conn connect.StreamingHandlerConn, handle func(*Req, *connect.Error) error) error {
	for {
		request := new(Req)
		err := conn.Receive(request)
		if errors.Is(err, io.EOF) {
			return nil
		}
		refusal, isRefused := refused(err)
		if err != nil && !isRefused {
			return err
		}
		if err := handle(request, refusal); err != nil {
			return err
		}
	}
}
