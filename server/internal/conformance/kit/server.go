package kit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// defaultHeartbeat is the heartbeat interval, unless a scenario has another.
const defaultHeartbeat = time.Second

// server is a chatroom service with a few rooms in memory, to which a scenario does what
// networks and servers do. The monitor guards the last group.
type server struct {
	chatv1connect.UnimplementedChatRoomHandler
	*monitor
	url     string
	http    *http.Server
	serving sync.WaitGroup

	// Set before the client connects.
	heartbeat time.Duration
	skew      atomic.Int64 // of the server's clock, in ns
	repeat    int          // how many events too early a resumed stream begins
	firstHead uint64       // of new rooms

	rooms    map[string]*room
	conns    []*conn
	down     bool        // connections are closed at once
	refused  []time.Time // connections
	streams  []*stream
	attempts []*attempt
	stored   map[string]*attempt // by token and id
	renewals []renewal
	calls    int // of all methods

	// onStream is called for each stream before it begins, onSend before an event is
	// stored, and onStored after. An error is the answer.
	onStream func(ctx context.Context, st *stream) error
	onSend   func(ctx context.Context, a *attempt) error
	onStored func(ctx context.Context, a *attempt) error
	// allowed reports whether a token is valid. Nil means that every one is.
	allowed func(token string) bool
}

// renewal is a call of RenewStream, or a Renew on Chat.
type renewal struct {
	token string
	at    time.Time
	ok    bool
}

// newServer starts a server.
func newServer(m *monitor, network Network) (*server, error) {
	l, url, err := network.listen()
	if err != nil {
		return nil, err
	}
	s := &server{
		monitor: m, url: url, heartbeat: defaultHeartbeat,
		rooms: make(map[string]*room), stored: make(map[string]*attempt),
	}
	mux := http.NewServeMux()
	mux.Handle(chatv1connect.NewChatRoomHandler(s, connect.WithCompression("gzip", nil, nil)))
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	s.http = &http.Server{
		Handler:   s.counted(mux),
		Protocols: protocols,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	s.serving.Go(func() { _ = s.http.Serve(&listener{l, s.accepted}) }) // its error is that it was closed
	return s, nil
}

func (s *server) close() {
	_ = s.http.Close()
	s.serving.Wait()
}

// now returns the time by the server's clock.
func (s *server) now() time.Time { return time.Now().Add(time.Duration(s.skew.Load())) }

func (s *server) accepted(c *conn) bool {
	var down bool
	s.do(func() {
		down = s.down
		if down {
			s.refused = append(s.refused, time.Now())
		}
		s.conns = append(s.conns, c)
	})
	return !down
}

// counted counts calls, and tells the server's time in the header Date.
func (s *server) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.do(func() { s.calls++ })
		w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
		next.ServeHTTP(w, r)
	})
}

// room returns a room. The caller holds the monitor.
func (s *server) room(name string) *room {
	r := s.rooms[name]
	if r == nil {
		r = newRoom(name)
		r.head = s.firstHead
		s.rooms[name] = r
	}
	return r
}

// publish adds an event to the log of a room, and queues it on the streams that follow the
// room. The caller holds the monitor.
func (s *server) publish(name string, e *chatv1.Event, optional bool) *chatv1.Event {
	e = s.room(name).append(e, s.now(), optional)
	s.deliver(e)
	return e
}

// deliver queues an event on the streams that follow its room. The caller holds the monitor.
func (s *server) deliver(e *chatv1.Event) {
	for _, st := range s.streams {
		if st.live(e.GetRoom()) {
			st.queue = append(st.queue, eventFrame(e))
		}
	}
}

// bearer returns the caller's token.
func bearer(ctx context.Context) string {
	info, ok := connect.CallInfoForHandlerContext(ctx)
	if !ok {
		return ""
	}
	token, _ := strings.CutPrefix(info.RequestHeader().Get("Authorization"), "Bearer ")
	return token
}

// identify returns the caller's token, or the error of an invalid one.
func (s *server) identify(ctx context.Context) (string, error) {
	token := bearer(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.allowed != nil && !s.allowed(token) {
		return "", tokenInvalid("expired")
	}
	return token, nil
}

// begin records a stream, and queues the frames with which it begins.
func (s *server) begin(ctx context.Context, starts []*chatv1.Subscription) (*stream, error) {
	st := &stream{conn: connOf(ctx), opened: time.Now(), token: bearer(ctx), starts: starts, rooms: make(map[string]bool)}
	var onStream func(context.Context, *stream) error
	s.do(func() {
		st.number = len(s.streams)
		st.id = fmt.Sprintf("stream-%d", st.number)
		s.streams = append(s.streams, st)
		onStream = s.onStream
	})
	_, err := s.identify(ctx)
	if err == nil && onStream != nil {
		err = onStream(ctx, st)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		s.do(func() { st.ended, st.err = time.Now(), err })
		return nil, err
	}
	s.do(func() { s.join(st, starts) })
	return st, nil
}

// join adds rooms to a stream. The caller holds the monitor.
func (s *server) join(st *stream, starts []*chatv1.Subscription) {
	joined := &chatv1.Joined{
		Member:            &chatv1.Member{Id: memberOf(st.token), Name: "Client", Guest: true},
		HeartbeatInterval: durationpb.New(s.heartbeat),
		StreamId:          st.id,
		TokenExpireTime:   timestamppb.New(s.now().Add(time.Hour)),
	}
	frames := []*chatv1.Frame{{Kind: &chatv1.Frame_Joined{Joined: joined}}}
	for _, start := range starts {
		r := s.room(start.GetRoom())
		joined.Rooms = append(joined.Rooms, r.state())
		frames = append(frames, r.begin(start, s.repeat)...)
		st.rooms[r.name] = true
	}
	st.queue = append(st.queue, frames...)
}

// memberOf returns the id of the member with a token: tokens of one client are of one member.
func memberOf(token string) string {
	if token == "" {
		return ""
	}
	return "client"
}

// refusal returns an error with details.
func refusal(code connect.Code, message string, details ...*connect.ErrorDetail) error {
	err := connect.NewError(code, errors.New(message))
	for _, d := range details {
		err.AddDetail(d)
	}
	return err
}
