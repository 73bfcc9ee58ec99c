package rights

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/reflect/protoreflect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// The rights, as the policy file names them.
var rights = []string{"read", "post", "react", "edit_own", "create", "manage", "moderate"}

// set is a set of rights.
type set map[string]bool

func allBut(excluded ...string) set {
	s := make(set)
	for _, right := range rights {
		s[right] = !slices.Contains(excluded, right)
	}
	return s
}

// list returns the set as the policy file has it, without some of the rights.
func (s set) list(excluded ...string) string {
	var names []string
	for _, right := range rights {
		if s[right] && !slices.Contains(excluded, right) {
			names = append(names, right)
		}
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// forMembers are the rights that refer to a member: anonymous callers can't have them.
var forMembers = []string{"react", "edit_own", "manage", "moderate"}

// call is one way to use a method. Its target does not exist: without side effects on the
// other calls, the code shows that the caller was allowed.
type call struct {
	name    string
	needs   []string     // rights, any of which is enough
	allowed connect.Code // zero for success
	do      func(ctx context.Context, c harness.Client, room string) error
}

const nowhere = 1 << 40

// calls are by the full name of the method.
var calls = map[protoreflect.FullName][]call{
	"chat.v1.ChatRoom.Send": {
		{"message", []string{"post"}, 0, send(harness.TextRequest("", "hi"))},
		{"typing", []string{"post"}, 0, nil}, // filled in by init: anonymous callers are refused
		{"edit", []string{"edit_own"}, connect.CodeNotFound, send(harness.EditRequest("", "e", nowhere, "text"))},
		{"deletion", []string{"edit_own", "moderate"}, connect.CodeNotFound, send(harness.DeletionRequest("", "d", nowhere))},
		{"reaction", []string{"react"}, connect.CodeNotFound, send(harness.ReactionRequest("", "r", nowhere, "👍", false))},
	},
	"chat.v1.ChatRoom.SendBatch": {
		{"message", []string{"post"}, 0, inBatch(harness.TextRequest("", "hi"))},
		{"edit", []string{"edit_own"}, connect.CodeNotFound, inBatch(harness.EditRequest("", "e", nowhere, "text"))},
		{"deletion", []string{"edit_own", "moderate"}, connect.CodeNotFound, inBatch(harness.DeletionRequest("", "d", nowhere))},
		{"reaction", []string{"react"}, connect.CodeNotFound, inBatch(harness.ReactionRequest("", "r", nowhere, "👍", false))},
	},
	"chat.v1.ChatRoom.Chat": {
		{"join", []string{"read"}, 0, func(ctx context.Context, c harness.Client, room string) error {
			return first(ctx, c, harness.JoinAction(&chatv1.Subscription{Room: room}))
		}},
		{"message", []string{"post"}, 0, inBand(harness.TextRequest("", "hi"))},
		{"edit", []string{"edit_own"}, connect.CodeNotFound, inBand(harness.EditRequest("", "e", nowhere, "text"))},
		{"deletion", []string{"edit_own", "moderate"}, connect.CodeNotFound, inBand(harness.DeletionRequest("", "d", nowhere))},
		{"reaction", []string{"react"}, connect.CodeNotFound, inBand(harness.ReactionRequest("", "r", nowhere, "👍", false))},
	},
	"chat.v1.ChatRoom.Subscribe": {{"", []string{"read"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		receive, err := c.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: room}))
		if err == nil {
			_, err = receive()
		}
		return err
	}}},
	"chat.v1.ChatRoom.ListEvents": {
		{"", []string{"read"}, 0, func(ctx context.Context, c harness.Client, room string) error {
			_, err := c.ListEvents(ctx, &chatv1.ListEventsRequest{Room: room})
			return err
		}},
	},
	"chat.v1.ChatRoom.ListMembers": {{"", []string{"read"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.ListMembers(ctx, &chatv1.ListMembersRequest{Room: room})
		return err
	}}},
	// It refuses nobody: a room that may not be read is not in the list.
	"chat.v1.ChatRoom.ListRooms": {{"", []string{"read"}, 0, nil}},
	"chat.v1.ChatRoom.SetRoom": {{"", []string{"manage"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.SetRoom(ctx, &chatv1.SetRoomRequest{Room: room, Topic: "a topic"})
		return err
	}}},
	// It is about no room.
	"chat.v1.ChatRoom.SignIn": {{"", nil, 0, func(ctx context.Context, c harness.Client, _ string) error {
		_, err := c.SignIn(ctx, &chatv1.SignInRequest{Name: "again"})
		return err
	}}},
	// It is about the token alone, which the other calls need.
	"chat.v1.ChatRoom.SignOut": {{"", nil, 0, nil}},
	// It is about the caller's own stream, and needs a token.
	"chat.v1.ChatRoom.RenewStream": {{"", nil, connect.CodeNotFound, func(ctx context.Context, c harness.Client, _ string) error {
		_, err := c.RenewStream(ctx, &chatv1.RenewStreamRequest{StreamId: "unknown"})
		return err
	}}},
	// It needs a credential that grants the management of all rooms. No right in a room is
	// enough.
	"chat.v1.ChatRoom.RevokeTokens": {{"", nil, connect.CodePermissionDenied, func(ctx context.Context, c harness.Client, _ string) error {
		_, err := c.RevokeTokens(ctx, &chatv1.RevokeTokensRequest{Target: &chatv1.RevokeTokensRequest_Member{Member: &chatv1.RevokedMember{MemberId: "stranger"}}})
		return err
	}}},
	"chat.v1.Moderation.Mute": {{"", []string{"moderate"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.Mute(ctx, &chatv1.MuteRequest{Room: room, Subject: subject("stranger")})
		return err
	}}},
	"chat.v1.Moderation.Kick": {{"", []string{"moderate"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.Kick(ctx, &chatv1.KickRequest{Room: room, Subject: subject("stranger")})
		return err
	}}},
	"chat.v1.Moderation.Ban": {{"", []string{"moderate"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.Ban(ctx, &chatv1.BanRequest{Room: room, Subject: subject("stranger")})
		return err
	}}},
	"chat.v1.Moderation.Unmute": {{"", []string{"moderate"}, connect.CodeNotFound, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.Unmute(ctx, &chatv1.UnmuteRequest{Room: room, Subject: subject("nobody")})
		return err
	}}},
	"chat.v1.Moderation.Unban": {{"", []string{"moderate"}, connect.CodeNotFound, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.Unban(ctx, &chatv1.UnbanRequest{Room: room, Subject: subject("nobody")})
		return err
	}}},
	"chat.v1.Moderation.ListDenials": {{"", []string{"moderate"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.ListDenials(ctx, &chatv1.ListDenialsRequest{Room: room})
		return err
	}}},
	"chat.v1.Moderation.ListAudit": {{"", []string{"moderate"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.ListAudit(ctx, &chatv1.ListAuditRequest{Room: room})
		return err
	}}},
	"chat.v1.Moderation.Explain": {{"", []string{"moderate"}, 0, func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.Explain(ctx, &chatv1.ExplainRequest{Room: room})
		return err
	}}},
}

func subject(id string) *chatv1.Subject {
	return &chatv1.Subject{Who: &chatv1.Subject_MemberId{MemberId: id}}
}

// in returns a request with another room.
func in(room string, r *chatv1.SendRequest) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: r.GetId(), Body: r.GetBody()}
}

func send(r *chatv1.SendRequest) func(context.Context, harness.Client, string) error {
	return func(ctx context.Context, c harness.Client, room string) error {
		_, err := c.Send(ctx, in(room, r))
		return err
	}
}

// inBatch sends in a batch of one, and returns the error that its result stands for.
func inBatch(r *chatv1.SendRequest) func(context.Context, harness.Client, string) error {
	return func(ctx context.Context, c harness.Client, room string) error {
		batch, err := c.SendBatch(ctx, &chatv1.SendBatchRequest{Sends: []*chatv1.SendRequest{in(room, r)}})
		if err != nil {
			return err
		}
		return rejection(batch.GetResults()[0].GetRejected())
	}
}

// rejection returns the error that the answer to a send stands for, nil if there is none.
func rejection(r *chatv1.Rejected) error {
	if r == nil {
		return nil
	}
	return connect.NewError(connect.Code(r.GetCode()), errors.New(r.GetMessage()))
}

// inBand sends on a Chat stream in the room "open", and returns the error that the frame
// with the answer stands for.
func inBand(r *chatv1.SendRequest) func(context.Context, harness.Client, string) error {
	return func(ctx context.Context, c harness.Client, room string) error {
		return first(ctx, c, harness.JoinAction(&chatv1.Subscription{Room: "open"}), harness.SendAction(in(room, r)))
	}
}

// first makes requests on a new Chat stream, and waits for the answer to the last one.
func first(ctx context.Context, c harness.Client, requests ...*chatv1.ChatRequest) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.Chat(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = stream.HalfClose() }()
	for _, request := range requests {
		_ = stream.Send(request) // of a stream that was refused: the reason is received
	}
	for {
		frame, err := stream.Receive()
		switch {
		case err != nil:
			return err
		case frame.GetJoined() != nil && len(requests) == 1, frame.GetAccepted() != nil:
			return nil
		case frame.GetRejected() != nil:
			return rejection(frame.GetRejected())
		}
	}
}

// inList is ListRooms as a call that is refused if the room is not in the list.
func inList(who *caller) func(context.Context, harness.Client, string) error {
	return func(ctx context.Context, c harness.Client, room string) error {
		list, err := c.ListRooms(ctx, &chatv1.ListRoomsRequest{PageSize: 1_000})
		if err == nil && !slices.ContainsFunc(list.GetRooms(), func(r *chatv1.Room) bool { return r.GetName() == room }) {
			err = connect.NewError(who.refused(), errors.New("not in the list"))
		}
		return err
	}
}

// methods returns the methods of the contract.
func methods() (names []protoreflect.FullName) {
	for _, file := range []protoreflect.FileDescriptor{chatv1.File_chat_v1_chat_room_proto, chatv1.File_chat_v1_moderation_proto} {
		for i := range file.Services().Len() {
			of := file.Services().Get(i).Methods()
			for j := range of.Len() {
				names = append(names, of.Get(j).FullName())
			}
		}
	}
	return names
}

// Every method of the contract is allowed to a caller exactly if the caller has the right
// that it needs, on every protocol.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, method := range methods() {
		if len(calls[method]) == 0 {
			t.Errorf("%s is not in the table: say which right it needs", method)
		}
	}
	s, callers, rooms := startTable(t)
	for _, protocol := range harness.Protocols {
		t.Run(protocol.Name, func(t *testing.T) {
			t.Parallel()
			for _, who := range callers {
				client := protocol.Open(t, s, who.token)
				for _, room := range slices.Sorted(maps.Keys(rooms)) {
					checkRoom(harness.Context(t), t, protocol, client, who, room, rooms[room])
				}
			}
		})
	}
}

// checkRoom makes all calls of a caller in a room in which callers have rights.
func checkRoom(ctx context.Context, t *testing.T, protocol harness.Protocol, client harness.Client, who *caller, room string, have set) {
	t.Helper()
	for _, method := range methods() {
		for _, c := range calls[method] {
			if method.Name() == "Chat" && !protocol.Bidi {
				continue
			}
			do := c.do
			switch {
			case method.Name() == "ListRooms":
				do = inList(who)
			case method.Name() == "SignOut":
				continue
			case c.name == "typing" && who.visitor:
				continue // it needs a member, whatever the policy says
			case c.name == "typing":
				do = send(harness.TypingRequest("", "t", false))
			}
			want := c.allowed
			if who.visitor && method.Name() == "RenewStream" || (who.key || who.user) && method.Name() == "SignIn" {
				want = who.refused()
			}
			needs := c.needs
			if who.key && method.Name() == "Explain" {
				needs = []string{"read"} // of a back end, which may ask for whom it acts
			}
			if len(needs) > 0 && !slices.ContainsFunc(needs, func(right string) bool { return who.has(have, right) }) {
				want = who.refused()
			}
			var got connect.Code
			err := do(ctx, client, room)
			if err != nil {
				got = harness.CodeOf(err)
			}
			if got != want {
				t.Errorf("%s %s by %s in %s = %v (%v), want %v", method, c.name, who.name, room, got, err, want)
			}
		}
	}
}
