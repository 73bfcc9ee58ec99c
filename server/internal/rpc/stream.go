package rpc

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/delivery"
	"chatroom/server/internal/detach"
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
