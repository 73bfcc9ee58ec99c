package names

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// show returns a member's name, with its mark.
func show(m *chatv1.Member) string {
	mark := strings.ToLower(strings.TrimPrefix(m.GetNameMark().String(), "NAME_MARK_"))
	if m.GetNameMark() == chatv1.NameMark_NAME_MARK_UNSPECIFIED {
		return m.GetName()
	}
	return m.GetName() + " (" + mark + ")"
}

// shownToItself returns how a participant is shown in its room, as it is told.
func shownToItself(a *harness.Participant) string {
	if m := a.Joined.GetRooms()[0].GetMember(); m != nil {
		return show(m)
	}
	return show(a.Joined.GetMember())
}

func client(t *testing.T, s *harness.Service, token string) chatv1connect.ChatRoomClient {
	t.Helper()
	if token == "" {
		return chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL)
	}
	return chatv1connect.NewChatRoomClient(harness.BearerClient{Client: harness.H2CClient(t), Token: token}, s.URL)
}

func longGrace(c *service.Config) { c.PresenceGrace = time.Minute }

// Members of a room are told apart by number, case or mark, and all observers see the
// same: in events, in messages and in the list of members.
func TestNamesAreToldApart(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, longGrace)
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				ctx := harness.Context(t)
				live := &chatv1.Subscription{Room: fmt.Sprintf("names-%d-%d", i, m)}
				host := s.Join(ctx, t, d, m, "Zoë ✨", live)
				listed := map[string]string{host.Member.GetId(): "Zoë ✨"}
				for _, tt := range []struct{ name, want string }{
					{"Mark", "Mark"},
					{"Mark", "Mark 2"},
					{"MARK", "MARK 3"},
					{"M\u0430rk", "M\u0430rk (resembles)"},
					{"ｇｏｐｈｅｒ", "gopher"},
					{"gopher", "gopher 2"},
					{"admin", "admin (reserved)"},
					{"Anonymous", "Anonymous (reserved)"},
					{"J\u043ehn", "J\u043ehn (mixed_scripts)"},
					{"Zoë ✨", "Zoë ✨ 2"},
				} {
					a := s.Join(ctx, t, d, m, tt.name, live)
					if got := shownToItself(a); got != tt.want {
						t.Errorf("%q is shown to itself as %q, want %q", tt.name, got, tt.want)
					}
					joined := host.AwaitEvent(t, 0, func(e *chatv1.Event) bool {
						return e.GetMemberJoined() != nil && e.GetSender().GetId() == a.Member.GetId()
					})
					said := a.MustSend(t, harness.TextRequest(a.Room, "hi"))
					for what, e := range map[string]*chatv1.Event{"the join": joined, "the message": host.AwaitSequence(t, said.GetSequence())} {
						if got := show(e.GetSender()); got != tt.want {
							t.Errorf("%s of %q is by %q, want %q", what, tt.name, got, tt.want)
						}
					}
					listed[a.Member.GetId()] = tt.want
				}
				checkListed(ctx, t, host, listed)
				checkHistory(ctx, t, host, listed)
			})
		}
	}
}

// checkListed compares the names in the list of members with those wanted, by id.
func checkListed(ctx context.Context, t *testing.T, a *harness.Participant, want map[string]string) {
	t.Helper()
	list, err := a.ListMembers(ctx, &chatv1.ListMembersRequest{Room: a.Room})
	harness.Must(t, err)
	if len(list.GetMembers()) != len(want) {
		t.Errorf("ListMembers = %v, want %v", list.GetMembers(), want)
	}
	for _, m := range list.GetMembers() {
		if show(m) != want[m.GetId()] {
			t.Errorf("%v is listed, want %q", m, want[m.GetId()])
		}
	}
}

// checkHistory checks that messages keep the names of their senders.
func checkHistory(ctx context.Context, t *testing.T, a *harness.Participant, want map[string]string) {
	t.Helper()
	page, err := a.ListEvents(ctx, &chatv1.ListEventsRequest{Room: a.Room})
	harness.Must(t, err)
	for _, e := range page.GetEvents() {
		if show(e.GetSender()) != want[e.GetSender().GetId()] {
			t.Errorf("a page has %v, want it by %q", e, want[e.GetSender().GetId()])
		}
	}
}

// Names and display names of rooms need a visible character, and may have emoji.
func TestNamesAreVisible(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t, harness.WithPolicy(t, harness.GuestsManage)), harness.Context(t)
	token, _ := s.SignIn(t, "host")
	host := client(t, s, token)
	for name, want := range map[string]string{
		"Ann ❤️":                    "Ann ❤️",
		"Ann ❤":                     "Ann ❤️",
		"⚠️ Alerts":                 "⚠️ Alerts",
		"👨‍👩‍👧":                     "👨‍👩‍👧",
		" Go   pher ":               "Go pher",
		strings.Repeat("👩🏽‍🚀", 30):  strings.Repeat("👩🏽‍🚀", 30),
		"\u2800":                    "",
		"\u3164":                    "",
		"\u200b":                    "",
		"  ":                        "",
		"a\u202eb":                  "",
		"a\u200bb":                  "",
		"x\u0302\u0302\u0302\u0302": "",
		strings.Repeat("👍", 41):     "",
	} {
		identity, err := client(t, s, "").SignIn(ctx, &chatv1.SignInRequest{Name: name})
		if want == "" {
			harness.RefusalOf(err).Check(t, harness.InvalidArgument("name", "1 to 40 characters"))
		} else if err != nil || identity.GetMember().GetName() != want {
			t.Errorf("SignIn(%+q) = %v, %v, want the name %+q", name, identity, err, want)
		}
		if strings.Repeat("👍", 41) == name {
			continue // a room may have it
		}
		_, err = host.SetRoom(ctx, &chatv1.SetRoomRequest{Room: "lobby", DisplayName: name})
		if want == "" {
			harness.RefusalOf(err).Check(t, harness.InvalidArgument("display_name", "80 characters"))
			continue
		}
		harness.Must(t, err)
		list, err := host.ListRooms(ctx, &chatv1.ListRoomsRequest{})
		if err != nil || list.GetRooms()[0].GetDisplayName() != want {
			t.Errorf("ListRooms after SetRoom(%+q) = %v, %v, want %+q", name, list, err, want)
		}
	}
	for topic, bound := range map[string]string{"\u2800": "visible", "a\u202eb": "one line", strings.Repeat("x", 301): "300"} {
		_, err := host.SetRoom(ctx, &chatv1.SetRoomRequest{Room: "lobby", Topic: topic})
		harness.RefusalOf(err).Check(t, harness.InvalidArgument("topic", bound))
	}
}

// SignIn with a token and another name renames the member at once in all its rooms, on
// every protocol, without a new stream.
func TestRenameIsToldAtOnce(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, longGrace)
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				ctx := harness.Context(t)
				token, cleo := s.SignIn(t, "cleo")
				var hosts, cleos []*harness.Participant
				for k := range 2 {
					live := &chatv1.Subscription{Room: fmt.Sprintf("rename-%d-%d-%d", i, m, k)}
					hosts = append(hosts, s.Join(ctx, t, d, m, "Cleopatra", live))
					cleos = append(cleos, s.JoinWithToken(ctx, t, d, m, token, live))
				}
				s.Rename(ctx, t, token, "cleopatra")
				for k, host := range hosts {
					for _, a := range []*harness.Participant{host, cleos[k]} {
						e := a.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetMemberRenamed() != nil })
						if e.GetSender().GetId() != cleo.GetId() || e.GetSender().GetName() != "cleopatra 2" || e.GetSequence() != 0 {
							t.Errorf("received %v, want that %v is cleopatra 2", e, cleo)
						}
					}
					checkListed(ctx, t, host, map[string]string{host.Member.GetId(): "Cleopatra", cleo.GetId(): "cleopatra 2"})
					// The stream was opened with the token of the former name.
					said := cleos[k].MustSend(t, harness.TextRequest(host.Room, "hi"))
					if e := host.AwaitSequence(t, said.GetSequence()); e.GetSender().GetName() != "cleopatra 2" {
						t.Errorf("after the renaming received %v, want it by cleopatra 2", e)
					}
				}
			})
		}
	}
}

// A member keeps its name while it is present, also when others leave and when it renews its
// token; the name is free again afterwards.
func TestNamesAreStable(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t), harness.Context(t)
	live := &chatv1.Subscription{Room: "lobby"}
	first := s.Join(ctx, t, harness.ConnectHTTP2, harness.ViaSend, "Ada", live)
	token, ada := s.SignIn(t, "Ada")
	second := s.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaSend, token, live)
	first.Disconnect()
	second.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetMemberLeft() != nil })
	s.Rename(ctx, t, token, "Ada") // a renewal
	again := s.JoinWithToken(ctx, t, harness.GRPC, harness.ViaChat, token, live)
	if got := shownToItself(again); got != "Ada 2" {
		t.Errorf("another connection is shown as %q, want Ada 2", got)
	}
	checkListed(ctx, t, again, map[string]string{ada.GetId(): "Ada 2"})
	third := s.Join(ctx, t, harness.ConnectHTTP2, harness.ViaSend, "Ada", live)
	if got := shownToItself(third); got != "Ada" {
		t.Errorf("one who comes later is shown as %q, want Ada: the name is free", got)
	}
	for _, e := range second.Events {
		if e.GetMemberRenamed() != nil {
			t.Errorf("received %v, want no renaming", e)
		}
	}
	if !proto.Equal(third.Joined.GetMember(), third.Member) {
		t.Errorf("Joined.member = %v, want %v", third.Joined.GetMember(), third.Member)
	}
}

// An operator may reserve other names.
func TestReservedNames(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t, func(c *service.Config) { c.ReservedNames = []string{"Acme"} }), harness.Context(t)
	for name, want := range map[string]string{"acme": "acme (reserved)", "A.C.M.E 7": "A.C.M.E 7 (reserved)", "admin": "admin"} {
		if got := shownToItself(s.Join(ctx, t, harness.ConnectHTTP2, harness.ViaSend, name, &chatv1.Subscription{Room: "lobby"})); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}
