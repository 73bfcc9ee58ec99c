package rpc

import (
	"io"
	"net/http"
	"testing"
	"time"

	"chatroom/gen/chat/v1/chatv1connect"
)

// A request that does not arrive is given up, and so is its stream.
func TestSlowRequestIsGivenUp(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		body, never := io.Pipe()
		defer never.Close()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, testOrigin+chatv1connect.ChatRoomSendProcedure, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		start := time.Now()
		response, err := w.http.Do(r)
		expectElapsed(t, "the answer to a request without an end", start, bodyTimeout)
		if err != nil {
			return // the stream was reset
		}
		defer response.Body.Close()
		if response.StatusCode == http.StatusOK {
			t.Errorf("status = %d, want an error", response.StatusCode)
		}
	})
}
