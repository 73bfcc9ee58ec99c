package invalidinput

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	hellopb "chatroom/gen/hello"
	"chatroom/gen/hello/helloconnect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// A Chat stream that does not begin with a join that can be carried out ends
// with the reason.
func TestInvalidFirstRequestOnChat(t *testing.T) {
	b := newFixture(t)
	const method = procedure(chatv1connect.ChatRoomChatProcedure)
	notAJoin := harness.InvalidArgument("join", "must be set in the first request")
	send := &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: messageInRoom("first", "never sent")}}
	join := func(s *chatv1.Subscription) requestBody { return encode(harness.JoinAction(s)) }
	recent := &chatv1.Subscription{Room: roomName, Start: &chatv1.Subscription_Recent{Recent: 1001}}
	cases := append([]refusedCase{
		method.refuses("a send", encode(send), notAJoin),
		method.refuses("a leave", encode(harness.LeaveAction(roomName)), notAJoin),
		method.refuses("no action", encode(&chatv1.ChatRequest{}), harness.InvalidArgument("action", "exactly one field is required")),
		method.refuses("a join of a bad room", join(&chatv1.Subscription{Room: "Lobby"}), harness.InvalidArgument("join.room", harness.RoomNameRule)),
		method.refuses("a join with the newest 1,001 events", join(recent), harness.InvalidArgument("join.recent", "1000")),
		method.refuses("a join of a room that is not UTF-8", join(&chatv1.Subscription{Room: placeholder}).notUTF8(), harness.InvalidArgument("join.room", "must be valid UTF-8")),
	}, undecodableRequests(method, join(&chatv1.Subscription{Room: roomName}))...)
	for _, c := range cases {
		b.run(t, c, b.bidi(), func(t *testing.T, d rawProtocol, request rawRequest) {
			chat := openRawChat(t, b.s, d)
			chat.send(t, request)
			c.want.Check(t, chat.ends())
		})
	}
	for _, d := range b.bidi() {
		t.Run("nothing/"+d.name, func(t *testing.T) {
			b.betweenValidMessages(t, func() {
				chat := openRawChat(t, b.s, d)
				if err := chat.stream.CloseRequest(); err != nil {
					t.Fatal(err)
				}
				notAJoin.Check(t, chat.ends())
			})
		})
	}
}

// A Chat stream on which no request comes ends after the heartbeat interval, with the
// reason.
func TestChatWithoutRequestsEnds(t *testing.T) {
	b := newFixture(t, func(c *service.Config) { c.Heartbeat = 100 * time.Millisecond })
	for _, d := range b.bidi() {
		t.Run(d.name, func(t *testing.T) {
			b.betweenValidMessages(t, func() {
				chat := openRawChat(t, b.s, d)
				if err := chat.stream.Send(nil); err != nil { // only the headers
					t.Fatal(err)
				}
				harness.InvalidArgument("join", "none came").Check(t, chat.ends())
			})
		})
	}
}

// A 101st room is refused, and the hundred stay.
func TestTooManyRoomsOnChat(t *testing.T) {
	b := newFixture(t)
	for _, d := range b.bidi() {
		t.Run(d.name, func(t *testing.T) {
			b.betweenValidMessages(t, func() {
				chat := openRawChat(t, b.s, d)
				chat.join(t, roomName)
				for i := range 99 {
					chat.join(t, fmt.Sprint("room-", i))
				}
				chat.sendMessage(t, harness.JoinAction(&chatv1.Subscription{Room: "one-more"}))
				f, err := chat.reply()
				if err != nil {
					t.Fatalf("the stream ended with %v, want Rejected", err)
				}
				harness.InvalidArgument("join.room", "at most 100 rooms").CheckRejected(t, f)
				chat.sendValid(t, b.room)
			})
		})
	}
}

// A cursor that is lost is no error on a stream: it is answered with Reset, and live
// events follow.
func TestLostCursorsOnStreams(t *testing.T) {
	b := newFixture(t)
	for name, cursor := range map[string]*chatv1.Cursor{
		"of another epoch": {Epoch: "another", Sequence: 1},
		"beyond the end":   {Epoch: b.room.epoch, Sequence: 1 << 40},
	} {
		subscription := &chatv1.Subscription{Room: roomName, Start: &chatv1.Subscription_After{After: cursor}}
		for _, d := range b.protocols {
			t.Run(name+"/"+d.name, func(t *testing.T) {
				b.betweenValidMessages(t, func() {
					receive := b.subscribe(t, d, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{subscription}})
					b.checkReset(t, receive)
					if !d.bidi {
						return
					}
					chat := openRawChat(t, b.s, d)
					chat.sendMessage(t, harness.JoinAction(subscription))
					b.checkReset(t, func() *chatv1.Frame { return chat.receive(t) })
				})
			})
		}
	}
}

// subscribe returns a function that receives the next frame.
func (b *fixture) subscribe(t *testing.T, d rawProtocol, m *chatv1.SubscribeRequest) func() *chatv1.Frame {
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	t.Cleanup(cancel)
	request := rawRequest(encode(m).in(d.codec))
	client := newRawClient[chatv1.SubscribeResponse](b.s, d, chatv1connect.ChatRoomSubscribeProcedure)
	stream, err := client.CallServerStream(ctx, connect.NewRequest(&request))
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	t.Cleanup(func() { cancel(); _ = stream.Close() })
	return func() *chatv1.Frame {
		if !stream.Receive() {
			t.Fatalf("Receive: %v, want a frame", stream.Err())
		}
		return stream.Msg().GetFrame()
	}
}

// checkReset checks that a stream begins with Joined and Reset, and that live events
// follow.
func (b *fixture) checkReset(t *testing.T, receive func() *chatv1.Frame) {
	t.Helper()
	if f := receive(); f.GetJoined() == nil {
		t.Errorf("first frame = %v, want Joined", f)
	}
	if r := receive().GetReset_(); r.GetRoom() != roomName || r.GetEpoch() != b.room.epoch || r.GetHead() < b.room.last {
		t.Errorf("second frame = %v, want Reset to the head of room %q", r, roomName)
	}
	b.room.sendValid(t)
	want := b.room.pending[len(b.room.pending)-1]
	for {
		f := receive()
		if harness.IsEphemeral(f) {
			continue
		}
		if e := f.GetEvent(); e != nil {
			if got := e.GetMessage().GetText(); got != want {
				t.Errorf("first event after Reset = %q, want %q", got, want)
			}
			return
		}
		if f.GetCaughtUp() == nil {
			t.Errorf("frame after Reset = %v, want CaughtUp and events", f)
			return
		}
	}
}

// The 2019 contract knows no refusal: its stream ends with the reason.
func TestInvalidRequestsOnHello(t *testing.T) {
	b := newFixture(t)
	const method = procedure(helloconnect.ChatRoomChatProcedure)
	saying := func(text string) requestBody { return encode(&hellopb.ChatRequest{Message: text}) }
	tooLarge := harness.WantError{Code: connect.CodeResourceExhausted, Bound: sizeBound}
	length := harness.InvalidArgument("message", "1 to 4,000 characters")
	garbage := requestBody{json: []byte("{"), proto: []byte("\xff\xffgarbage")}
	for _, c := range []refusedCase{
		method.refuses("no text", saying(""), length),
		method.refuses("a text of 4,001 characters", saying(strings.Repeat("界", 4001)), length),
		method.refuses("a text of white space", saying(" \t\u00a0"), harness.InvalidArgument("message", "visible")),
		method.refuses("a text that is not UTF-8", saying(placeholder).notUTF8(), harness.InvalidArgument("message", "must be valid UTF-8")),
		method.refuses("garbage", garbage, harness.InvalidArgument("", "must be a hello.ChatRequest")),
		method.refuses("a request just over the limit", saying("x").padded(oversize), tooLarge),
		method.refuses("a request far over the limit", saying("x").padded(hugeSize), tooLarge),
	} {
		b.run(t, c, b.bidi(), func(t *testing.T, d rawProtocol, request rawRequest) {
			ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
			defer cancel()
			stream := newRawClient[hellopb.ChatResponse](b.s, d, c.method).CallBidiStream(ctx)
			defer func() {
				_ = stream.CloseRequest()
				_ = stream.CloseResponse()
			}()
			if err := stream.Send(&request); err != nil && !errors.Is(err, io.EOF) {
				t.Fatalf("Send on the stream: %v", err)
			}
			var err error
			for err == nil {
				_, err = stream.Receive()
			}
			c.want.Check(t, err)
		})
	}
}

// envelope prefixes data as streaming requests are: flags, and a length
// that need not be true.
func envelope(flags byte, size uint32, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, size), data...)
}

// What is around the messages of a stream may be garbage too.
func TestMalformedEnvelopes(t *testing.T) {
	b := newFixture(t)
	client := harness.H2CClient(t)
	malformed := harness.WantError{Code: connect.CodeInvalidArgument}
	tooLarge := harness.WantError{Code: connect.CodeResourceExhausted, Bound: sizeBound}
	for method, valid := range map[string]string{
		chatv1connect.ChatRoomSubscribeProcedure: `{"rooms":[{"room":"lobby"}]}`,
		chatv1connect.ChatRoomChatProcedure:      `{"join":{"room":"lobby"}}`,
	} {
		message, size := []byte(valid), uint32(len(valid))
		for _, c := range []struct {
			name string
			data []byte
			want harness.WantError
		}{
			{"text", []byte("LET me in, whoever you are"), malformed},
			{"half a prefix", []byte{0, 0, 0}, malformed},
			{"half a message", envelope(0, size, message[:5]), malformed},
			{"reserved flags", envelope(0x7c, size, message), malformed},
			{"compressed in no known way", envelope(1, size, message), malformed},
			{"a length of 4 GiB", envelope(0, 1<<32-1, message), tooLarge},
			{"a message far over the limit", envelope(0, hugeSize, make([]byte, hugeSize)), tooLarge},
		} {
			t.Run(method[1:]+"/"+c.name, func(t *testing.T) {
				b.betweenValidMessages(t, func() {
					answer := postRaw(t, client, b.s.URL+method, bytes.NewReader(c.data), "Content-Type", "application/connect+json")
					checkEndStreamError(t, c.want, answer)
				})
			})
		}
	}
}
