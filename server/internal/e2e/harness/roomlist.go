package harness

import (
	"context"
	"fmt"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// RoomList sees which rooms there are.
type RoomList struct{ Client chatv1connect.ChatRoomClient }

// Await waits until the list of rooms is as wanted.
func (l RoomList) Await(ctx context.Context, t *testing.T, want string, ok func(rooms map[string]uint32) bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last map[string]uint32
	for {
		response, err := l.Client.ListRooms(ctx, &chatv1.ListRoomsRequest{PageSize: 1000})
		rooms := make(map[string]uint32)
		for _, r := range response.GetRooms() {
			rooms[r.GetName()] = r.GetMembers()
		}
		if err == nil && ok(rooms) {
			return
		}
		if err == nil {
			last = rooms
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("members by room = %v, %v, want %s", last, err, want)
		}
	}
}

// AwaitMembers waits until rooms have as many members.
func (l RoomList) AwaitMembers(ctx context.Context, t *testing.T, want map[string]uint32) {
	t.Helper()
	l.Await(ctx, t, fmt.Sprint(want), func(rooms map[string]uint32) bool {
		for name, n := range want {
			if rooms[name] != n {
				return false
			}
		}
		return true
	})
}
