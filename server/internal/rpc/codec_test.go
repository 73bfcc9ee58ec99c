package rpc

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// field is a length-delimited field of a message in binary form.
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
		{"by the name in the contract", jsonCodec, &chatv1.ListRoomsRequest{}, `{"page_token":"` + bad + `"}`, "page_token"},
		{"by the name in JSON", jsonCodec, &chatv1.ListRoomsRequest{}, `{"pageToken":"` + bad + `"}`, "page_token"},
		{"in a duration", jsonCodec, &chatv1.ListEventsRequest{}, `{"wait":"` + bad + `"}`, "wait"},
		{"in a payload", jsonCodec, &chatv1.SendRequest{}, `{"custom":{"payload":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"` + bad + `"}}}`, "custom.payload.value"},
		{"in the type of a payload", jsonCodec, &chatv1.SendRequest{}, `{"custom":{"payload":{"@type":"` + bad + `"}}}`, "custom.payload"},
		{"in an unknown field", jsonCodec, &chatv1.SendRequest{}, `{"room":"room","unknown":"` + bad + `"}`, ""},
		{"in an unknown field of a message", jsonCodec, &chatv1.SendRequest{}, `{"message":{"unknown":"` + bad + `"}}`, "message"},
		{"in a key", jsonCodec, &chatv1.SendRequest{}, `{"` + bad + `":1}`, ""},
	} {
		rule := "utf8"
		if tt.want == "" {
			rule = "request.json"
		}
		err := tt.codec.Unmarshal([]byte(tt.data), tt.into)
		expectRefusal(t, tt.codec.name+", "+tt.name, err, tt.want, rule, connect.CodeInvalidArgument)
	}
}

// expectRefusal checks a codec's error for the reply that it stands for.
func expectRefusal(t *testing.T, what string, err error, path, rule string, code connect.Code) {
	t.Helper()
	refusal, isRefused := refused(err)
	if !isRefused || refusal.Code() != code {
		t.Errorf("%s: Unmarshal = %v, want a refusal with code %v", what, err, code)
		return
	}
	if gotField, gotRule := violationIn(refusal); gotField != path || gotRule != rule {
		t.Errorf("%s: refused for %q, %q, want %q, %q", what, gotField, gotRule, path, rule)
	}
}

// The invalid bytes are found by themselves, and not as the replacement characters
// that a decoder may have made of them.
func TestCodecIgnoresReplacementCharacters(t *testing.T) {
	data := "{\"room\":\"\uFFFD\",\"id\":\"\uFFFD\",\"message\":{\"text\":\"" + bad + "\"}}"
	err := jsonCodec.Unmarshal([]byte(data), &chatv1.SendRequest{})
	expectRefusal(t, "text beside replacement characters", err, "message.text", "utf8", connect.CodeInvalidArgument)
}

// A request of a unary method keeps the codec's error, since connect would send it
// without details.
func TestUnaryRequestKeepsTheDecodeError(t *testing.T) {
	type request = unaryRequest[chatv1.SendRequest, *chatv1.SendRequest]
	for _, c := range []*codec{protoCodec, jsonCodec} {
		r := new(request)
		data := map[string]string{"proto": field(1, bad), "json": `{"room":"` + bad + `"}`}[c.name]
		if err := c.Unmarshal([]byte(data), r); err != nil {
			t.Errorf("%s: Unmarshal = %v, want the error in the request", c.name, err)
		}
		expectRefusal(t, c.name, r.decodeError(), "room", "utf8", connect.CodeInvalidArgument)

		want := sendRequest("room", "1", "hi").GetSend()
		encoded, err := c.Marshal(want)
		if err != nil {
			t.Fatalf("%s: Marshal = %v, want nil", c.name, err)
		}
		r = new(request)
		if err := c.Unmarshal(encoded, r); err != nil || r.decodeError() != nil || !proto.Equal(&r.message, want) {
			t.Errorf("%s: Unmarshal = %v, %v with %v, want %v", c.name, &r.message, err, r.decodeError(), want)
		}
	}
}

// A payload of a type that the server does not know can't be decoded from JSON. It is
// refused as it is in binary form, where the schema checks it.
func TestCodecNamesThePayloadOfAnUnknownType(t *testing.T) {
	const send = `{"room":"room","id":"1","custom":{"payload":{"@type":"type.googleapis.com/gone.v1.Kind"}}}`
	for _, tt := range []struct {
		into       proto.Message
		data, want string
	}{
		{&chatv1.SendRequest{}, send, "custom.payload"},
		{&chatv1.ChatRequest{}, `{"send":` + send + `}`, "send.custom.payload"},
	} {
		err := jsonCodec.Unmarshal([]byte(tt.data), tt.into)
		expectRefusal(t, fmt.Sprintf("%T", tt.into), err, tt.want, "type.known", connect.CodeInvalidArgument)
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
		{jsonCodec, `{"room":"a"`, "request.json", connect.CodeInvalidArgument},
		{jsonCodec, `{"room":"a","room":"b"}`, "request.json", connect.CodeInvalidArgument},
		{jsonCodec, "\xff\xfe", "request.json", connect.CodeInvalidArgument},
		{jsonCodec, strings.Repeat(" ", maxRequest+1), ruleSize, connect.CodeResourceExhausted},
	} {
		err := tt.codec.Unmarshal([]byte(tt.data), &chatv1.SendRequest{})
		expectRefusal(t, fmt.Sprintf("%s of %.20q", tt.codec.name, tt.data), err, "", tt.rule, tt.code)
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
		if err := c.Unmarshal(data[len("before"):], got); err != nil || !proto.Equal(got, want) {
			t.Errorf("%s: round trip = %v, %v, want %v", c.name, got, err, want)
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
		if err := c.Unmarshal([]byte(data), got); err != nil || got.GetRoom() != "room" || len(got.ProtoReflect().GetUnknown()) > 0 {
			t.Errorf("%s: Unmarshal of an unknown field = %v, %v, want it ignored", c.name, got, err)
		}
	}
}

// FuzzCodec decodes arbitrary bytes. The result is a request or a refusal that can be
// sent.
func FuzzCodec(f *testing.F) {
	f.Add([]byte(`{"send":{"room":"a","id":"1","message":{"text":"hi"}}}`), true)
	f.Add([]byte("{\"send\":{\"room\":\""+bad+"\"}}"), true)
	f.Add([]byte(`{"`+bad+`":"\ud800"}`), true)
	f.Add([]byte("\xff"), true)
	f.Add([]byte(`{"send":{"custom":{"payload":{"@type":"type.googleapis.com/gone.Gone"}}}}`), true)
	f.Add([]byte(field(3, field(1, bad))), false)
	f.Add([]byte(field(3, field(10, field(1, "hi")))), false)
	f.Fuzz(func(t *testing.T, data []byte, inJSON bool) {
		c := protoCodec
		if inJSON {
			c = jsonCodec
		}
		err := c.Unmarshal(data, &chatv1.ChatRequest{})
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
		for _, reply := range []*codec{protoCodec, jsonCodec} {
			if _, err := reply.Marshal(response); err != nil {
				t.Errorf("%s: the refusal of %q can't be sent in %s: %v", c.name, data, reply.name, err)
			}
		}
	})
}
