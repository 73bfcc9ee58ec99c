package rpc

import (
	"slices"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/policy"
)

// roomRights are a caller's rights in a room.
type roomRights struct {
	room   string
	rights policy.Rights
	mute   *policy.Denial // nil for none
}

// rightsIn returns the rights in a room that exists. They do not contain create.
func (s *Server) rightsIn(c *policy.Caller, room, creator string) roomRights {
	rights, denial := s.config.Policy.Standing(*c, policy.Room{Name: room, Creator: creator})
	held := roomRights{room: room, rights: rights &^ policy.Create}
	if denial != nil && denial.Effect == policy.Mute {
		held.mute = denial
	}
	return held
}

// joinedFrame returns the frame for a Joined, and keeps the rights that it tells.
func (s *stream) joinedFrame(item chat.Joined) *chatv1.Frame {
	credential, c := s.credential.current(), s.rights()
	joined := &chatv1.Joined{Member: eventpb.FromMember(credential.Member), HeartbeatInterval: durationpb.New(s.server.config.Heartbeat)}
	if !credential.Expires.IsZero() {
		joined.StreamId, joined.TokenExpireTime = s.credential.streamID, eventpb.FromTime(credential.Expires)
	}
	for _, r := range item.Rooms {
		state := toRoomState(r)
		held := s.server.rightsIn(c, r.Room, r.Creator)
		if moderator := held.rights&policy.Moderate != 0; moderator != r.Member.Moderator {
			// The caller has made the room by joining it, or the policy has changed.
			r.Member.Moderator = moderator
			s.server.config.Hub.SetModerator(r.Room, c.Member, moderator)
		}
		if r.Member != credential.Member {
			state.Member = eventpb.FromMember(r.Member)
		}
		state.Rights, state.Muted = toRights(held.rights), toMuted(held.mute)
		s.tell(held)
		joined.Rooms = append(joined.Rooms, state)
	}
	return &chatv1.Frame{Kind: &chatv1.Frame_Joined{Joined: joined}}
}

// tell keeps what the client is told, and reports whether it did not know that.
func (s *stream) tell(held roomRights) bool {
	if held.mute != nil && !held.mute.Until.IsZero() && (s.rightsDue.IsZero() || held.mute.Until.Before(s.rightsDue)) {
		s.rightsDue = held.mute.Until
	}
	i := slices.IndexFunc(s.told, func(t roomRights) bool { return t.room == held.room })
	if i < 0 {
		s.told = append(s.told, held)
		return true
	}
	former := s.told[i]
	s.told[i] = held
	return former != held
}

// addRights tells the rights that have changed, in the rooms of which the client knows that
// it has joined them. Those that it has left are forgotten.
func (s *stream) addRights(batch *[]byte, held []roomRights) error {
	s.rightsDue = time.Time{}
	index := func(of []roomRights, room string) int {
		return slices.IndexFunc(of, func(r roomRights) bool { return r.room == room })
	}
	s.told = slices.DeleteFunc(s.told, func(t roomRights) bool { return index(held, t.room) < 0 })
	for _, r := range held {
		if index(s.told, r.room) < 0 || !s.tell(r) {
			continue // Joined tells it, or it is known
		}
		frame := &chatv1.Frame{Kind: &chatv1.Frame_RightsChanged{RightsChanged: &chatv1.RightsChanged{
			Room: r.room, Rights: toRights(r.rights), Muted: toMuted(r.mute),
		}}}
		if err := s.add(batch, frame); err != nil {
			return err
		}
	}
	return nil
}

// rightsAreDue reports whether a mute that the client knows of has ended.
func (s *stream) rightsAreDue(now time.Time) bool {
	return !s.rightsDue.IsZero() && !now.Before(s.rightsDue)
}
