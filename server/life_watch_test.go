package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// Through every door the rooms are listed by activity, page by page.
func TestLifeRoomsByActivity(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	s := serve(t)
	for i, d := range lifeDoors {
		v := d.open(t, s, "").(resident)
		for _, name := range []string{"c", "a", "b"} {
			_, err := v.Send(ctx, saying(fmt.Sprint(name, i), "hi"))
			must(t, err)
		}
		var rooms []*chatv1.Room
		request := &chatv1.ListRoomsRequest{Order: chatv1.RoomOrder_ROOM_ORDER_ACTIVITY, PageSize: 2}
		for more := true; more; more = request.PageToken != "" {
			page, err := v.ListRooms(ctx, request)
			must(t, err)
			rooms = append(rooms, page.GetRooms()...)
			request.PageToken = page.GetNextPageToken()
		}
		newest := func(a, b *chatv1.Room) int {
			return cmp.Or(b.GetLastActivity().AsTime().Compare(a.GetLastActivity().AsTime()), strings.Compare(a.GetName(), b.GetName()))
		}
		if len(rooms) != 3*(i+1)+1 || !slices.IsSortedFunc(rooms, newest) || rooms[len(rooms)-1].GetName() != "lobby" {
			t.Errorf("%s: rooms by activity = %v, want those said in, and then the lobby", d.name, rooms)
		}
	}
}

// Through every door a watcher is told of rooms that it has not joined.
func TestLifeWatchRooms(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range lifeDoors {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				t.Parallel()
				ctx, room := bounded(t), fmt.Sprintf("watched-%d-%d", i, m)
				v := d.open(t, s, "").(resident)
				receive, stop := watchRooms(t, d, m, v)
				_, err := v.Send(ctx, saying(room, "hi"))
				must(t, err)
				for told := false; !told; {
					changed := expect(t, receive, (*chatv1.Frame).GetRoomsChanged)
					for _, r := range changed.GetRooms() {
						if told = told || r.GetName() == room; r.GetName() != room {
							continue
						}
						if r.GetHead() == 0 || r.GetMessages() != 1 || r.GetMembers() != 0 || r.GetLastActivity() == nil {
							t.Errorf("told of %v, want its head and one message", r)
						}
					}
				}
				stop()
			})
		}
	}
}

// watchRooms joins a room and watches the list, and takes the frames with which that
// begins. The returned function ends the watch, if it can be ended.
func watchRooms(t *testing.T, d door, m manner, v resident) (receive frames, stop func()) {
	t.Helper()
	ctx := bounded(t)
	lobby := &chatv1.Subscription{Room: "lobby"}
	if m != byChat {
		request := only(lobby)
		request.WatchRooms = true
		receive, err := v.subscribe(ctx, request)
		must(t, err)
		expect(t, receive, (*chatv1.Frame).GetJoined)
		expectIncomplete(t, receive)
		expect(t, receive, (*chatv1.Frame).GetCaughtUp)
		return receive, func() {}
	}
	stream, err := v.chat(ctx)
	must(t, err)
	must(t, stream.send(joinRequest(lobby)))
	stream.receive.joined(t)
	watch := func(stop bool) {
		must(t, stream.send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_WatchRooms{WatchRooms: &chatv1.WatchRooms{Stop: stop}}}))
	}
	watch(false)
	expectIncomplete(t, stream.receive)
	return stream.receive, func() {
		watch(true)
		watch(false)
		// What came before the watch ended may come first.
		for !expect(t, stream.receive, (*chatv1.Frame).GetRoomsChanged).GetIncomplete() {
		}
	}
}

func expectIncomplete(t *testing.T, receive frames) {
	t.Helper()
	if changed := expect(t, receive, (*chatv1.Frame).GetRoomsChanged); !changed.GetIncomplete() || len(changed.GetRooms()) > 0 {
		t.Errorf("a watch begins with %v, want an empty frame that is incomplete", changed)
	}
}
