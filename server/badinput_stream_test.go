package main

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
	"chatroom/server/internal/service"
)

// A Chat stream that does not begin with a join that can be carried out ends
// with the reason.
func TestBadInputFirstOnChat(t *testing.T) {
	b := newBadinput(t)
	const method = badinputMethod(chatv1connect.ChatRoomChatProcedure)
	notAJoin := badinputInvalid("join", "must be set in the first request")
	send := &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: badinputMessage("first", "never said")}}
	join := func(s *chatv1.Subscription) badinputBody { return badinputEncode(badinputJoin(s)) }
	recent := &chatv1.Subscription{Room: badinputRoomName, Start: &chatv1.Subscription_Recent{Recent: 1001}}
	cases := append([]badinputCase{
		method.refuses("a send", badinputEncode(send), notAJoin),
		method.refuses("a leave", badinputEncode(badinputLeave(badinputRoomName)), notAJoin),
		method.refuses("no action", badinputEncode(&chatv1.ChatRequest{}), badinputInvalid("action", "exactly one field is required")),
		method.refuses("a join of a bad room", join(&chatv1.Subscription{Room: "Lobby"}), badinputInvalid("join.room", badinputRoomBound)),
		method.refuses("a join with the newest 1,001 events", join(recent), badinputInvalid("join.recent", "1000")),
		method.refuses("a join of a room that is not UTF-8", join(&chatv1.Subscription{Room: badinputPlaceholder}).notUTF8(), badinputInvalid("join.room", "must be valid UTF-8")),
	}, badinputUndecodable(method, join(&chatv1.Subscription{Room: badinputRoomName}))...)
	for _, c := range cases {
		b.run(t, c, b.bidi(), func(t *testing.T, d badinputDoor, request badinputRaw) {
			chat := openBadinputChat(t, b.s, d)
			chat.send(t, request)
			c.want.check(t, chat.ends())
		})
	}
	for _, d := range b.bidi() {
		t.Run("nothing/"+d.name, func(t *testing.T) {
			b.undisturbed(t, func() {
				chat := openBadinputChat(t, b.s, d)
				if err := chat.stream.CloseRequest(); err != nil {
					t.Fatal(err)
				}
				notAJoin.check(t, chat.ends())
			})
		})
	}
}

// A client that opens Chat and says nothing is told so after the heartbeat
// interval.
func TestBadInputSilentChat(t *testing.T) {
	b := newBadinput(t, func(c *service.Config) { c.Heartbeat = 100 * time.Millisecond })
	for _, d := range b.bidi() {
		t.Run(d.name, func(t *testing.T) {
			b.undisturbed(t, func() {
				chat := openBadinputChat(t, b.s, d)
				if err := chat.stream.Send(nil); err != nil { // only the headers
					t.Fatal(err)
				}
				badinputInvalid("join", "none came").check(t, chat.ends())
			})
		})
	}
}

// A 101st room is refused, and the hundred stay.
func TestBadInputTooManyRoomsOnChat(t *testing.T) {
	b := newBadinput(t)
	for _, d := range b.bidi() {
		t.Run(d.name, func(t *testing.T) {
			b.undisturbed(t, func() {
				chat := openBadinputChat(t, b.s, d)
				chat.join(t, badinputRoomName)
				for i := range 99 {
					chat.join(t, fmt.Sprint("room-", i))
				}
				chat.sendMessage(t, badinputJoin(&chatv1.Subscription{Room: "one-more"}))
				f, err := chat.reply()
				if err != nil {
					t.Fatalf("the stream ended with %v, want Rejected", err)
				}
				badinputInvalid("join.room", "at most 100 rooms").checkRejected(t, f)
				chat.says(t, b.room)
			})
		})
	}
}

// A cursor that can't be honoured is no error on a stream: it is answered by
// Reset, and the stream goes on live.
func TestBadInputCursorsOnStreams(t *testing.T) {
	b := newBadinput(t)
	for name, cursor := range map[string]*chatv1.Cursor{
		"of another epoch": {Epoch: "another", Sequence: 1},
		"beyond the end":   {Epoch: b.room.epoch, Sequence: 1 << 40},
	} {
		subscription := &chatv1.Subscription{Room: badinputRoomName, Start: &chatv1.Subscription_After{After: cursor}}
		for _, d := range b.doors {
			t.Run(name+"/"+d.name, func(t *testing.T) {
				b.undisturbed(t, func() {
					receive := b.subscribe(t, d, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{subscription}})
					b.checkReset(t, receive)
					if !d.bidi {
						return
					}
					chat := openBadinputChat(t, b.s, d)
					chat.sendMessage(t, badinputJoin(subscription))
					b.checkReset(t, func() *chatv1.Frame { return chat.receive(t) })
				})
			})
		}
	}
}

// subscribe returns a function that receives the next frame.
func (b *badinput) subscribe(t *testing.T, d badinputDoor, m *chatv1.SubscribeRequest) func() *chatv1.Frame {
	ctx, cancel := context.WithTimeout(t.Context(), badinputPatience)
	t.Cleanup(cancel)
	request := badinputRaw(badinputEncode(m).in(d.codec))
	client := badinputClient[chatv1.SubscribeResponse](b.s, d, chatv1connect.ChatRoomSubscribeProcedure)
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

// checkReset checks that a stream begins with Joined and Reset, and goes on.
func (b *badinput) checkReset(t *testing.T, receive func() *chatv1.Frame) {
	t.Helper()
	if f := receive(); f.GetJoined() == nil {
		t.Errorf("first frame = %v, want Joined", f)
	}
	if r := receive().GetReset_(); r.GetRoom() != badinputRoomName || r.GetEpoch() != b.room.epoch || r.GetHead() < b.room.last {
		t.Errorf("second frame = %v, want Reset to the head of room %q", r, badinputRoomName)
	}
	b.room.says(t)
	want := b.room.said[len(b.room.said)-1]
	for {
		f := receive()
		if isEphemeral(f) {
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
func TestBadInputOnHello(t *testing.T) {
	b := newBadinput(t)
	const method = badinputMethod(helloconnect.ChatRoomChatProcedure)
	saying := func(text string) badinputBody { return badinputEncode(&hellopb.ChatRequest{Message: text}) }
	tooLarge := badinputWant{code: connect.CodeResourceExhausted, bound: badinputSizeBound}
	length := badinputInvalid("message", "1 to 4,000 characters")
	garbage := badinputBody{json: []byte("{"), proto: []byte("\xff\xffgarbage")}
	for _, c := range []badinputCase{
		method.refuses("no text", saying(""), length),
		method.refuses("a text of 4,001 characters", saying(strings.Repeat("界", 4001)), length),
		method.refuses("a text of white space", saying(" \t\u00a0"), badinputInvalid("message", "white space")),
		method.refuses("a text that is not UTF-8", saying(badinputPlaceholder).notUTF8(), badinputInvalid("message", "must be valid UTF-8")),
		method.refuses("garbage", garbage, badinputInvalid("", "must be a hello.ChatRequest")),
		method.refuses("a request just over the limit", saying("x").padded(badinputOversize), tooLarge),
		method.refuses("a request far over the limit", saying("x").padded(badinputHuge), tooLarge),
	} {
		b.run(t, c, b.bidi(), func(t *testing.T, d badinputDoor, request badinputRaw) {
			ctx, cancel := context.WithTimeout(t.Context(), badinputPatience)
			defer cancel()
			stream := badinputClient[hellopb.ChatResponse](b.s, d, c.method).CallBidiStream(ctx)
			defer stream.CloseResponse()
			defer stream.CloseRequest()
			if err := stream.Send(&request); err != nil && !errors.Is(err, io.EOF) {
				t.Fatalf("Send on the stream: %v", err)
			}
			var err error
			for err == nil {
				_, err = stream.Receive()
			}
			c.want.check(t, err)
		})
	}
}

// badinputEnvelope prefixes data as streaming requests are: flags, and a length
// that need not be true.
func badinputEnvelope(flags byte, size uint32, data []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{flags}, size), data...)
}

// What is around the messages of a stream may be garbage too.
func TestBadInputEnvelopes(t *testing.T) {
	b := newBadinput(t)
	client := h2cClient(t)
	malformed := badinputWant{code: connect.CodeInvalidArgument}
	tooLarge := badinputWant{code: connect.CodeResourceExhausted, bound: badinputSizeBound}
	for method, valid := range map[string]string{
		chatv1connect.ChatRoomSubscribeProcedure: `{"rooms":[{"room":"lobby"}]}`,
		chatv1connect.ChatRoomChatProcedure:      `{"join":{"room":"lobby"}}`,
	} {
		message, size := []byte(valid), uint32(len(valid))
		for _, c := range []struct {
			name string
			data []byte
			want badinputWant
		}{
			{"text", []byte("LET me in, whoever you are"), malformed},
			{"half a prefix", []byte{0, 0, 0}, malformed},
			{"half a message", badinputEnvelope(0, size, message[:5]), malformed},
			{"reserved flags", badinputEnvelope(0x7c, size, message), malformed},
			{"compressed in no known way", badinputEnvelope(1, size, message), malformed},
			{"a length of 4 GiB", badinputEnvelope(0, 1<<32-1, message), tooLarge},
			{"a message far over the limit", badinputEnvelope(0, badinputHuge, make([]byte, badinputHuge)), tooLarge},
		} {
			t.Run(method[1:]+"/"+c.name, func(t *testing.T) {
				b.undisturbed(t, func() {
					answer := badinputPost(t, client, b.s.URL+method, bytes.NewReader(c.data), "Content-Type", "application/connect+json")
					c.want.checkEndStream(t, answer)
				})
			})
		}
	}
}
