package customevents

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
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// binaryProtocols are those whose clients need not know an application's types.
func binaryProtocols() []harness.Protocol {
	var binary []harness.Protocol
	for _, d := range harness.Protocols {
		if !strings.Contains(d.Name, "JSON") {
			binary = append(binary, d)
		}
	}
	return binary
}

// A custom event that the schema does not allow is refused on every protocol, with the
// path of the invalid field in the payload.
func TestInvalidCustomEventsAreRefused(t *testing.T) {
	t.Parallel()
	s, r := harness.Start(t, func(c *service.Config) { c.Schema = harness.GameSchema }), harness.ReadGameRules(t)
	good := r.Pack(t, "rook", harness.Square{X: 1, Y: 2})
	unknown := &anypb.Any{TypeUrl: "type.googleapis.com/game.v1.Cheat", Value: good.GetValue()}
	for i, d := range binaryProtocols() {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				ctx := harness.Context(t)
				n := s.JoinPair(ctx, t, d, m, fmt.Sprintf("refused-%d-%d", i, m))
				before := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "before"})
				for name, c := range map[string]struct {
					custom *chatv1.Custom
					field  string
					bound  string
				}{
					"off the board":       {&chatv1.Custom{Payload: r.Pack(t, "rook", harness.Square{X: 8, Y: 0})}, "custom.payload.x", "7"},
					"no piece":            {&chatv1.Custom{Payload: r.Pack(t, "", harness.Square{})}, "custom.payload.piece", "[a-z]{1,16}"},
					"an unknown type":     {&chatv1.Custom{Payload: unknown}, "custom.payload", "game.v1.Move"},
					"no type":             {&chatv1.Custom{Payload: &anypb.Any{Value: good.GetValue()}}, "custom.payload", "type URL"},
					"garbage":             {&chatv1.Custom{Payload: &anypb.Any{TypeUrl: good.GetTypeUrl(), Value: []byte{0xff}}}, "custom.payload", "binary form"},
					"no payload":          {&chatv1.Custom{}, "custom.payload", "must be set"},
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
						_, refused := n.Ada.TrySend(harness.CustomRequest(n.Room, n.NewID(), sent))
						t.Run(fmt.Sprintf("%s, ephemeral %t", name, ephemeral), func(t *testing.T) {
							refused.Check(t, harness.InvalidArgument(c.field, c.bound))
						})
					}
				}
				anonymous := s.JoinWithToken(ctx, t, d, m, "", &chatv1.Subscription{Room: n.Room})
				_, refused := anonymous.TrySend(harness.CustomRequest(n.Room, "anonymous", &chatv1.Custom{Payload: good, Ephemeral: true, Key: "position"}))
				refused.Check(t, harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_REQUIRED", Bound: "sign in"})

				after := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "after"})
				if e := n.Ben.AwaitSequence(t, after); e.GetPrevious() != before {
					t.Errorf("after what was refused %v, want it to follow %d", e, before)
				}
				for _, e := range n.Ben.Events {
					if e.GetCustom() != nil {
						t.Errorf("a refused event was delivered: %v", e)
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

// A custom event is delivered as it was sent, and is in the history unless it is
// ephemeral.
func TestCustomEvents(t *testing.T) {
	t.Parallel()
	s, r := harness.Start(t, func(c *service.Config) { c.Schema = harness.GameSchema }), harness.ReadGameRules(t)
	for i, d := range binaryProtocols() {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				ctx := harness.Context(t)
				n := s.JoinPair(ctx, t, d, m, fmt.Sprintf("custom-%d-%d", i, m))
				kept := &chatv1.Custom{Payload: r.Pack(t, "king", harness.Square{X: 4, Y: 0})}
				passing := &chatv1.Custom{Payload: r.Pack(t, "rook", harness.Square{X: 1, Y: 2}), Ephemeral: true, Key: "position"}
				sequence := n.SendAndReceive(t, n.Ada, harness.CustomRequest(n.Room, "kept", kept))
				if response := n.Ada.MustSend(t, harness.CustomRequest(n.Room, "passing", passing)); response.GetSequence() != 0 || response.GetDuplicate() || response.GetTime() == nil {
					t.Errorf("an ephemeral event was answered %v, want a time alone", response)
				}
				e := n.Ben.AwaitSequence(t, sequence)
				if !proto.Equal(e.GetCustom(), kept) {
					t.Errorf("received %v, want %v", e, kept)
				}
				e = n.Ben.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetId() == "passing" })
				if !proto.Equal(e.GetCustom(), passing) || e.GetSequence() != 0 || !proto.Equal(e.GetSender(), n.Ada.Member) {
					t.Errorf("received %v, want %v without a sequence", e, passing)
				}
				page, err := n.Ben.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.Room})
				harness.Must(t, err)
				if events := page.GetEvents(); len(events) != 1 || !proto.Equal(events[0].GetCustom(), kept) {
					t.Errorf("history = %v, want %v alone", events, kept)
				}
			})
		}
	}
}

// JSON clients send and receive payloads as JSON, whatever encoding other clients use,
// and so are errors. A payload whose type the server no longer knows is left out of JSON
// only.
func TestCustomEventsAsJSON(t *testing.T) {
	t.Parallel()
	ctx, data := harness.Context(t), t.TempDir()
	s, r := harness.Start(t, harness.InDir(data), func(c *service.Config) { c.Schema = harness.GameSchema }), harness.ReadGameRules(t)
	token, _ := s.SignIn(t, "gopher")
	c := harness.NewCurl(t, s, token)
	next := subscribeEnvelopes(t, c, `{"rooms":[{"room":"arena"}]}`)
	player := s.Join(ctx, t, harness.GRPCGo, harness.ViaChat, "player", &chatv1.Subscription{Room: gameRoom})

	const move = `{"@type":"type.googleapis.com/game.v1.Move","piece":"queen","x":3,"y":7}`
	checkCall(ctx, t, c, "Send", `{"room":"arena","id":"1","custom":{"payload":`+move+`}}`, `{"epoch":"…","sequence":"…","time":"…"}`)
	want := r.Pack(t, "queen", harness.Square{X: 3, Y: 7})
	e := player.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetId() == "1" })
	if got, err := r.Unpack(e.GetCustom().GetPayload()); err != nil || got != (harness.Square{X: 3, Y: 7}) || e.GetCustom().GetPayload().GetTypeUrl() != want.GetTypeUrl() {
		t.Errorf("a move by curl came as %v, want %v", e.GetCustom(), want)
	}
	player.MustSend(t, harness.CustomRequest(gameRoom, "2", &chatv1.Custom{Payload: want, Ephemeral: true, Key: "position"}))
	shown := `{"frame":{"event":{"room":"arena","sequence":"…","time":"…","id":"1","sender":{"id":"…","name":"gopher","guest":true},"custom":{"payload":` + move + `}}}}`
	next(t, `"id":"1"`, shown)
	next(t, `"id":"2"`, `{"frame":{"event":{"room":"arena","time":"…","id":"2","sender":{"id":"…","name":"player","guest":true},"custom":{"payload":`+move+`,"ephemeral":true,"key":"position"}}}}`)

	checkCall(ctx, t, c, "Send", `{"room":"arena","id":"3","custom":{"payload":`+strings.Replace(move, "7", "8", 1)+`}}`,
		`{"code":"invalid_argument","message":"custom.payload.y: …","details":["…"]}`)
	checkCall(ctx, t, c, "Send", `{"room":"arena","id":"3","custom":{"payload":{"@type":"type.googleapis.com/game.v1.Cheat"}}}`,
		`{"code":"invalid_argument","message":"custom.payload: …","details":["…"]}`)
	history := `{"epoch":"…","events":[{"room":"arena","sequence":"…","time":"…","id":"1","sender":"…","custom":{"payload":` + move + `}}],"next":"…"}`
	checkCall(ctx, t, c, "ListEvents", `{"room":"arena"}`, history)

	s.Stop(t)
	s = harness.Start(t, harness.InDir(data))
	c.Service = s
	checkCall(ctx, t, c, "ListEvents", `{"room":"arena"}`, strings.Replace(history, `{"payload":`+move+`}`, `{}`, 1))
	page, err := harness.OpenGRPCGo(t, s, "").ListEvents(ctx, &chatv1.ListEventsRequest{Room: gameRoom})
	harness.Must(t, err)
	if len(page.GetEvents()) != 1 || !proto.Equal(page.GetEvents()[0].GetCustom(), e.GetCustom()) {
		t.Errorf("without the schema, history = %v, want %v", page.GetEvents(), e)
	}
	checkCall(ctx, t, c, "Send", `{"room":"arena","id":"4","custom":{"payload":`+move+`}}`,
		`{"code":"invalid_argument","message":"custom.payload: …","details":["…"]}`)
}

// checkCall makes a call, and compares the answer with what it should be: see
// example.printed.
func checkCall(ctx context.Context, t *testing.T, c harness.Curl, method, body, want string) {
	t.Helper()
	out, err := c.Command(ctx, c.MethodURL(method), "-H", "Content-Type: application/json", "-d", body).Output()
	harness.Must(t, err)
	if !(harness.Example{Language: "json", Output: want}).Matches(string(out)) {
		t.Errorf("%s of %s was answered\n%s\nwant\n%s", method, body, out, want)
	}
}

// subscribeEnvelopes subscribes, and returns a function that looks for the next envelope with
// a text in it, and compares it with what it should be.
func subscribeEnvelopes(t *testing.T, c harness.Curl, request string) func(t *testing.T, with, want string) {
	t.Helper()
	ctx, hangUp := context.WithCancel(context.Background())
	command := c.Command(ctx, c.MethodURL("Subscribe"), "-H", "Content-Type: application/connect+json", "--data-binary", "@-")
	command.Stdin = bytes.NewReader(append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(request))), request...))
	stdout, err := command.StdoutPipe()
	harness.Must(t, err)
	harness.Must(t, command.Start())
	t.Cleanup(func() {
		hangUp()
		_ = command.Wait()
	})
	next := func(t *testing.T, with, want string) {
		t.Helper()
		for {
			envelope, err := readEnvelope(stdout)
			harness.Must(t, err)
			var compact bytes.Buffer
			harness.Must(t, json.Compact(&compact, envelope))
			if !strings.Contains(compact.String(), with) {
				continue
			}
			if !(harness.Example{Language: "json", Output: want}).Matches(string(envelope)) {
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
