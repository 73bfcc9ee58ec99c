package customevents

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// The game is an application with a room of its own: its players chat there, and their
// moves are custom events of a type that the service knows from the game's descriptor
// set alone.
const (
	gameRoom         = "arena"
	gamePlayers      = 50
	gameMoves        = 60 // of each player
	gameMoveInterval = 50 * time.Millisecond
	gameMovesPerText = 20 // moves between two texts of a player
)

// nthSquare is where a piece is after n moves: on another square each time.
func nthSquare(n int) harness.Square { return harness.Square{X: int32(n % 8), Y: int32(n / 8 % 8)} }

// moving returns a request to move. The event is ephemeral, since nothing needs old
// moves, and keyed, since only the newest square of a piece counts.
func moving(id string, payload *anypb.Any) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: gameRoom, Id: id, Body: &chatv1.SendRequest_Custom{
		Custom: &chatv1.Custom{Payload: payload, Ephemeral: true, Key: "position"},
	}}
}

// gameView is what one subscriber of the room has received.
type gameView struct {
	rules  *harness.GameRules
	chat   []string                  // texts, in order
	pieces map[string]harness.Square // by member
	moves  int                       // how many came
	done   chan struct{}             // closed once all texts are there, and all pieces are on their last squares
	err    error                     // why that did not come; set before done is closed
}

func newGameView(r *harness.GameRules) *gameView {
	return &gameView{rules: r, pieces: make(map[string]harness.Square), done: make(chan struct{})}
}

// receiveAll applies events until there is nothing more to come.
func (s *gameView) receiveAll(receive harness.Frames) {
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
		if s.err = s.apply(frame.GetEvent()); s.err != nil {
			return
		}
	}
}

func (s *gameView) apply(e *chatv1.Event) error {
	switch {
	case e.GetMessage() != nil:
		s.chat = append(s.chat, e.GetMessage().GetText())
	case e.GetCustom() != nil:
		to, err := s.rules.Unpack(e.GetCustom().GetPayload())
		if err != nil {
			return err
		}
		s.moves++
		s.pieces[e.GetSender().GetId()] = to
	}
	return nil
}

func (s *gameView) complete() bool {
	if len(s.chat) < gamePlayers*gameMoves/gameMovesPerText || len(s.pieces) < gamePlayers {
		return false
	}
	for _, at := range s.pieces {
		if at != nthSquare(gameMoves-1) {
			return false
		}
	}
	return true
}

// player is a member with a piece, on a Chat stream.
type player struct {
	*gameView
	name   string
	stream *harness.ChatStream
	err    error // of playing
}

func seat(ctx context.Context, t *testing.T, s *harness.Service, d harness.Protocol, r *harness.GameRules, name string) *player {
	t.Helper()
	token, _ := s.SignIn(t, name)
	stream, err := d.Open(t, s, token).Chat(ctx)
	harness.Must(t, err)
	harness.Must(t, stream.Send(harness.JoinAction(&chatv1.Subscription{Room: gameRoom})))
	stream.Receive.Joined(t)
	return &player{gameView: newGameView(r), name: name, stream: stream}
}

// play moves the piece, and sends a text every gameMovesPerText moves.
func (p *player) play(moves []*anypb.Any) {
	tick := time.NewTicker(gameMoveInterval)
	defer tick.Stop()
	for i, payload := range moves {
		<-tick.C
		p.err = p.stream.Send(harness.SendAction(moving(fmt.Sprint("move ", i), payload)))
		if i%gameMovesPerText == 0 {
			p.err = errors.Join(p.err, p.stream.Send(harness.SendAction(harness.TextRequest(gameRoom, fmt.Sprintf("%s at move %d", p.name, i)))))
		}
		if p.err != nil {
			return
		}
	}
}

// Fifty players move twenty times a second each, and chat. Each receives all texts in
// one order, and the last square of every piece. A subscriber that does not read for a
// while, or that joins later, does not receive the moves that newer ones have replaced.
func TestGameOfFiftyPlayers(t *testing.T) {
	t.Parallel()
	s, r := harness.Start(t, func(c *service.Config) { c.Schema = harness.GameSchema }), harness.ReadGameRules(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var moves []*anypb.Any
	for i := range gameMoves {
		moves = append(moves, r.Pack(t, "rook", nthSquare(i)))
	}
	bidi := slices.DeleteFunc(binaryProtocols(), func(p harness.Protocol) bool { return !p.Bidi })
	var players []*player
	for i := range gamePlayers {
		players = append(players, seat(ctx, t, s, bidi[i%len(bidi)], r, fmt.Sprintf("player %d", i)))
	}
	idle, idleReceives := newGameView(r), subscribeWithSmallWindow(ctx, t, s)

	var watching, playing sync.WaitGroup
	defer watching.Wait()
	for _, p := range players {
		watching.Go(func() { p.receiveAll(p.stream.Receive) })
		playing.Go(func() { p.play(moves) })
	}
	playing.Wait()
	for _, p := range players {
		<-p.done
		if err := errors.Join(p.err, p.gameView.err); err != nil {
			t.Errorf("%s: %v; it has %d lines of chat and %d pieces", p.name, err, len(p.chat), len(p.pieces))
		}
		p.checkSame(t, p.name, players[0].gameView)
	}
	players[0].checkTexts(t, players)
	idle.receiveAll(idleReceives)
	idle.checkSame(t, "who did not read", players[0].gameView)
	if most := gamePlayers * gameMoves / 3; idle.err != nil || idle.moves > most {
		t.Errorf("who did not read got %d of %d moves, want at most %d: %v", idle.moves, gamePlayers*gameMoves, most, idle.err)
	}
	t.Logf("of %d moves the first player got %d, and who did not read %d", gamePlayers*gameMoves, players[0].moves, idle.moves)
	checkLatecomer(ctx, t, s, r, players[0].gameView)
}

// subscribeWithSmallWindow subscribes with a small window that does not grow: once it is full, the
// server can't send more.
func subscribeWithSmallWindow(ctx context.Context, t *testing.T, s *harness.Service) harness.Frames {
	t.Helper()
	const window = 64 << 10
	conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window))
	harness.Must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	receive, err := harness.GRPCClient{ClientConn: conn, Token: ""}.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: gameRoom}))
	harness.Must(t, err)
	receive.Joined(t)
	return receive
}

// checkSame fails the test unless the chat is another's, and the pieces are where they
// are there.
func (s *gameView) checkSame(t *testing.T, who string, other *gameView) {
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

// checkTexts fails the test unless the view has each text once, and each player's texts
// in their order.
func (s *gameView) checkTexts(t *testing.T, players []*player) {
	t.Helper()
	for _, p := range players {
		var lines []string
		for i := 0; i < gameMoves; i += gameMovesPerText {
			lines = append(lines, fmt.Sprintf("%s at move %d", p.name, i))
		}
		heard := slices.DeleteFunc(slices.Clone(s.chat), func(line string) bool { return !slices.Contains(lines, line) })
		if !slices.Equal(heard, lines) {
			t.Errorf("%s sent %q, of which %q were received", p.name, lines, heard)
		}
	}
}

// checkLatecomer subscribes after the last move, and receives every piece at once.
func checkLatecomer(ctx context.Context, t *testing.T, s *harness.Service, r *harness.GameRules, want *gameView) {
	t.Helper()
	receive, err := harness.ConnectOver(harness.HTTP1Client)(t, s, "").Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{
		Room: gameRoom, Start: &chatv1.Subscription_Recent{Recent: 1000},
	}))
	harness.Must(t, err)
	late := newGameView(r)
	late.receiveAll(receive)
	late.checkSame(t, "who came later", want)
	if late.err != nil || late.moves != gamePlayers {
		t.Errorf("who came later got %d moves, want %d, one for each piece: %v", late.moves, gamePlayers, late.err)
	}
}

// A subscriber that is behind by less than the server's window does not receive the
// moves that newer ones have replaced, either.
func TestKeyedEventsInABacklogAreReplaced(t *testing.T) {
	t.Parallel()
	const moves = 900
	s, r := harness.Start(t, func(c *service.Config) { c.Schema = harness.GameSchema }), harness.ReadGameRules(t)
	ctx := harness.Context(t)
	receive := subscribeWithSmallWindow(ctx, t, s)
	player := s.Join(ctx, t, harness.GRPCGo, harness.ViaSend, strings.Repeat("n", 40), &chatv1.Subscription{Room: "elsewhere"})
	for i := range moves {
		id := fmt.Sprintf("%064d", i) // so that the window is soon full
		player.MustSend(t, moving(id, r.Pack(t, "rook", nthSquare(i))))
	}
	player.MustSend(t, harness.TextRequest(gameRoom, "the end"))
	got := newGameView(r)
	for len(got.chat) == 0 || got.pieces[player.Member.GetId()] != nthSquare(moves-1) {
		frame, err := receive()
		harness.Must(t, err)
		harness.Must(t, got.apply(frame.GetEvent()))
	}
	if got.moves > moves/2 {
		t.Errorf("who did not read got %d of %d moves, want at most %d", got.moves, moves, moves/2)
	}
	t.Logf("who did not read got %d of %d moves", got.moves, moves)
}
