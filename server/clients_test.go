package main

import (
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// stay subscribes to the lobby until the test ends.
func stay(t *testing.T, p *program) {
	t.Helper()
	client := chatv1connect.NewChatRoomClient(harness.H2CClient(t), strings.TrimSuffix(p.url, "/"))
	stream, err := client.Subscribe(t.Context(), harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	harness.Must(t, err)
	t.Cleanup(func() { _ = stream.Close() })
	if !stream.Receive() {
		t.Fatalf("Subscribe: %v", stream.Err())
	}
}
