package rpc

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// post sends a request as it stands, with headers in pairs.
func (w *world) post(t *testing.T, procedure, body string, headers ...string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, testOrigin+procedure, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := w.http.Do(request)
	if err != nil {
		t.Fatalf("POST %s = %v, want an answer", procedure, err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// envelope is a message of a stream as it is on the wire.
func envelope(message string) string {
	return "\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(len(message)))) + message
}

func readEnvelope(t *testing.T, r io.Reader) (flags byte, message []byte) {
	t.Helper()
	var prefix [5]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		t.Fatalf("read the prefix of a message = %v, want nil", err)
	}
	message = make([]byte, binary.BigEndian.Uint32(prefix[1:]))
	if _, err := io.ReadFull(r, message); err != nil {
		t.Fatalf("read a message = %v, want nil", err)
	}
	return prefix[0], message
}

// Messages of streams are not compressed for each subscriber, even if it would
// take them so.
func TestStreamsAreNotCompressed(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		text := strings.Repeat("again ", 600)
		for name, headers := range map[string][]string{
			"Connect":  {"Content-Type", "application/connect+json", "Connect-Accept-Encoding", "gzip", "Connect-Protocol-Version", "1"},
			"gRPC":     {"Content-Type", "application/grpc+json", "Grpc-Accept-Encoding", "gzip", "Te", "trailers"},
			"gRPC-Web": {"Content-Type", "application/grpc-web+json", "Grpc-Accept-Encoding", "gzip", "Accept-Encoding", "gzip"},
		} {
			response := w.post(t, chatv1connect.ChatRoomSubscribeProcedure, envelope(`{"rooms":[{"room":"lobby"}]}`), headers...)
			if got := response.Header.Get("Content-Encoding"); got != "" {
				t.Errorf("%s: Content-Encoding = %q, want none", name, got)
			}
			if got := response.Header.Get("X-Accel-Buffering"); got != "no" {
				t.Errorf("%s: X-Accel-Buffering = %q, want no", name, got)
			}
			w.say(t, "lobby", text)
			for _, want := range []string{"joined", "caughtup", "event"} {
				flags, message := readEnvelope(t, response.Body)
				var got chatv1.SubscribeResponse
				if err := protojson.Unmarshal(message, &got); flags != 0 || err != nil || kind(got.GetFrame()) != want {
					t.Fatalf("%s: message with flags %#x = %.40q, %v, want %s without compression", name, flags, message, err, want)
				}
			}
			_ = response.Body.Close()
		}
	})
}

// Answers of some size to single calls are.
func TestLargeAnswersAreCompressed(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		w.say(t, "small", "hi")
		w.say(t, "large", strings.Repeat("again ", 600))
		for room, want := range map[string]string{"small": "", "large": "gzip"} {
			response := w.post(t, chatv1connect.ChatRoomListEventsProcedure, `{"room":"`+room+`"}`, "Content-Type", "application/json", "Accept-Encoding", "gzip")
			if got := response.Header.Get("Content-Encoding"); got != want {
				t.Errorf("ListEvents of room %q: Content-Encoding = %q, want %q", room, got, want)
			}
		}
	})
}

// Requests may be compressed, on streams as well.
func TestCompressedRequests(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		for name, option := range map[string]connect.ClientOption{
			"Connect": connect.WithClientOptions(), "gRPC": connect.WithGRPC(), "gRPC-Web": connect.WithGRPCWeb(),
		} {
			w.client = chatv1connect.NewChatRoomClient(w.http, testOrigin, connect.WithSendGzip(), option)
			text := strings.Repeat(name, 300)
			stream := w.open(t, joinRequest("lobby"))
			expect(t, stream, "joined", "caughtup")
			stream.send(t, sendRequest("elsewhere", name, text))
			expect(t, stream, "accepted")
			if _, err := w.client.Send(t.Context(), sendRequest("lobby", name, text).GetSend()); err != nil {
				t.Errorf("%s: Send = %v, want nil", name, err)
			}
			if got := expect(t, stream, "event").GetEvent().GetMessage().GetText(); got != text {
				t.Errorf("%s: the event says %q, want %q", name, got, text)
			}
		}
	})
}

// The bound of a request holds for what it is decompressed.
func TestCompressedRequestsAreBounded(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		for name, size := range map[string]int{"just over": maxRequest, "a bomb": 100 * maxRead} {
			var body bytes.Buffer
			zip := gzip.NewWriter(&body)
			if _, err := zip.Write([]byte(`{"room":"lobby","id":"1","message":{"text":"` + strings.Repeat("a", size) + `"}}`)); err != nil {
				t.Fatal(err)
			}
			if err := zip.Close(); err != nil {
				t.Fatal(err)
			}
			response := w.post(t, chatv1connect.ChatRoomSendProcedure, body.String(), "Content-Type", "application/json", "Content-Encoding", "gzip")
			answer, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusTooManyRequests || !bytes.Contains(answer, []byte(`"resource_exhausted"`)) {
				t.Errorf("Send of %s = %s, %q, %v, want resource_exhausted", name, response.Status, answer, err)
			}
		}
	})
}
