package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/service"
)

func custom(room, id string, c *chatv1.Custom) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Custom{Custom: c}}
}

// binaryDoors are those whose clients need not know an application's types.
func binaryDoors() []door {
	var binary []door
	for _, d := range lifeDoors {
		if !strings.Contains(d.name, "JSON") {
			binary = append(binary, d)
		}
	}
	return binary
}

// What is not an event of the application's is refused through every door, and
// named down to the field of the payload.
func TestLifeCustomRefused(t *testing.T) {
	t.Parallel()
	s, r := serve(t, func(c *service.Config) { c.Schema = gameSchema }), readRules(t)
	good := r.pack(t, "rook", square{1, 2})
	unknown := &anypb.Any{TypeUrl: "type.googleapis.com/game.v1.Cheat", Value: good.GetValue()}
	for i, d := range binaryDoors() {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				t.Parallel()
				ctx := bounded(t)
				n := s.settle(ctx, t, d, m, fmt.Sprintf("refused-%d-%d", i, m))
				before := n.says(t, n.ada, &chatv1.Message{Text: "before"})
				for name, c := range map[string]struct {
					custom *chatv1.Custom
					field  string
					bound  string
				}{
					"off the board":       {&chatv1.Custom{Payload: r.pack(t, "rook", square{8, 0})}, "custom.payload.x", "7"},
					"no piece":            {&chatv1.Custom{Payload: r.pack(t, "", square{})}, "custom.payload.piece", "[a-z]{1,16}"},
					"an unknown type":     {&chatv1.Custom{Payload: unknown}, "custom.payload", "game.v1.Move"},
					"no type":             {&chatv1.Custom{Payload: &anypb.Any{Value: good.GetValue()}}, "custom.payload", "type URL"},
					"garbage":             {&chatv1.Custom{Payload: &anypb.Any{TypeUrl: good.GetTypeUrl(), Value: []byte{0xff}}}, "custom.payload", "binary form"},
					"no payload":          {&chatv1.Custom{}, "custom.payload", "required"},
					"a durable one's key": {&chatv1.Custom{Payload: good, Key: "position"}, "custom.key", "must be empty"},
					"a key of 65 bytes":   {&chatv1.Custom{Payload: good, Ephemeral: true, Key: strings.Repeat("k", 65)}, "custom.key", "64"},
					"over 16 KiB":         {&chatv1.Custom{Payload: oversized(good)}, "custom.payload", "at most 16384 bytes"},
				} {
					for _, ephemeral := range []bool{false, true} {
						if c.field == "custom.key" && ephemeral != c.custom.GetEphemeral() {
							continue
						}
						sent := proto.CloneOf(c.custom)
						sent.Ephemeral = ephemeral
						_, refused := n.ada.try(custom(n.room, n.id(), sent))
						t.Run(fmt.Sprintf("%s, ephemeral %t", name, ephemeral), func(t *testing.T) {
							refused.check(t, badinputInvalid(c.field, c.bound))
						})
					}
				}
				anonymous := s.moveAs(ctx, t, d, m, "", &chatv1.Subscription{Room: n.room})
				_, refused := anonymous.try(custom(n.room, "anonymous", &chatv1.Custom{Payload: good, Ephemeral: true, Key: "position"}))
				refused.check(t, badinputWant{code: connect.CodeUnauthenticated, info: "TOKEN_REQUIRED", bound: "sign in"})

				after := n.says(t, n.ada, &chatv1.Message{Text: "after"})
				if e := n.ben.hears(t, after); e.GetPrevious() != before {
					t.Errorf("after what was refused %v, want it to follow %d", e, before)
				}
				for _, e := range n.ben.heard {
					if e.GetCustom() != nil {
						t.Errorf("what was refused was told: %v", e)
					}
				}
			})
		}
	}
}

// oversized pads a payload with a field that its type does not know.
func oversized(payload *anypb.Any) *anypb.Any {
	padding := append(binary.AppendUvarint([]byte{0xfa, 0x01}, 16<<10), make([]byte, 16<<10)...)
	return &anypb.Any{TypeUrl: payload.GetTypeUrl(), Value: append(bytes.Clone(payload.GetValue()), padding...)}
}

// Events of an application's kind come as they were sent, kept or not as the sender
// says.
func TestLifeCustom(t *testing.T) {
	t.Parallel()
	s, r := serve(t, func(c *service.Config) { c.Schema = gameSchema }), readRules(t)
	for i, d := range binaryDoors() {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				t.Parallel()
				ctx := bounded(t)
				n := s.settle(ctx, t, d, m, fmt.Sprintf("custom-%d-%d", i, m))
				kept := &chatv1.Custom{Payload: r.pack(t, "king", square{4, 0})}
				passing := &chatv1.Custom{Payload: r.pack(t, "rook", square{1, 2}), Ephemeral: true, Key: "position"}
				sequence := n.does(t, n.ada, custom(n.room, "kept", kept))
				if response := n.ada.do(t, custom(n.room, "passing", passing)); response.GetSequence() != 0 || response.GetDuplicate() || response.GetTime() == nil {
					t.Errorf("an ephemeral event was answered %v, want a time alone", response)
				}
				e := n.ben.hears(t, sequence)
				if !proto.Equal(e.GetCustom(), kept) {
					t.Errorf("told of %v, want %v", e, kept)
				}
				e = n.ben.until(t, 0, func(e *chatv1.Event) bool { return e.GetId() == "passing" })
				if !proto.Equal(e.GetCustom(), passing) || e.GetSequence() != 0 || !proto.Equal(e.GetSender(), n.ada.member) {
					t.Errorf("told of %v, want %v without a sequence", e, passing)
				}
				page, err := n.ben.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.room})
				must(t, err)
				if events := page.GetEvents(); len(events) != 1 || !proto.Equal(events[0].GetCustom(), kept) {
					t.Errorf("history = %v, want %v alone", events, kept)
				}
			})
		}
	}
}

// To curl, a payload is JSON like everything else, whoever sent it, and so is what
// is wrong with one. What the server does not know any more is left out there, and
// only there.
func TestLifeCustomJSON(t *testing.T) {
	t.Parallel()
	ctx, data := bounded(t), t.TempDir()
	s, r := serve(t, inDir(data), func(c *service.Config) { c.Schema = gameSchema }), readRules(t)
	token, _ := s.enter(t, "gopher")
	c := newCurl(t, s, token)
	next := c.envelopes(t, `{"rooms":[{"room":"arena"}]}`)
	player := s.move(ctx, t, doors[7], byChat, "player", &chatv1.Subscription{Room: gameRoom})

	const move = `{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":7}`
	c.posts(ctx, t, "Send", `{"room":"arena","id":"1","custom":{"payload":`+move+`}}`, `{"epoch":"…","sequence":"…","time":"…"}`)
	want := r.pack(t, "queen", square{3, 7})
	e := player.until(t, 0, func(e *chatv1.Event) bool { return e.GetId() == "1" })
	if got, err := r.unpack(e.GetCustom().GetPayload()); err != nil || got != (square{3, 7}) || e.GetCustom().GetPayload().GetTypeUrl() != want.GetTypeUrl() {
		t.Errorf("a move by curl came as %v, want %v", e.GetCustom(), want)
	}
	player.do(t, custom(gameRoom, "2", &chatv1.Custom{Payload: want, Ephemeral: true, Key: "position"}))
	shown := `{"frame":{"event":{"room":"arena","sequence":"…","time":"…","id":"1","sender":{"id":"…","name":"gopher","guest":true},"custom":{"payload":` + move + `}}}}`
	next(t, `"id":"1"`, shown)
	next(t, `"id":"2"`, `{"frame":{"event":{"room":"arena","time":"…","id":"2","sender":{"id":"…","name":"player","guest":true},"custom":{"payload":`+move+`,"ephemeral":true,"key":"position"}}}}`)

	c.posts(ctx, t, "Send", `{"room":"arena","id":"3","custom":{"payload":`+strings.Replace(move, "7", "8", 1)+`}}`,
		`{"code":"invalid_argument","message":"custom.payload.y: …","details":["…"]}`)
	c.posts(ctx, t, "Send", `{"room":"arena","id":"3","custom":{"payload":{"@type":"type.googleapis.com/game.v1.Cheat"}}}`,
		`{"code":"invalid_argument","message":"custom.payload: …","details":["…"]}`)
	history := `{"epoch":"…","events":[{"room":"arena","sequence":"…","time":"…","id":"1","sender":"…","custom":{"payload":` + move + `}}],"next":"…"}`
	c.posts(ctx, t, "ListEvents", `{"room":"arena"}`, history)

	s.Stop(t)
	s = serve(t, inDir(data))
	c.s = s
	c.posts(ctx, t, "ListEvents", `{"room":"arena"}`, strings.Replace(history, `{"payload":`+move+`}`, `{}`, 1))
	page, err := grpcDoor(t, s, "").(resident).ListEvents(ctx, &chatv1.ListEventsRequest{Room: gameRoom})
	must(t, err)
	if len(page.GetEvents()) != 1 || !proto.Equal(page.GetEvents()[0].GetCustom(), e.GetCustom()) {
		t.Errorf("without the schema, history = %v, want %v", page.GetEvents(), e)
	}
	c.posts(ctx, t, "Send", `{"room":"arena","id":"4","custom":{"payload":`+move+`}}`,
		`{"code":"invalid_argument","message":"custom.payload: …","details":["…"]}`)
}

// posts makes a call, and compares the answer with what it should be: see
// example.printed.
func (c curl) posts(ctx context.Context, t *testing.T, method, body, want string) {
	t.Helper()
	out, err := c.command(ctx, c.method(method), "-H", "Content-Type: application/json", "-d", body).Output()
	must(t, err)
	if !(example{language: "json", output: want}).printed(string(out)) {
		t.Errorf("%s of %s was answered\n%s\nwant\n%s", method, body, out, want)
	}
}

// envelopes subscribes, and returns a function that looks for the next envelope with
// a text in it, and compares it with what it should be.
func (c curl) envelopes(t *testing.T, request string) func(t *testing.T, with, want string) {
	t.Helper()
	ctx, hangUp := context.WithCancel(context.Background())
	command := c.command(ctx, c.method("Subscribe"), "-H", "Content-Type: application/connect+json", "--data-binary", "@-")
	command.Stdin = bytes.NewReader(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(request))), request...))
	stdout, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	t.Cleanup(func() {
		hangUp()
		_ = command.Wait()
	})
	next := func(t *testing.T, with, want string) {
		t.Helper()
		for {
			envelope, err := readEnvelope(stdout)
			must(t, err)
			var compact bytes.Buffer
			must(t, json.Compact(&compact, envelope))
			if !strings.Contains(compact.String(), with) {
				continue
			}
			if !(example{language: "json", output: want}).printed(string(envelope)) {
				t.Errorf("curl received\n%s\nwant\n%s", envelope, want)
			}
			return
		}
	}
	next(t, "caughtUp", `{"frame":"…"}`)
	return next
}

// readEnvelope reads the JSON in an envelope of Connect's streams.
func readEnvelope(r io.Reader) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	body := make([]byte, binary.BigEndian.Uint32(head[1:]))
	_, err := io.ReadFull(r, body)
	return body, err
}
