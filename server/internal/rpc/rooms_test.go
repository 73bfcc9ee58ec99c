package rpc

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
)

// inProtocols runs a test with a client of each protocol, in a bubble of its own.
func inProtocols(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for name, options := range protocols {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{}, func(t *testing.T, w *world) {
				w.client = chatv1connect.NewChatRoomClient(w.http, testOrigin, options...)
				test(t, w)
			})
		})
	}
}

// listed returns the names of all rooms in an order, read two at a time.
func (w *world) listed(t *testing.T, order chatv1.RoomOrder) []string {
	t.Helper()
	var names []string
	request := &chatv1.ListRoomsRequest{PageSize: 2, Order: order}
	for {
		page, err := w.client.ListRooms(t.Context(), request)
		if err != nil {
			t.Fatalf("ListRooms(%v) = %v, want nil", request, err)
		}
		for _, r := range page.GetRooms() {
			names = append(names, r.GetName())
		}
		if request.PageToken = page.GetNextPageToken(); request.PageToken == "" {
			return names
		}
		if len(page.GetRooms()) != 2 {
			t.Fatalf("ListRooms(%v) = %v, want 2 rooms as there are more", request, page)
		}
	}
}

func TestListRoomsOrder(t *testing.T) {
	inProtocols(t, func(t *testing.T, w *world) {
		for _, room := range []string{"b", "d", "a", "e", "c"} {
			<-time.After(time.Second)
			w.say(t, room, "hi")
		}
		<-time.After(time.Second)
		w.say(t, "d", "again")
		byName := []string{"a", "b", "c", "d", "e", "lobby"}
		byActivity := []string{"d", "c", "e", "a", "b", "lobby"}
		for order, want := range map[chatv1.RoomOrder][]string{
			chatv1.RoomOrder_ROOM_ORDER_UNSPECIFIED: byName,
			chatv1.RoomOrder_ROOM_ORDER_NAME:        byName,
			chatv1.RoomOrder_ROOM_ORDER_ACTIVITY:    byActivity,
		} {
			if got := w.listed(t, order); !slices.Equal(got, want) {
				t.Errorf("rooms in %v = %q, want %q", order, got, want)
			}
		}
	})
}

// A token of another order, or of no page at all, is refused and named.
func TestListRoomsBadToken(t *testing.T) {
	inProtocols(t, func(t *testing.T, w *world) {
		for _, request := range []*chatv1.ListRoomsRequest{
			{PageToken: "Lobby!"},
			{PageToken: "1764166876000/lobby"},
			{PageToken: "lobby", Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY},
			{PageToken: "-1/lobby", Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY},
			{PageToken: "x/lobby", Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY},
			{PageToken: "1764166876000/", Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY},
			{PageToken: "1764166876000/" + strings.Repeat("a", 65), Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY},
			{PageToken: strings.Repeat("a", 129)},
		} {
			_, err := w.client.ListRooms(t.Context(), request)
			if connect.CodeOf(err) != connect.CodeInvalidArgument || violated(t, err) != "page_token" {
				t.Errorf("ListRooms(%v) = %v, want %v for page_token", request, err, connect.CodeInvalidArgument)
			}
		}
	})
}

// violated returns the field that an error is about.
func violated(t *testing.T, err error) string {
	t.Helper()
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return ""
	}
	for _, d := range coded.Details() {
		message, err := d.Value()
		if err != nil {
			t.Fatalf("detail of %v: %v", coded, err)
		}
		if v, ok := message.(*validate.Violations); ok {
			return v.GetViolations()[0].GetField().GetElements()[0].GetFieldName()
		}
	}
	return ""
}

// What the caller itself has said is not unread.
func TestUnreadIsOfOthers(t *testing.T) {
	inProtocols(t, func(t *testing.T, w *world) {
		first, err := w.client.Send(t.Context(), sendRequest("lobby", "1", "by nobody").GetSend())
		if err != nil {
			t.Fatalf("Send = %v, want nil", err)
		}
		signedIn, err := w.client.SignIn(t.Context(), &chatv1.SignInRequest{Name: "ada"})
		if err != nil {
			t.Fatalf("SignIn = %v, want nil", err)
		}
		ada := signedIn.GetMember()
		own := chat.Member{ID: ada.GetId(), Name: ada.GetName(), Guest: ada.GetGuest()}
		for i, by := range []chat.Member{own, gopher, own, gopher, gopher} {
			if _, err := w.chat.Send(t.Context(), by, chat.Post{Room: "lobby", ID: fmt.Sprint("id-", i), Body: chat.Message{Text: "hi"}}); err != nil {
				t.Fatalf("Send = %v, want nil", err)
			}
		}
		seen := []*chatv1.RoomCursor{{Room: "lobby", Cursor: &chatv1.Cursor{Epoch: first.GetEpoch(), Sequence: first.GetSequence()}}}
		for token, want := range map[string]uint32{signedIn.GetToken(): 3, "": 5} {
			ctx, call := connect.NewClientContext(t.Context())
			if token != "" {
				call.RequestHeader().Set("Authorization", "Bearer "+token)
			}
			page, err := w.client.ListRooms(ctx, &chatv1.ListRoomsRequest{Seen: seen})
			if err != nil {
				t.Fatalf("ListRooms = %v, want nil", err)
			}
			if r := page.GetRooms()[0]; r.GetUnread() != want || r.GetMessages() != 6 {
				t.Errorf("ListRooms with token %t = %v, want %d of 6 messages unread", token != "", r, want)
			}
		}
	})
}

// Rooms that change within a second are told of once and together.
func TestWatchRoomsOnSubscribe(t *testing.T) {
	inProtocols(t, func(t *testing.T, w *world) {
		stream, err := w.client.Subscribe(t.Context(), &chatv1.SubscribeRequest{
			Rooms: []*chatv1.Subscription{{Room: "lobby"}}, WatchRooms: true,
		})
		if err != nil {
			t.Fatalf("Subscribe = %v, want nil", err)
		}
		defer stream.Close()
		receive := subscribed{stream}
		expect(t, receive, "joined")
		expectIncomplete(t, expect(t, receive, "roomschanged"))
		expect(t, receive, "caughtup")

		start := time.Now()
		w.say(t, "quiet", "one")
		w.say(t, "quiet", "two")
		w.say(t, "other", "three")
		changed := expect(t, receive, "roomschanged").GetRoomsChanged()
		want := []string{"other head=3 members=0 messages=1", "quiet head=2 members=0 messages=2"}
		if got := rooms(changed); !slices.Equal(got, want) || changed.GetIncomplete() {
			t.Errorf("changed: %q, incomplete %t, want %q", got, changed.GetIncomplete(), want)
		}
		if pause := time.Since(start); pause > time.Second {
			t.Errorf("told after %v, want 1 s at most", pause)
		}
	})
}

func TestWatchRoomsOnChat(t *testing.T) {
	inProtocols(t, func(t *testing.T, w *world) {
		stream := w.open(t, joinRequest("lobby"))
		expect(t, stream, "joined", "caughtup")
		stream.send(t, watchRequest(false))
		expectIncomplete(t, expect(t, stream, "roomschanged"))
		w.say(t, "other", "hi")
		if got, want := rooms(expect(t, stream, "roomschanged").GetRoomsChanged()), []string{"other head=1 members=0 messages=1"}; !slices.Equal(got, want) {
			t.Errorf("changed: %q, want %q", got, want)
		}
		stream.send(t, watchRequest(true))
		stream.send(t, watchRequest(true)) // once more changes nothing
		synctest.Wait()
		w.say(t, "other", "not told")
		<-time.After(3 * time.Second)
		stream.send(t, sendRequest("lobby", "id", "the next frame"))
		expect(t, stream, "event", "accepted")
		stream.send(t, watchRequest(false))
		expectIncomplete(t, expect(t, stream, "roomschanged"))
	})
}

// The first request of a stream is a join, also for who wants to watch.
func TestWatchRoomsIsNotAJoin(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		_ = expectEnd(t, w.open(t, watchRequest(false)), connect.CodeInvalidArgument)
	})
}

func watchRequest(stop bool) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_WatchRooms{WatchRooms: &chatv1.WatchRooms{Stop: stop}}}
}

func expectIncomplete(t *testing.T, f *chatv1.Frame) {
	t.Helper()
	if want := (&chatv1.RoomsChanged{Incomplete: true}); !proto.Equal(f.GetRoomsChanged(), want) {
		t.Errorf("first frame of a watch = %v, want %v", f, want)
	}
}

// rooms says in short what a frame says of rooms.
func rooms(c *chatv1.RoomsChanged) []string {
	var all []string
	for _, r := range c.GetRooms() {
		all = append(all, fmt.Sprintf("%s head=%d members=%d messages=%d", r.GetName(), r.GetHead(), r.GetMembers(), r.GetMessages()))
	}
	return all
}

// All watchers are sent the same bytes.
func TestRoomsChangedIsEncodedOnce(t *testing.T) {
	changed := &chat.RoomsChanged{
		Rooms:   []chat.RoomInfo{{Name: "a", Head: 7, Messages: 3, Members: 2, LastActivity: time.UnixMilli(5), Unread: -1}},
		Removed: []string{"b"}, Incomplete: true,
	}
	for _, c := range []*codec{protoCodec, newJSONCodec(nil)} {
		first, err := (*roomsFrame)(changed).encoded(c)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		second, err := (*roomsFrame)(changed).encoded(c)
		if err != nil || &first[0] != &second[0] {
			t.Errorf("%s: encoded twice (%v), want once", c.name, err)
		}
		var got chatv1.ChatResponse
		if err := c.unmarshal(bytes.Clone(first), &got); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		want := &chatv1.RoomsChanged{
			Rooms:   []*chatv1.RoomSummary{{Name: "a", Head: 7, Messages: 3, Members: 2, LastActivity: eventpb.FromTime(time.UnixMilli(5))}},
			Removed: []string{"b"}, Incomplete: true,
		}
		if !proto.Equal(got.GetFrame().GetRoomsChanged(), want) {
			t.Errorf("%s: decoded %v, want %v", c.name, &got, want)
		}
	}
}
