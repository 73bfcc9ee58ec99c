package hub_test

import (
	"os"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/sqlite"
)

// testdata/store was written in November 2026, with messages, a reply, an edit, reactions
// that were added and removed, a deletion, a custom event and a profile. history.json is
// the page that its room had then.
func TestStoreOfAnEarlierVersion(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/store")); err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	h := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}})
	defer func() {
		h.Close()
		if err := store.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	}()
	text, err := os.ReadFile("testdata/history.json")
	if err != nil {
		t.Fatal(err)
	}
	var want chatv1.ListEventsResponse
	if err := protojson.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	page, err := h.History(t.Context(), history.Query{Room: "tea"}, 0)
	if err != nil {
		t.Fatalf("History = %v, want nil", err)
	}
	got := &chatv1.ListEventsResponse{Epoch: page.Epoch}
	for _, e := range page.Events {
		got.Events = append(got.Events, eventpb.FromEvent(e))
	}
	if !proto.Equal(got, &want) {
		t.Errorf("History = %v, want %v", got, &want)
	}
	rooms, err := h.Directory().List(t.Context(), directory.Query{Limit: 10})
	if err != nil || len(rooms.Rooms) != 1 {
		t.Fatalf("List = %+v, %v, want the one room", rooms, err)
	}
	if room := rooms.Rooms[0]; room.Name != "tea" || room.Messages != 4 || room.Profile != (chat.Profile{DisplayName: "Tea", Topic: "leaves"}) {
		t.Errorf("List = %+v, want room tea with 4 messages and its profile", room)
	}
}
