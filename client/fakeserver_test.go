package client_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// fakeServer keeps rooms in memory, as the service does, and breaks as a test says.
type fakeServer struct {
	chatv1connect.UnimplementedChatRoomHandler
	heartbeat time.Duration
	// next says what happens to the next frame with an event, and lost whether the answer
	// to a send is lost. Nil means that nothing does.
	next func() streamFault
	lost func(id string) bool

	mu      sync.Mutex // guards below
	epoch   string
	rooms   map[string]*fakeRoom
	changed chan struct{} // closed and replaced with each change
	refused map[string]bool
	tells   bool   // the name of a room that is refused
	when    func() // called with each event, while mu is held; nil for nothing
	streams int
	open    int // streams that have not ended
}

type fakeRoom struct {
	events   []*chatv1.Event
	ids      map[string]*chatv1.Event
	forgot   uint64 // events up to it are not retained
	sequence uint64
}

// streamFault is what happens to a stream.
type streamFault int

const (
	pass streamFault = iota
	endStream
	breakStream
	silence
	omitEvent
	repeatEvents
	drainSoon
	unknownFrame
	streamFaults
)

func newFakeServer() *fakeServer {
	return &fakeServer{heartbeat: time.Second, epoch: "E", rooms: make(map[string]*fakeRoom), changed: make(chan struct{}), refused: make(map[string]bool)}
}

func (s *fakeServer) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(chatv1connect.NewChatRoomHandler(s))
	return mux
}

func (s *fakeServer) roomLocked(name string) *fakeRoom {
	r := s.rooms[name]
	if r == nil {
		r = &fakeRoom{ids: make(map[string]*chatv1.Event)}
		s.rooms[name] = r
	}
	return r
}

func (s *fakeServer) changeLocked() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// store stores an event, unless its id is known.
func (s *fakeServer) store(request *chatv1.SendRequest) (e *chatv1.Event, duplicate bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.roomLocked(request.GetRoom())
	if first := r.ids[request.GetId()]; first != nil {
		return first, true
	}
	e = &chatv1.Event{Room: request.GetRoom(), Id: request.GetId(), Sender: &chatv1.Member{Id: "m", Name: "gopher"}}
	switch body := request.GetBody().(type) {
	case *chatv1.SendRequest_Message:
		e.Body = &chatv1.Event_Message{Message: body.Message}
	case *chatv1.SendRequest_Reaction:
		e.Body = &chatv1.Event_Reaction{Reaction: body.Reaction}
	}
	e.Previous = r.sequence
	r.sequence += 1 + uint64(len(r.events)%3) // not always by one
	e.Sequence = r.sequence
	r.events = append(r.events, e)
	r.ids[e.GetId()] = e
	if s.when != nil {
		s.when()
	}
	s.changeLocked()
	return e, false
}

// say stores a message with an id of its own.
func (s *fakeServer) say(room, text string) {
	s.store(&chatv1.SendRequest{Room: room, Id: text, Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}}})
}

// forget removes the oldest half of a room's events, as retention does.
func (s *fakeServer) forget(room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.roomLocked(room)
	if half := len(r.events) / 2; half > 0 {
		r.forgot = r.events[half-1].GetSequence()
		r.events = slices.Clone(r.events[half:])
	}
}

// whenAtLeast calls f with each event while a room has n events or more.
func (s *fakeServer) whenAtLeast(room string, n int, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.when = func() {
		if len(s.roomLocked(room).events) >= n {
			f()
		}
	}
	s.when()
}

// lose loses all rooms: those that follow are others.
func (s *fakeServer) lose(epoch string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.epoch, s.rooms = epoch, make(map[string]*fakeRoom)
	s.changeLocked()
}

// log returns the texts of a room's events.
func (s *fakeServer) log(room string) (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.roomLocked(room).events {
		texts = append(texts, e.GetMessage().GetText())
	}
	return texts
}

func (s *fakeServer) Send(_ context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	return s.send(request)
}

func (s *fakeServer) send(request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	e, duplicate := s.store(request)
	if s.lost != nil && s.lost(request.GetId()) {
		return nil, unavailable()
	}
	return &chatv1.SendResponse{Epoch: s.epoch, Sequence: e.GetSequence(), Duplicate: duplicate}, nil
}

func (s *fakeServer) SignIn(_ context.Context, request *chatv1.SignInRequest) (*chatv1.SignInResponse, error) {
	return &chatv1.SignInResponse{Token: "T", Member: &chatv1.Member{Id: "m", Name: request.GetName()}}, nil
}

// forgetIDs forgets the ids of sends, as the service does after a while.
func (s *fakeServer) forgetIDs() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		clear(r.ids)
	}
}

func (s *fakeServer) ListEvents(_ context.Context, request *chatv1.ListEventsRequest) (*chatv1.ListEventsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.roomLocked(request.GetRoom()).events
	response := &chatv1.ListEventsResponse{Epoch: s.epoch, Next: &chatv1.Cursor{Epoch: s.epoch}}
	limit := int(request.GetLimit())
	if after := request.GetAfter(); after != nil {
		events = slices.DeleteFunc(slices.Clone(events), func(e *chatv1.Event) bool { return e.GetSequence() <= after.GetSequence() })
		response.More = len(events) > limit
		events = events[:min(limit, len(events))]
	} else {
		if before := request.GetBefore(); before != nil {
			events = slices.DeleteFunc(slices.Clone(events), func(e *chatv1.Event) bool { return e.GetSequence() >= before.GetSequence() })
		}
		response.More = len(events) > limit
		events = events[max(0, len(events)-limit):]
	}
	if response.Events = events; len(events) > 0 {
		response.Next.Sequence = events[len(events)-1].GetSequence()
	}
	return response, nil
}

func (s *fakeServer) Subscribe(ctx context.Context, request *chatv1.SubscribeRequest, to *connect.ServerStream[chatv1.SubscribeResponse]) error {
	st := s.newStream(func(f *chatv1.Frame) error { return to.Send(&chatv1.SubscribeResponse{Frame: f}) })
	if err := st.join(request.GetRooms()...); err != nil {
		return err
	}
	return st.run(ctx, nil)
}

func (s *fakeServer) Chat(ctx context.Context, bidi *connect.BidiStream[chatv1.ChatRequest, chatv1.ChatResponse]) error {
	first, err := bidi.Receive()
	if err != nil {
		return err
	}
	st := s.newStream(func(f *chatv1.Frame) error { return bidi.Send(&chatv1.ChatResponse{Frame: f}) })
	if err := st.join(first.GetJoin()); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	requests := make(chan *chatv1.ChatRequest)
	go func() { // until the handler returns
		defer cancel()
		for {
			request, err := bidi.Receive()
			if err != nil {
				return
			}
			select {
			case requests <- request:
			case <-ctx.Done():
				return
			}
		}
	}()
	return st.run(ctx, requests)
}

// fakeStream is a stream of a fakeServer.
type fakeStream struct {
	server    *fakeServer
	send      func(*chatv1.Frame) error
	epoch     string // of the server when the stream began: it ends with it
	positions map[string]uint64
	drained   bool
}

func (s *fakeServer) newStream(send func(*chatv1.Frame) error) *fakeStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streams++
	return &fakeStream{server: s, send: send, epoch: s.epoch, positions: make(map[string]uint64)}
}

func (s *fakeServer) count(streams int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open += streams
}

var errEndOfStream = errors.New("the stream ends without an error")

// join joins rooms and sends what comes first.
func (st *fakeStream) join(rooms ...*chatv1.Subscription) error {
	s := st.server
	j := &chatv1.Joined{Member: &chatv1.Member{Id: "m", Name: "gopher"}, HeartbeatInterval: durationpb.New(s.heartbeat)}
	frames := []*chatv1.Frame{{Kind: &chatv1.Frame_Joined{Joined: j}}}
	s.mu.Lock()
	for _, room := range rooms {
		name := room.GetRoom()
		if s.refused[name] {
			tells := s.tells
			s.mu.Unlock()
			if !tells {
				return connect.NewError(connect.CodePermissionDenied, errors.New("no"))
			}
			return withInfo(connect.CodePermissionDenied, "RIGHT_REQUIRED", map[string]string{"room": name, "right": "read"})
		}
		r := s.roomLocked(name)
		j.Rooms = append(j.Rooms, &chatv1.RoomState{Room: name, Epoch: s.epoch, Head: r.sequence})
		st.positions[name] = r.sequence
		switch start := room.GetStart().(type) {
		case *chatv1.Subscription_After:
			if after := start.After; after.GetEpoch() != s.epoch || after.GetSequence() < r.forgot || after.GetSequence() > r.sequence {
				frames = append(frames, &chatv1.Frame{Kind: &chatv1.Frame_Reset_{Reset_: &chatv1.Reset{Room: name, Epoch: s.epoch, Head: r.sequence}}})
			} else {
				st.positions[name] = after.GetSequence()
			}
		case *chatv1.Subscription_Recent:
			st.positions[name] = 0
			if n := len(r.events) - int(start.Recent); n > 0 {
				st.positions[name] = r.events[n-1].GetSequence()
			}
		}
	}
	s.mu.Unlock()
	for _, f := range frames {
		if err := st.send(f); err != nil {
			return err
		}
	}
	return nil
}

// run sends events until the stream ends or a fault ends it.
func (st *fakeStream) run(ctx context.Context, requests <-chan *chatv1.ChatRequest) error {
	s := st.server
	s.count(1)
	defer s.count(-1)
	quiet := time.NewTicker(s.heartbeat)
	defer quiet.Stop()
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if err := st.deliver(ctx); err != nil {
			if errors.Is(err, errEndOfStream) {
				return nil
			}
			return err
		}
		select {
		case <-changed:
		case <-quiet.C:
			if err := st.send(heartbeat()); err != nil {
				return err
			}
		case request := <-requests:
			if err := st.do(request); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// deliver sends what the rooms have.
func (st *fakeStream) deliver(ctx context.Context) error {
	s := st.server
	for name := range st.positions {
		for {
			s.mu.Lock()
			r := s.roomLocked(name)
			i := slices.IndexFunc(r.events, func(e *chatv1.Event) bool { return e.GetSequence() > st.positions[name] })
			var e *chatv1.Event
			if i >= 0 {
				e = proto.CloneOf(r.events[i])
			}
			lost := s.epoch != st.epoch
			s.mu.Unlock()
			if lost {
				return unavailable()
			}
			if e == nil {
				break
			}
			if err := st.deliverEvent(ctx, e); err != nil {
				return err
			}
		}
	}
	return nil
}

func (st *fakeStream) deliverEvent(ctx context.Context, e *chatv1.Event) error {
	fault := pass
	if st.server.next != nil {
		fault = st.server.next()
	}
	frame := &chatv1.Frame{Kind: &chatv1.Frame_Event{Event: e}}
	st.positions[e.GetRoom()] = e.GetSequence()
	switch fault {
	case endStream:
		return errEndOfStream
	case breakStream:
		return unavailable()
	case silence:
		return untilCanceled(ctx)
	case omitEvent:
		return nil
	case repeatEvents:
		return errors.Join(st.send(frame), st.send(frame))
	case drainSoon:
		if !st.drained {
			st.drained = true
			return errors.Join(st.send(draining(300*time.Millisecond)), st.send(frame))
		}
	case unknownFrame:
		return errors.Join(st.send(&chatv1.Frame{}), st.send(frame))
	}
	return st.send(frame)
}

// do carries out a request on Chat.
func (st *fakeStream) do(request *chatv1.ChatRequest) error {
	switch action := request.GetAction().(type) {
	case *chatv1.ChatRequest_Join:
		if err := st.join(action.Join); connect.CodeOf(err) == connect.CodePermissionDenied {
			return st.send(rejected(&chatv1.SendRequest{Room: action.Join.GetRoom()}, err))
		} else if err != nil {
			return err
		}
	case *chatv1.ChatRequest_Leave:
		delete(st.positions, action.Leave.GetRoom())
	case *chatv1.ChatRequest_Send:
		response, err := st.server.send(action.Send)
		if err != nil {
			return err // with the answer
		}
		return st.send(&chatv1.Frame{Kind: &chatv1.Frame_Accepted{Accepted: &chatv1.Accepted{
			Id: action.Send.GetId(), Room: action.Send.GetRoom(), Epoch: response.GetEpoch(), Sequence: response.GetSequence(), Duplicate: response.GetDuplicate(),
		}}})
	}
	return nil
}
