package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/service"
)

// The game is an application that has a room of its own: its players chat there,
// and what they do on the board are events of a kind that the service learns from
// the game's descriptor set alone. There is no RPC for it, and no other stream.
const (
	gameSchema  = "internal/schema/testdata/app.binpb" // internal/schema/testdata/game is its source
	gameRoom    = "arena"
	gamePlayers = 50
	gameMoves   = 60 // of each player
	gameEvery   = 50 * time.Millisecond
	gameChat    = 20 // a player says something once in so many moves
)

// rules is what the game knows of its own types. A real one has them compiled in:
// here they are not, so that the server, which is in the same process, can't.
type rules struct {
	move protoreflect.MessageDescriptor
}

func readRules(t *testing.T) *rules {
	t.Helper()
	data, err := os.ReadFile(gameSchema)
	must(t, err)
	set := new(descriptorpb.FileDescriptorSet)
	must(t, proto.Unmarshal(data, set))
	files, err := protodesc.NewFiles(set)
	must(t, err)
	found, err := files.FindDescriptorByName("game.v1.Move")
	must(t, err)
	return &rules{found.(protoreflect.MessageDescriptor)}
}

// square is where a piece is.
type square struct{ x, y int32 }

// nth is where a piece is after n moves: on another square each time.
func nth(n int) square { return square{int32(n % 8), int32(n / 8 % 8)} }

// pack makes the payload of a move.
func (r *rules) pack(t *testing.T, piece string, to square) *anypb.Any {
	t.Helper()
	m := dynamicpb.NewMessage(r.move)
	fields := r.move.Fields()
	m.Set(fields.ByName("piece"), protoreflect.ValueOfString(piece))
	m.Set(fields.ByName("x"), protoreflect.ValueOfInt32(to.x))
	m.Set(fields.ByName("y"), protoreflect.ValueOfInt32(to.y))
	payload, err := anypb.New(m)
	must(t, err)
	return payload
}

func (r *rules) unpack(payload *anypb.Any) (square, error) {
	m := dynamicpb.NewMessage(r.move)
	if err := payload.UnmarshalTo(m); err != nil {
		return square{}, err
	}
	fields := r.move.Fields()
	return square{int32(m.Get(fields.ByName("x")).Int()), int32(m.Get(fields.ByName("y")).Int())}, nil
}

// moving makes a request to move: ephemeral, since nobody wants to see the game
// again, and under a key, since of a piece only the newest square counts.
func moving(id string, payload *anypb.Any) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: gameRoom, Id: id, Body: &chatv1.SendRequest_Custom{
		Custom: &chatv1.Custom{Payload: payload, Ephemeral: true, Key: "position"},
	}}
}

// screen is what somebody in the room has seen.
type screen struct {
	rules  *rules
	chat   []string          // what was said, in order
	pieces map[string]square // by member
	moves  int               // how many came
	done   chan struct{}     // closed once all was said, and all pieces are where they end
	err    error             // why that did not come; set before done is closed
}

func (r *rules) newScreen() *screen {
	return &screen{rules: r, pieces: make(map[string]square), done: make(chan struct{})}
}

// watch shows events until there is nothing more to come.
func (s *screen) watch(receive frames) {
	defer close(s.done)
	for !s.complete() {
		frame, err := receive()
		if err != nil {
			s.err = err
			return
		}
		if rejected := frame.GetRejected(); rejected != nil {
			s.err = fmt.Errorf("rejected: %v", rejected)
			return
		}
		if s.err = s.show(frame.GetEvent()); s.err != nil {
			return
		}
	}
}

func (s *screen) show(e *chatv1.Event) error {
	switch {
	case e.GetMessage() != nil:
		s.chat = append(s.chat, e.GetMessage().GetText())
	case e.GetCustom() != nil:
		to, err := s.rules.unpack(e.GetCustom().GetPayload())
		if err != nil {
			return err
		}
		s.moves++
		s.pieces[e.GetSender().GetId()] = to
	}
	return nil
}

func (s *screen) complete() bool {
	if len(s.chat) < gamePlayers*gameMoves/gameChat || len(s.pieces) < gamePlayers {
		return false
	}
	for _, at := range s.pieces {
		if at != nth(gameMoves-1) {
			return false
		}
	}
	return true
}

// player is somebody with a piece, on a Chat stream.
type player struct {
	*screen
	name   string
	stream *chatStream
	err    error // of playing
}

func (s *testService) seat(ctx context.Context, t *testing.T, d door, r *rules, name string) *player {
	t.Helper()
	token, _ := s.enter(t, name)
	stream, err := d.open(t, s, token).chat(ctx)
	must(t, err)
	must(t, stream.send(joinRequest(&chatv1.Subscription{Room: gameRoom})))
	stream.receive.joined(t)
	return &player{screen: r.newScreen(), name: name, stream: stream}
}

// play moves the piece, and says something now and then.
func (p *player) play(moves []*anypb.Any) {
	tick := time.NewTicker(gameEvery)
	defer tick.Stop()
	for i, payload := range moves {
		<-tick.C
		p.err = p.stream.send(sendRequest(moving(fmt.Sprint("move ", i), payload)))
		if i%gameChat == 0 {
			p.err = errors.Join(p.err, p.stream.send(sendRequest(saying(gameRoom, fmt.Sprintf("%s at move %d", p.name, i)))))
		}
		if p.err != nil {
			return
		}
	}
}

// Fifty players move twenty times a second each, next to their chat. Everybody has
// all of the chat in one order, and in the end every piece where it is; who does not
// read for a while, and who comes later, is spared the moves between.
func TestGame(t *testing.T) {
	t.Parallel()
	s, r := serve(t, func(c *service.Config) { c.Schema = gameSchema }), readRules(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var moves []*anypb.Any
	for i := range gameMoves {
		moves = append(moves, r.pack(t, "rook", nth(i)))
	}
	bidi := slices.DeleteFunc(slices.Clone(doors), func(d door) bool {
		return !d.bidi || d.name == "Connect JSON over HTTP/2" // its client would need the types
	})
	var players []*player
	for i := range gamePlayers {
		players = append(players, s.seat(ctx, t, bidi[i%len(bidi)], r, fmt.Sprintf("player %d", i)))
	}
	idle, idleReceives := r.newScreen(), s.narrow(ctx, t)

	var watching, playing sync.WaitGroup
	defer watching.Wait()
	for _, p := range players {
		watching.Go(func() { p.watch(p.stream.receive) })
		playing.Go(func() { p.play(moves) })
	}
	playing.Wait()
	for _, p := range players {
		<-p.done
		if err := errors.Join(p.err, p.screen.err); err != nil {
			t.Errorf("%s: %v; it has %d lines of chat and %d pieces", p.name, err, len(p.chat), len(p.pieces))
		}
		p.agrees(t, p.name, players[0].screen)
	}
	players[0].saidOnce(t, players)
	idle.watch(idleReceives)
	idle.agrees(t, "who did not read", players[0].screen)
	if most := gamePlayers * gameMoves / 3; idle.err != nil || idle.moves > most {
		t.Errorf("who did not read got %d of %d moves, want at most %d: %v", idle.moves, gamePlayers*gameMoves, most, idle.err)
	}
	t.Logf("of %d moves the first player got %d, and who did not read %d", gamePlayers*gameMoves, players[0].moves, idle.moves)
	testLatecomer(ctx, t, s, r, players[0].screen)
}

// narrow subscribes with a small window that does not grow: once it is full, the
// server can't send more.
func (s *testService) narrow(ctx context.Context, t *testing.T) frames {
	t.Helper()
	const window = 64 << 10
	conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window))
	must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	receive, err := grpcVisitor{conn, ""}.subscribe(ctx, only(&chatv1.Subscription{Room: gameRoom}))
	must(t, err)
	receive.joined(t)
	return receive
}

// agrees fails the test unless the chat is another's, and the pieces are where they
// are there.
func (s *screen) agrees(t *testing.T, who string, other *screen) {
	t.Helper()
	if !slices.Equal(s.chat, other.chat) {
		t.Errorf("%s has the chat %q, want %q", who, s.chat, other.chat)
	}
	for id, at := range other.pieces {
		if s.pieces[id] != at {
			t.Errorf("%s has %s at %v, want %v", who, id, s.pieces[id], at)
		}
	}
}

// saidOnce fails the test unless the chat is what was said, each line once, and each
// player's lines in their order.
func (s *screen) saidOnce(t *testing.T, players []*player) {
	t.Helper()
	for _, p := range players {
		var lines []string
		for i := 0; i < gameMoves; i += gameChat {
			lines = append(lines, fmt.Sprintf("%s at move %d", p.name, i))
		}
		heard := slices.DeleteFunc(slices.Clone(s.chat), func(line string) bool { return !slices.Contains(lines, line) })
		if !slices.Equal(heard, lines) {
			t.Errorf("%s said %q, and was heard to say %q", p.name, lines, heard)
		}
	}
}

// testLatecomer joins when nobody moves any more, and has every piece at once.
func testLatecomer(ctx context.Context, t *testing.T, s *testService, r *rules, want *screen) {
	t.Helper()
	receive, err := connectDoor(http1Client)(t, s, "").subscribe(ctx, only(&chatv1.Subscription{
		Room: gameRoom, Start: &chatv1.Subscription_Recent{Recent: 1000},
	}))
	must(t, err)
	late := r.newScreen()
	late.watch(receive)
	late.agrees(t, "who came later", want)
	if late.err != nil || late.moves != gamePlayers {
		t.Errorf("who came later got %d moves, want %d, one for each piece: %v", late.moves, gamePlayers, late.err)
	}
}

// Also who is behind by less than what the server holds ready is spared the moves
// that newer ones have replaced.
func TestGameBacklog(t *testing.T) {
	t.Parallel()
	const moves = 900
	s, r := serve(t, func(c *service.Config) { c.Schema = gameSchema }), readRules(t)
	ctx := bounded(t)
	receive := s.narrow(ctx, t)
	player := s.move(ctx, t, doors[7], bySend, strings.Repeat("n", 40), &chatv1.Subscription{Room: "elsewhere"})
	for i := range moves {
		id := fmt.Sprintf("%064d", i) // so that the window is soon full
		player.do(t, moving(id, r.pack(t, "rook", nth(i))))
	}
	player.do(t, saying(gameRoom, "the end"))
	got := r.newScreen()
	for len(got.chat) == 0 || got.pieces[player.member.GetId()] != nth(moves-1) {
		frame, err := receive()
		must(t, err)
		must(t, got.show(frame.GetEvent()))
	}
	if got.moves > moves/2 {
		t.Errorf("who did not read got %d of %d moves, want at most %d", got.moves, moves, moves/2)
	}
	t.Logf("who did not read got %d of %d moves", got.moves, moves)
}
