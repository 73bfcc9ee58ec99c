package rpc

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// field is a length-delimited field of a message in wire form.
func field(number protowire.Number, value ...string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), strings.Join(value, "")))
}

const bad = "a\xffb"

func TestCodecNamesTheFieldThatIsNotUTF8(t *testing.T) {
	send := func(room, id, text string) string {
		return field(1, room) + field(2, id) + field(10, field(1, text))
	}
	sendJSON := func(room, id, text string) string {
		return fmt.Sprintf(`{"room":"%s","id":"%s","message":{"text":"%s"}}`, room, id, text)
	}
	for _, tt := range []struct {
		name  string
		codec *codec
		into  proto.Message
		data  string
		want  string
	}{
		{"room", protoCodec, &chatv1.SendRequest{}, send(bad, "1", "hi"), "room"},
		{"id", protoCodec, &chatv1.SendRequest{}, send("room", bad, "hi"), "id"},
		{"nested", protoCodec, &chatv1.SendRequest{}, send("room", "1", bad), "message.text"},
		{"nested twice", protoCodec, &chatv1.ChatRequest{}, field(3, send("room", "1", bad)), "send.message.text"},
		{"the last of a repeated field", protoCodec, &chatv1.SubscribeRequest{}, field(1, field(1, "a")) + field(1, field(1, bad)), "rooms.room"},
		{"in a message of a repeated field", protoCodec, &chatv1.SubscribeRequest{}, field(1, field(1, "a"), field(2, field(1, bad))), "rooms.after.epoch"},
		{"behind unknown fields", protoCodec, &chatv1.SendRequest{}, field(99, bad) + string(protowire.AppendVarint(protowire.AppendTag(nil, 98, protowire.VarintType), 7)) + field(1, bad), "room"},
		{"given twice", protoCodec, &chatv1.SendRequest{}, field(1, "room") + field(1, bad), "room"},
		{"room", jsonCodec, &chatv1.SendRequest{}, sendJSON(bad, "1", "hi"), "room"},
		{"id", jsonCodec, &chatv1.SendRequest{}, sendJSON("room", bad, "hi"), "id"},
		{"nested", jsonCodec, &chatv1.SendRequest{}, sendJSON("room", "1", bad), "message.text"},
		{"nested twice", jsonCodec, &chatv1.ChatRequest{}, `{"send":` + sendJSON("room", "1", bad) + `}`, "send.message.text"},
		{"the last of a repeated field", jsonCodec, &chatv1.SubscribeRequest{}, `{"rooms":[{"room":"a"},{"room":"` + bad + `"}]}`, "rooms.room"},
		{"in a message of a repeated field", jsonCodec, &chatv1.SubscribeRequest{}, `{"rooms":[{"room":"a","after":{"epoch":"` + bad + `"}}]}`, "rooms.after.epoch"},
		{"in an unknown field", jsonCodec, &chatv1.SendRequest{}, `{"room":"room","unknown":"` + bad + `"}`, ""},
		{"in a key", jsonCodec, &chatv1.SendRequest{}, `{"` + bad + `":1}`, ""},
	} {
		if err := tt.codec.Unmarshal([]byte(tt.data), tt.into); err != nil {
			t.Errorf("%s, %s: Unmarshal = %v, want it noted in the message", tt.codec.name, tt.name, err)
			continue
		}
		rule := "utf8"
		if tt.want == "" {
			rule = "request.json"
		}
		expectRefusal(t, tt.codec.name+", "+tt.name, tt.into, tt.want, rule, connect.CodeInvalidArgument)
	}
}

func expectRefusal(t *testing.T, what string, m proto.Message, path, rule string, code connect.Code) {
	t.Helper()
	err, isRefused := refused(undecodable(m))
	if !isRefused || err.Code() != code {
		t.Errorf("%s: undecodable = %v, want a refusal with code %v", what, err, code)
		return
	}
	if gotField, gotRule := violationIn(err); gotField != path || gotRule != rule {
		t.Errorf("%s: refused for %q, %q, want %q, %q", what, gotField, gotRule, path, rule)
	}
}

// A replacement character that somebody typed is no invalid byte: the field that
// has one is not to blame, whichever is looked at first.
func TestCodecBlamesNoReplacementCharacter(t *testing.T) {
	for range 50 {
		m := &chatv1.SendRequest{}
		data := "{\"room\":\"\uFFFD\",\"id\":\"\uFFFD\",\"message\":{\"text\":\"" + bad + "\"}}"
		if err := jsonCodec.Unmarshal([]byte(data), m); err != nil {
			t.Fatalf("Unmarshal = %v, want it noted in the message", err)
		}
		expectRefusal(t, "text beside replacement characters", m, "message.text", "utf8", connect.CodeInvalidArgument)
		if t.Failed() {
			return
		}
	}
}

func TestCodecRefusesGarbage(t *testing.T) {
	for _, tt := range []struct {
		codec      *codec
		data, rule string
		code       connect.Code
	}{
		{protoCodec, "\xff", "request.proto", connect.CodeInvalidArgument},
		{protoCodec, field(1, "room")[:4], "request.proto", connect.CodeInvalidArgument},
		{protoCodec, strings.Repeat("\x00", maxRequest), "request.proto", connect.CodeInvalidArgument},
		{protoCodec, strings.Repeat("\x00", maxRequest+1), ruleSize, connect.CodeResourceExhausted},
		{jsonCodec, "", "request.json", connect.CodeInvalidArgument},
		{jsonCodec, "null", "request.json", connect.CodeInvalidArgument},
		{jsonCodec, `{"room":7}`, "request.json", connect.CodeInvalidArgument},
		{jsonCodec, `{"room":"a"`, "request.json", connect.CodeInvalidArgument},
		{jsonCodec, `{"room":"a","room":"b"}`, "request.json", connect.CodeInvalidArgument},
		{jsonCodec, "\xff\xfe", "request.json", connect.CodeInvalidArgument},
		{jsonCodec, strings.Repeat(" ", maxRequest+1), ruleSize, connect.CodeResourceExhausted},
	} {
		m := &chatv1.SendRequest{}
		if err := tt.codec.Unmarshal([]byte(tt.data), m); err != nil {
			t.Errorf("%s: Unmarshal(%.20q) = %v, want it noted in the message", tt.codec.name, tt.data, err)
		}
		expectRefusal(t, fmt.Sprintf("%s of %.20q", tt.codec.name, tt.data), m, "", tt.rule, tt.code)
	}
}

func TestCodecRoundTrip(t *testing.T) {
	want := sendRequest("room", "1", "hi 🙂 \uFFFD \" \x00")
	for _, c := range []*codec{protoCodec, jsonCodec} {
		data, err := c.MarshalAppend([]byte("before"), want)
		if err != nil || !strings.HasPrefix(string(data), "before") {
			t.Fatalf("%s: MarshalAppend = %q, %v, want it appended", c.name, data, err)
		}
		got := &chatv1.ChatRequest{}
		if err := c.Unmarshal(data[len("before"):], got); err != nil || undecodable(got) != nil || !proto.Equal(got, want) {
			t.Errorf("%s: round trip = %v, %v, %v, want %v", c.name, got, err, undecodable(got), want)
		}
		if err := c.Unmarshal(nil, "no message"); err == nil {
			t.Errorf("%s: Unmarshal into a string = nil, want an error", c.name)
		}
		if _, err := c.Marshal("no message"); err == nil {
			t.Errorf("%s: Marshal of a string = nil, want an error", c.name)
		}
	}
	// Clients may have a newer contract.
	for c, data := range map[*codec]string{jsonCodec: `{"room":"room","newer":{"a":[1]}}`, protoCodec: field(1, "room") + field(99, "newer")} {
		got := &chatv1.SendRequest{}
		if err := c.Unmarshal([]byte(data), got); err != nil || undecodable(got) != nil || got.GetRoom() != "room" {
			t.Errorf("%s: Unmarshal of an unknown field = %v, %v, %v, want it ignored", c.name, got, err, undecodable(got))
		}
	}
}

// forged is a request that carries what only the codec should note.
func forged(note []byte) *chatv1.ChatRequest {
	m := sendRequest("lobby", "forged", "hi")
	unknown := protowire.AppendTag(nil, undecodableField, protowire.BytesType)
	m.ProtoReflect().SetUnknown(protowire.AppendBytes(unknown, note))
	return m
}

func forgedNotes(t testing.TB) map[string][]byte {
	marshal := func(v *validate.Violations) []byte {
		data, err := proto.Marshal(v)
		if err != nil {
			t.Fatalf("Marshal = %v, want nil", err)
		}
		return data
	}
	return map[string][]byte{
		"empty":            {},
		"garbage":          []byte("\xff\xff"),
		"plausible":        marshal(violations("send.id", ruleSize, "forged")),
		"without anything": marshal(&validate.Violations{Violations: []*validate.Violation{{}}}),
		"not UTF-8":        marshal(violations(bad, bad, bad)),
		"large":            marshal(violations("a", "b", strings.Repeat("c", 60_000))),
	}
}

// A client that forges the codec's note refuses its own request, and no other.
func TestForgedNoteHarmsItsSenderOnly(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		other, _ := w.subscribe(t, "lobby")
		expect(t, other, "joined", "caughtup")
		for name, note := range forgedNotes(t) {
			stream := w.open(t, joinRequest("elsewhere"))
			expect(t, stream, "joined", "caughtup")
			stream.send(t, forged(note))
			// A note that can't be read is an unknown field, as good as any.
			if frame, err := stream.next(); err == nil && kind(frame) != "rejected" && kind(frame) != "accepted" {
				t.Errorf("answer to a forged note, %s = %v, want Accepted or Rejected", name, frame)
			} else if err != nil {
				t.Errorf("answer to a forged note, %s = %v, want the stream to go on", name, err)
			}
			if _, err := w.client.Send(t.Context(), forged(note).GetSend()); err != nil && connect.CodeOf(err) == connect.CodeInternal {
				t.Errorf("Send with a forged note, %s = %v, want no internal error", name, err)
			}
		}
		w.say(t, "lobby", "the last")
		for {
			if event := expect(t, other, "event").GetEvent(); event.GetMessage().GetText() == "the last" {
				return
			}
		}
	})
}

// FuzzCodec decodes what anybody may send. Whatever it is, it is a request or
// refused as one, and the refusal can be sent.
func FuzzCodec(f *testing.F) {
	f.Add([]byte(`{"send":{"room":"a","id":"1","message":{"text":"hi"}}}`), true)
	f.Add([]byte("{\"send\":{\"room\":\""+bad+"\"}}"), true)
	f.Add([]byte(`{"`+bad+`":"\ud800"}`), true)
	f.Add([]byte(field(3, field(1, bad))), false)
	f.Add([]byte(field(3, field(10, field(1, "hi")))), false)
	for _, note := range forgedNotes(f) {
		data, err := proto.Marshal(forged(note))
		if err != nil {
			f.Fatalf("Marshal = %v, want nil", err)
		}
		f.Add(data, false)
	}
	f.Fuzz(func(t *testing.T, data []byte, inJSON bool) {
		c := protoCodec
		if inJSON {
			c = jsonCodec
		}
		m := &chatv1.ChatRequest{}
		if err := c.Unmarshal(data, m); err != nil {
			t.Fatalf("%s: Unmarshal(%q) = %v, want it noted in the message", c.name, data, err)
		}
		err := undecodable(m)
		if err == nil {
			return
		}
		refusal, ok := refused(err)
		if !ok {
			t.Fatalf("%s: refused(%v) = false, want true", c.name, err)
		}
		if !utf8.ValidString(refusal.Message()) {
			t.Errorf("%s: refusal of %q = %q, want valid UTF-8", c.name, data, refusal.Message())
		}
		response := &chatv1.ChatResponse{Frame: rejectedFrame("id", "room", refusal)}
		for _, answer := range []*codec{protoCodec, jsonCodec} {
			if _, err := answer.Marshal(response); err != nil {
				t.Errorf("%s: the refusal of %q can't be sent in %s: %v", c.name, data, answer.name, err)
			}
		}
	})
}
