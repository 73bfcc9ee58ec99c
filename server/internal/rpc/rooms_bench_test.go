package rpc

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/store/memory"
)

// BenchmarkListRooms answers for a page of 100 of 100,000 rooms, from the body of the
// HTTP request to that of the response.
func BenchmarkListRooms(b *testing.B) {
	const many = 100_000
	store := memory.Open(memory.Config{})
	service := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}})
	b.Cleanup(func() {
		service.Close()
		_ = store.Close()
	})
	for i := range many {
		post := chat.Post{Room: fmt.Sprintf("room-%06d", i), ID: "1", Body: chat.Message{Text: "hi"}}
		if _, err := service.Send(b.Context(), gopher, post); err != nil {
			b.Fatal(err)
		}
	}
	api := New(Config{Hub: service, Guests: identity.NewGuests(), Log: slog.New(slog.DiscardHandler)})
	b.Cleanup(func() { api.Stop(context.WithoutCancel(b.Context())) })
	handler := api.Handlers()["/"+chatv1connect.ChatRoomName+"/"]
	page, err := service.Directory().List(b.Context(), directory.Query{Order: directory.ByActivity, Limit: many / 2})
	if err != nil {
		b.Fatal(err)
	}
	head, err := store.Head(b.Context(), "room-000000")
	if err != nil {
		b.Fatal(err)
	}
	listed := func(cursor func(chat.RoomInfo) uint64) *chatv1.ListRoomsRequest {
		request := &chatv1.ListRoomsRequest{Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY}
		for _, r := range page.Rooms[:chat.MaxSeen] {
			at := &chatv1.Cursor{Epoch: head.Epoch, Sequence: cursor(r)}
			request.Seen = append(request.Seen, &chatv1.RoomCursor{Room: r.Name, Cursor: at})
		}
		return request
	}
	for name, request := range map[string]*chatv1.ListRoomsRequest{
		"by=name":              {PageToken: "room-050000"},
		"by=activity":          {PageToken: page.Next, Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY},
		"seen=100/at=head":     listed(func(r chat.RoomInfo) uint64 { return r.Head }),
		"seen=100/at=previous": listed(func(r chat.RoomInfo) uint64 { return r.Head - 1 }),
	} {
		for _, encoding := range []string{"proto", "json"} {
			body, err := proto.Marshal(request)
			if encoding == "json" {
				body, err = protojson.Marshal(request)
			}
			if err != nil {
				b.Fatal(err)
			}
			b.Run(name+"/"+encoding, func(b *testing.B) {
				for b.Loop() {
					r := httptest.NewRequest(http.MethodPost, chatv1connect.ChatRoomListRoomsProcedure, io.NopCloser(bytes.NewReader(body)))
					r.Header.Set("Content-Type", "application/"+encoding)
					w := httptest.NewRecorder()
					if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
						b.Fatalf("status %d: %s", w.Code, w.Body)
					}
				}
			})
		}
	}
}
