package rpc

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"chatroom/gen/chat/v1/chatv1connect"
)

func TestContentTypesWithParameters(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		const send, subscribe = chatv1connect.ChatRoomSendProcedure, chatv1connect.ChatRoomSubscribeProcedure
		const message = `{"room":"lobby","id":"1","message":{"text":"hi"}}`
		const notUTF8 = `{"room":"lobby","id":"` + bad + `"}`
		for _, tt := range []struct {
			procedure, contentType, body string
			status                       int
			want                         string // of the content type of the response
			contains                     string
		}{
			{send, "application/json; charset=utf-8", message, 200, "application/json", `"sequence":`},
			{send, "application/json;charset=UTF-8", message, 200, "application/json", `"sequence":`},
			{send, "application/json; profile=x", message, 200, "application/json", `"sequence":`},
			{send, `application/json; profile="a;b"; charset=utf-8`, message, 200, "application/json", `"sequence":`},
			{send, "Application/JSON ; profile", message, 200, "application/json", `"sequence":`},
			{send, "application/json; charset=utf-8", notUTF8, 400, "application/json", "id: must be valid UTF-8"},
			{send, "application/grpc+json; charset=utf-8", envelope(message), 200, "application/grpc+json", `"sequence":`},
			{send, "application/grpc-web+json; charset=utf-8", envelope(message), 200, "application/grpc-web+json", `"sequence":`},
			{subscribe, "application/connect+json; charset=utf-8", envelope(`{"rooms":[]}`), 200, "application/connect+json", "rooms: must contain at least 1 item"},
			{subscribe, "application/connect+json; charset=utf-8", "no envelope", 200, "application/connect+json", "the request must be in envelopes"},
			{send, "text/plain; charset=utf-8", message, 415, "application/json", "content-type: must be application/json, or one of application/"},
			{subscribe, "application/json", `{"rooms":[]}`, 415, "application/json", "content-type: must be application/connect+json, or one of application/"},
			{send, "; charset=utf-8", message, 415, "application/json", "content-type: must be application/json, or one of application/"},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, testOrigin+tt.procedure, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", tt.contentType)
			response, err := w.http.Do(r)
			if err != nil {
				t.Fatalf("%s: %v", tt.contentType, err)
			}
			body, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if got := response.Header.Get("Content-Type"); err != nil || response.StatusCode != tt.status || got != tt.want || !strings.Contains(string(body), tt.contains) {
				t.Errorf("%s with %.30q = %d, %s, %q, %v, want %d, %s, … %s …",
					tt.contentType, tt.body, response.StatusCode, got, body, err, tt.status, tt.want, tt.contains)
			}
		}
	})
}
