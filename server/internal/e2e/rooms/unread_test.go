package rooms

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// A room is listed with where it stands, and with how many messages come after what
// the caller has seen.
func TestUnreadCounts(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			ctx := harness.Context(t)
			n := s.JoinPair(ctx, t, d, harness.ViaSend, fmt.Sprintf("unread-%d", i))
			first := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "one"})
			second := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "two"})
			n.SendAndReceive(t, n.Ada, harness.EditRequest(n.Room, n.NewID(), first, "one, edited"))
			n.SendAndReceive(t, n.Ben, harness.ReactionRequest(n.Room, n.NewID(), first, "👍", false))
			third := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "three"})
			slip := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "a slip"})
			n.SendAndReceive(t, n.Ada, harness.EditRequest(n.Room, n.NewID(), slip, "still a slip"))
			head := n.SendAndReceive(t, n.Ada, harness.DeletionRequest(n.Room, n.NewID(), slip))
			epoch := n.Ada.Joined.GetRooms()[0].GetEpoch()
			at := func(epoch string, sequence uint64) *chatv1.RoomCursor {
				return &chatv1.RoomCursor{Room: n.Room, Cursor: &chatv1.Cursor{Epoch: epoch, Sequence: sequence}}
			}
			for name, c := range map[string]struct {
				seen *chatv1.RoomCursor
				want uint32
			}{
				"nothing": {at(epoch, 0), 3}, "one": {at(epoch, first), 2}, "two": {at(epoch, second), 1}, "three": {at(epoch, third), 0},
				"what is deleted": {at(epoch, slip), 0}, "all": {at(epoch, head), 0},
				"another epoch": {at("another", third), 3}, "beyond the end": {at(epoch, head+1000), 3},
			} {
				if r := listedRoom(ctx, t, n, n.Ben, c.seen); r.Unread == nil || r.GetUnread() != c.want {
					t.Errorf("ben, who has seen %s, has unread %v, want %d", name, r, c.want)
				}
				if r := listedRoom(ctx, t, n, n.Ada, c.seen); r.Unread == nil || r.GetUnread() != 0 {
					t.Errorf("ada, who has seen %s, has unread %v, want 0: all messages are ada's", name, r)
				}
			}
			r := listedRoom(ctx, t, n, n.Ada)
			accepted := n.Ada.AwaitSequence(t, head).GetTime().AsTime().Truncate(time.Millisecond)
			if stored := r.GetLastActivity().AsTime(); stored.Before(accepted) || stored.After(time.Now()) {
				t.Errorf("last active at %v, want %v or a little later", stored, accepted)
			}
			want := &chatv1.Room{Name: n.Room, Head: head, Members: 2, Messages: 4, LastActivity: r.GetLastActivity(), Rights: r.GetRights()}
			if !proto.Equal(r, want) {
				t.Errorf("listed as %v, want %v without unread", r, want)
			}
			_, err := n.Ada.ListRooms(ctx, &chatv1.ListRoomsRequest{Seen: []*chatv1.RoomCursor{at(epoch, 0), at(epoch, 1)}})
			harness.RefusalOf(err).Check(t, harness.InvalidArgument("seen", "each room once"))
		})
	}
}

// More unread messages than 100 are 100.
func TestUnreadCountIsCapped(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	n := harness.Start(t, harness.InMemory).JoinPair(ctx, t, harness.ConnectHTTP2, harness.ViaSend, "unread")
	var at []*chatv1.SendResponse
	for range 120 {
		at = append(at, n.Ada.MustSend(t, harness.TextRequest(n.Room, n.NewID())))
	}
	for seen, want := range map[int]uint32{0: 100, 18: 100, 19: 100, 20: 99, 119: 0} {
		cursor := &chatv1.Cursor{Epoch: at[seen].GetEpoch(), Sequence: at[seen].GetSequence()}
		if r := listedRoom(ctx, t, n, n.Ben, &chatv1.RoomCursor{Room: n.Room, Cursor: cursor}); r.GetUnread() != want {
			t.Errorf("who has seen %d of 120 has unread %v, want %d", seen+1, r, want)
		}
	}
}
