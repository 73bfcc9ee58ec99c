package rooms

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// On every protocol, rooms are listed by activity, page by page.
func TestRoomsByActivity(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		v := d.Open(t, s, "")
		for _, name := range []string{"c", "a", "b"} {
			_, err := v.Send(ctx, harness.TextRequest(fmt.Sprint(name, i), "hi"))
			harness.Must(t, err)
		}
		var rooms []*chatv1.Room
		request := &chatv1.ListRoomsRequest{Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY, PageSize: 2}
		for more := true; more; more = request.PageToken != "" {
			page, err := v.ListRooms(ctx, request)
			harness.Must(t, err)
			rooms = append(rooms, page.GetRooms()...)
			request.PageToken = page.GetNextPageToken()
		}
		newest := func(a, b *chatv1.Room) int {
			return cmp.Or(b.GetLastActivity().AsTime().Compare(a.GetLastActivity().AsTime()), strings.Compare(a.GetName(), b.GetName()))
		}
		if len(rooms) != 3*(i+1)+1 || !slices.IsSortedFunc(rooms, newest) || rooms[len(rooms)-1].GetName() != "lobby" {
			t.Errorf("%s: rooms by activity = %v, want those with messages, and then the lobby", d.Name, rooms)
		}
	}
}

// On every protocol, a watcher receives changes of rooms that it has not joined.
func TestWatchRooms(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				ctx, room := harness.Context(t), fmt.Sprintf("watched-%d-%d", i, m)
				v := d.Open(t, s, "")
				receive, stop := watchRooms(t, d, m, v)
				_, err := v.Send(ctx, harness.TextRequest(room, "hi"))
				harness.Must(t, err)
				for told := false; !told; {
					changed := harness.Expect(t, receive, (*chatv1.Frame).GetRoomsChanged)
					for _, r := range changed.GetRooms() {
						if told = told || r.GetName() == room; r.GetName() != room {
							continue
						}
						if r.GetHead() == 0 || r.GetMessages() != 1 || r.GetMembers() != 0 || r.GetLastActivity() == nil {
							t.Errorf("received %v, want its head and one message", r)
						}
					}
				}
				stop()
			})
		}
	}
}

// watchRooms joins a room, watches the list, and takes the frames that this begins with.
// The returned function ends the watch, where the protocol allows it.
func watchRooms(t *testing.T, d harness.Protocol, m harness.Mode, v harness.Client) (receive harness.Frames, stop func()) {
	t.Helper()
	ctx := harness.Context(t)
	lobby := &chatv1.Subscription{Room: "lobby"}
	if m != harness.ViaChat {
		request := harness.SubscribeTo(lobby)
		request.WatchRooms = true
		receive, err := v.Subscribe(ctx, request)
		harness.Must(t, err)
		harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
		expectIncomplete(t, receive)
		harness.Expect(t, receive, (*chatv1.Frame).GetCaughtUp)
		return receive, func() {}
	}
	stream, err := v.Chat(ctx)
	harness.Must(t, err)
	harness.Must(t, stream.Send(harness.JoinAction(lobby)))
	stream.Receive.Joined(t)
	watch := func(stop bool) {
		harness.Must(t, stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_WatchRooms{WatchRooms: &chatv1.WatchRooms{Stop: stop}}}))
	}
	watch(false)
	expectIncomplete(t, stream.Receive)
	return stream.Receive, func() {
		watch(true)
		watch(false)
		// What came before the watch ended may come first.
		for !harness.Expect(t, stream.Receive, (*chatv1.Frame).GetRoomsChanged).GetIncomplete() {
		}
	}
}

func expectIncomplete(t *testing.T, receive harness.Frames) {
	t.Helper()
	if changed := harness.Expect(t, receive, (*chatv1.Frame).GetRoomsChanged); !changed.GetIncomplete() || len(changed.GetRooms()) > 0 {
		t.Errorf("a watch begins with %v, want an empty frame that is incomplete", changed)
	}
}
