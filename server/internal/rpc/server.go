package rpc

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
	"connectrpc.com/grpcreflect"
	"connectrpc.com/validate"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/gen/hello/helloconnect"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/delivery"
	"chatroom/server/internal/detach"
	"chatroom/server/internal/health"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/logsample"
	"chatroom/server/internal/moderation"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/revocation"
	"chatroom/server/internal/schema"
)

// Config is what a Server is made of.
type Config struct {
	Hub    *hub.Hub
	Guests *identity.Guests
	// Issuers verifies the tokens of an application's users. Nil means that there are none.
	Issuers *identity.Issuers
	// Accounts are the members who sign in at a provider. Nil means that there are none.
	Accounts *identity.Accounts
	// Keys are the API keys. Nil means that there are none.
	Keys *apikey.Keys
	// Revocations are the tokens that are no longer valid. Nil means that there are none.
	Revocations *revocation.List
	// Policy decides what callers may do. Nil means the built-in policy.
	Policy *policy.Evaluator
	// Moderation keeps bans, mutes and what moderators have done. Nil means that the
	// service chat.v1.Moderation is not served.
	Moderation *moderation.Moderation
	// Health is what grpc.health.v1.Health tells. Nil means that the service is not served.
	Health *health.Health
	// Schema knows the kinds of event of an application. Nil knows none.
	Schema *schema.Schema
	// Heartbeat is how long a stream may be silent. Zero means 15 s. Proxies
	// cut idle streams at 60 s, some at 15.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to accept what is sent to it
	// at once, before its stream is reset. Zero means 30 s.
	WriteTimeout time.Duration
	// Drain is the time in which clients are asked to reconnect elsewhere, at moments that
	// are spread over its first half. Zero means 10 s.
	Drain time.Duration
	// Proxies are believed about the addresses of clients.
	Proxies clientaddr.Proxies
	// Rates bounds how often callers ask for something. Nil bounds nothing.
	Rates *ratelimit.Limiter
	// Counts bounds the streams and rooms that there are at the same time.
	Counts ratelimit.Counts
	// Interceptors come before those of the server itself, and get errors as callers do.
	Interceptors []connect.Interceptor
	// BeginSend is called for each send on a Chat stream. It returns the context of the
	// send, and a function that is called at least once when it is stored or refused. Nil
	// means nothing.
	BeginSend func(ctx context.Context, room string) (context.Context, func(error))
	// Log takes what operators should know. Nil means slog.Default.
	Log *slog.Logger
}

// Server serves the contract. Create it with New.
type Server struct {
	config   Config
	tokens   identity.Tokens
	json     *codec
	handlers map[string]http.Handler
	services []string      // their names
	tick     time.Duration // how often streams look for silence and stalled clients
	pool     *delivery.Pool
	taken    detach.Group
	serving  context.Context // ends with Close
	close    context.CancelFunc

	streamSlots *ratelimit.Slots[netip.Prefix] // by address
	memberRooms *ratelimit.Slots[string]       // by member id
	peers       *logsample.Logger              // of what callers cause
	renewable   sync.Map                       // *stream by callerState.streamID
	delayed     atomic.Int64                   // calls whose answers delayErrors holds back
	counts      counts

	mu      sync.Mutex // guards below
	streams map[*stream]struct{}
	conns   map[any]*sharedConn // by detach.Stream.Connection
	idle    chan struct{}       // replaced when a stream opens, closed when none is left
	drained bool
	ended   bool
	kinds   map[StreamKind]*streamCount
}

// New returns a server for the methods of the contract and for reflection.
func New(c Config) *Server {
	c.Heartbeat = cmp.Or(c.Heartbeat, 15*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.Drain = cmp.Or(c.Drain, 10*time.Second)
	if c.Policy == nil {
		c.Policy = policy.New(nil)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	s := &Server{
		config:  c,
		tokens:  identity.Tokens{Guests: c.Guests, Issuers: c.Issuers, Accounts: c.Accounts},
		json:    newJSONCodec(c.Schema),
		tick:    min(time.Second, c.Heartbeat/8, c.WriteTimeout/4),
		streams: make(map[*stream]struct{}),
		conns:   make(map[any]*sharedConn),
		kinds:   make(map[StreamKind]*streamCount),
		idle:    make(chan struct{}),
	}
	s.serving, s.close = context.WithCancel(context.Background())
	s.streamSlots = ratelimit.NewSlots[netip.Prefix](&c.Counts, ratelimit.StreamsPerAddress, ratelimit.StreamsInTotal)
	s.memberRooms = ratelimit.NewHolderSlots[string](&c.Counts, ratelimit.RoomsPerMember)
	s.peers = &logsample.Logger{Log: c.Log}
	s.pool = delivery.New(delivery.Config{Tick: s.tick})
	close(s.idle)
	s.handlers = s.routes()
	if c.Guests != nil {
		c.Guests.OnSignOut(s.EndStreams)
	}
	return s
}

func (s *Server) routes() map[string]http.Handler {
	interceptors := append(slices.Clone(s.config.Interceptors),
		errorMapping{s}, endingInterceptor{}, connect.UnaryInterceptorFunc(refuseUndecodable), validate.NewInterceptor(validate.WithValidator(requests)), connect.UnaryInterceptorFunc(s.limitUnary))
	options := connect.WithHandlerOptions(
		connect.WithCodec(protoCodec),
		connect.WithCodec(s.json),
		withGzip(),
		connect.WithRecover(s.recovered),
		connect.WithRequestGate(s.gate),
		connect.WithInterceptors(interceptors...),
		connect.WithConditionalHandlerOptions(compression),
	)
	handlers := make(map[string]http.Handler)
	handle := func(path string, handler http.Handler) { handlers[path] = withMediaType(s.withResponse(handler)) }
	only := func(path string, handler http.Handler, methods ...string) (string, http.Handler) {
		return path, s.onlyMethods(path, handler, methods)
	}
	handle((&chatRoom{s}).handler(options))
	path, handler := helloconnect.NewChatRoomHandler(&hello{s}, options)
	handle(only(path, handler, "Chat"))
	services := []string{chatv1connect.ChatRoomName, helloconnect.ChatRoomName}
	if s.config.Moderation != nil {
		handle((&moderator{s}).handler(options))
		services = append(services, chatv1connect.ModerationName)
	}
	s.counts.begin(services)
	s.services = slices.Concat(services, []string{grpcreflect.ReflectV1ServiceName, grpcreflect.ReflectV1AlphaServiceName, grpchealth.HealthV1ServiceName})
	reflector := grpcreflect.NewStaticReflector(services...)
	reflect := func(path string, handler http.Handler) { handlers[path] = withMediaType(s.limitReflection(handler)) }
	path, handler = grpcreflect.NewHandlerV1(reflector, connect.WithReadMaxBytes(maxRead))
	reflect(only(path, handler, "ServerReflectionInfo"))
	path, handler = grpcreflect.NewHandlerV1Alpha(reflector, connect.WithReadMaxBytes(maxRead))
	reflect(only(path, handler, "ServerReflectionInfo"))
	if s.config.Health != nil {
		path, handler = grpchealth.NewHandler(healthChecker{s.config.Health, services}, connect.WithReadMaxBytes(maxRead))
		handle(only(path, s.limitWatches(handler), "Check", "Watch"))
	}
	return handlers
}

// compression keeps streams from compressing each message anew for each
// subscriber, which costs two to three times as much as the delivery itself.
// Requests may be compressed all the same.
func compression(spec connect.Spec) []connect.HandlerOption {
	smallest := 1 << 10
	if spec.StreamType != connect.StreamTypeUnary {
		smallest = math.MaxInt
	}
	return []connect.HandlerOption{connect.WithCompressMinBytes(smallest)}
}

// Handlers returns the handlers by their patterns for a http.ServeMux. They are not
// behind one of their own: each stream would have its frames on the stack.
func (s *Server) Handlers() map[string]http.Handler { return s.handlers }

// Drain asks the clients of all streams to reconnect elsewhere, answers calls that wait
// for events, and refuses new ones of both kinds. It returns when no stream is left, after Config.Drain, or with ctx.
func (s *Server) Drain(ctx context.Context) {
	s.beginDrain(s.config.Drain / 2)
	ctx, cancel := context.WithTimeout(ctx, s.config.Drain)
	defer cancel()
	s.wait(ctx)
}

// HandOver is Drain for a server whose successor serves as soon as this one has ended: it
// does not wait for clients to leave. Their streams end when Stop is called, and they come back
// at moments that are spread over a window of at most the first half of Config.Drain, which is
// shorter for fewer of them.
func (s *Server) HandOver() {
	window := s.config.Drain / 2
	if n := s.Streams(); n < int(window/reconnectSpacing) {
		window = time.Duration(n) * reconnectSpacing
	}
	s.beginDrain(window)
}

// reconnectSpacing is the mean time between clients that come back to a successor. One that has
// two processors takes 4,000 a second with 100 missed events each; half of that leaves it time
// for calls.
const reconnectSpacing = 500 * time.Microsecond

// beginDrain tells all streams when to reconnect: each in another part of the window, of equal
// length, and at a random moment of it.
func (s *Server) beginDrain(window time.Duration) {
	s.mu.Lock()
	if !s.drained {
		s.drained = true
		part, i := float64(window)/float64(max(1, len(s.streams))), 0
		for stream := range s.streams { // in no order
			stream.reconnectAfter = time.Duration(part * (float64(i) + rand.Float64()))
			i++
		}
		s.notifyLocked(noticeDrain)
	}
	s.mu.Unlock()
	s.config.Hub.Drain()
}

// Close ends all streams with the code unavailable. It does not wait for them, as
// Stop does.
func (s *Server) Close() {
	s.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ended {
		s.drained, s.ended = true, true
		s.notifyLocked(noticeClose)
	}
}

func (s *Server) notifyLocked(n notice) {
	for stream := range s.streams {
		stream.notify(n)
	}
}

// wait returns when no stream is left, or with ctx.
func (s *Server) wait(ctx context.Context) {
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	select {
	case <-idle:
	case <-ctx.Done():
	}
}

// Stop waits until all streams have ended, as Close has asked for. With the end of ctx
// it aborts those that are left, and closes the connections of clients that do not read
// the end of theirs. It returns when nothing runs for streams any more.
func (s *Server) Stop(ctx context.Context) {
	s.Close()
	s.wait(ctx)
	s.mu.Lock()
	s.notifyLocked(noticeAbort)
	s.mu.Unlock()
	s.wait(context.WithoutCancel(ctx))
	s.pool.Close()
	s.taken.Wait(ctx)
}

// sharedConn is a connection that carries streams.
type sharedConn struct {
	*delivery.Conn
	streams int // guarded by Server.mu
}

// connOf returns the connection that a stream's task is of: the same one for all
// streams of a connection.
func (s *Server) connOf(out detach.Stream) *delivery.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := out.Connection()
	c := s.conns[id]
	if c == nil {
		c = &sharedConn{Conn: s.pool.Conn(out)}
		s.conns[id] = c
	}
	c.streams++
	return c.Conn
}

// Streams returns how many streams are open.
func (s *Server) Streams() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}

// opened takes a stream in, unless there are to be no more.
func (s *Server) opened(stream *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drained {
		return errGoingAway
	}
	if len(s.streams) == 0 {
		s.idle = make(chan struct{})
	}
	s.streams[stream] = struct{}{}
	s.countLocked(stream)
	return nil
}

func (s *Server) closed(stream *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stream.out != nil {
		id := stream.out.Connection()
		if c := s.conns[id]; c != nil {
			if c.streams--; c.streams == 0 {
				delete(s.conns, id)
			}
		}
	}
	s.renewable.Delete(stream.credential.streamID)
	stream.count.open--
	if delete(s.streams, stream); len(s.streams) == 0 {
		close(s.idle)
	}
}

func (s *Server) recovered(ctx context.Context, spec connect.Spec, _ http.Header, reason any) error {
	s.config.Log.ErrorContext(ctx, "panic", "procedure", spec.Procedure, "reason", fmt.Sprint(reason), "stack", string(debug.Stack()))
	return connect.NewError(connect.CodeInternal, errInternal)
}
