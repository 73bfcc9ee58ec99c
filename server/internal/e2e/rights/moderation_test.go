package rights

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// moderated is a service with a member who moderates all rooms.
type moderated struct {
	*harness.Service
	data   string
	policy harness.Option
	token  string // of the moderator
}

func startModerated(t *testing.T) *moderated {
	t.Helper()
	m := &moderated{data: t.TempDir()}
	m.Service = harness.Start(t, harness.InDir(m.data))
	token, member := m.SignIn(t, "mod")
	m.token = token
	m.policy = harness.WithPolicy(t, fmt.Sprintf("rooms: [{pattern: '*', members: {%s: [moderate]}}]", member.GetId()))
	m.restart(t)
	return m
}

func (m *moderated) restart(t *testing.T) {
	t.Helper()
	m.Stop(t)
	m.Service = harness.Start(t, harness.InDir(m.data), m.policy)
}

func (m *moderated) moderator(t *testing.T) harness.Client {
	return harness.ConnectHTTP1.Open(t, m.Service, m.token)
}

var (
	banned = harness.WantError{Code: connect.CodePermissionDenied, Info: "BANNED", Bound: "you are banned from room"}
	muted  = harness.WantError{Code: connect.CodePermissionDenied, Info: "MUTED", Bound: "you are muted in room"}
)

// streams are the ways to be in a room.
var streams = []struct {
	protocol harness.Protocol
	mode     harness.Mode
}{
	{harness.ConnectHTTP1, harness.ViaSend}, {harness.ConnectHTTP2, harness.ViaChat}, {harness.GRPC, harness.ViaChat}, {harness.GRPCGo, harness.ViaSend},
}

// A ban ends the open streams of the member, and its presence, and lasts over a restart
// until it is lifted.
func TestBan(t *testing.T) {
	t.Parallel()
	ctx, m := harness.Context(t), startModerated(t)
	type victim struct {
		*harness.Participant
		token string
	}
	var victims []victim
	for i, in := range streams {
		room := fmt.Sprint("room-", i)
		token, member := m.SignIn(t, "ben")
		ben := m.JoinWithToken(ctx, t, in.protocol, in.mode, token, &chatv1.Subscription{Room: room})
		ben.Member = member
		victims = append(victims, victim{ben, token})
		ada := m.Join(ctx, t, in.protocol, in.mode, "ada", &chatv1.Subscription{Room: room})
		response, err := m.moderator(t).Ban(ctx, &chatv1.BanRequest{Room: room, Subject: subject(member.GetId()), Reason: "spam", Duration: durationpb.New(time.Hour)})
		harness.Must(t, err)
		if d := response.GetDenial(); d.GetReason() != "spam" || time.Until(d.GetUntil().AsTime()) > time.Hour || d.GetSubject().GetMemberId() != member.GetId() {
			t.Errorf("Ban = %v, want one of an hour for spam", d)
		}
		want := banned
		want.Bound = ": spam"
		expectEnd(t, ben.Receive, want)
		ada.AwaitEvent(t, 0, func(e *chatv1.Event) bool {
			return e.GetMemberLeft() != nil && e.GetSender().GetId() == member.GetId()
		})
		ada.MustSend(t, harness.TextRequest(room, "peace"))
	}
	for restarted := range 2 {
		if restarted == 1 {
			m.restart(t)
		}
		for i, in := range streams {
			room, ben := fmt.Sprint("room-", i), in.protocol.Open(t, m.Service, victims[i].token)
			_, err := ben.Send(ctx, harness.TextRequest(room, "let me in"))
			harness.RefusalOf(err).Check(t, banned)
			_, err = ben.ListEvents(ctx, &chatv1.ListEventsRequest{Room: room})
			harness.RefusalOf(err).Check(t, banned)
			receive, err := ben.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: room}))
			if err == nil {
				_, err = receive()
			}
			harness.RefusalOf(err).Check(t, banned)
			if _, err := ben.Send(ctx, harness.TextRequest("lobby", "hi")); err != nil {
				t.Errorf("Send to another room: %v", err)
			}
		}
	}
	for i, in := range streams {
		room := fmt.Sprint("room-", i)
		_, err := m.moderator(t).Unban(ctx, &chatv1.UnbanRequest{Room: room, Subject: subject(victims[i].Member.GetId())})
		harness.Must(t, err)
		if _, err := in.protocol.Open(t, m.Service, victims[i].token).Send(ctx, harness.TextRequest(room, "thank you")); err != nil {
			t.Errorf("Send after Unban: %v", err)
		}
	}
}

// A muted member receives, and what it sends is refused in band, with the reason, also
// after a restart.
func TestMute(t *testing.T) {
	t.Parallel()
	ctx, m := harness.Context(t), startModerated(t)
	token, member := m.SignIn(t, "ben")
	for restarted := range 2 {
		if restarted == 1 {
			m.restart(t)
		}
		for _, in := range streams {
			ben := m.JoinWithToken(ctx, t, in.protocol, in.mode, token, &chatv1.Subscription{Room: "lobby"})
			if restarted == 0 {
				ben.MustSend(t, harness.TextRequest("lobby", "loud "+in.protocol.Name))
				_, err := m.moderator(t).Mute(ctx, &chatv1.MuteRequest{Room: "lobby", Subject: subject(member.GetId()), Reason: "shouting"})
				harness.Must(t, err)
			}
			want := muted
			want.Bound = ": shouting"
			_, refused := ben.TrySend(harness.TextRequest("lobby", "louder"))
			refused.Check(t, want)
			said, err := m.moderator(t).Send(ctx, harness.TextRequest("lobby", fmt.Sprint("quiet now ", restarted, in.protocol.Name)))
			harness.Must(t, err)
			ben.AwaitSequence(t, said.GetSequence())
			ben.Disconnect()
			if restarted == 0 {
				_, err = m.moderator(t).Unmute(ctx, &chatv1.UnmuteRequest{Room: "lobby", Subject: subject(member.GetId())})
				harness.Must(t, err)
			}
		}
		_, err := m.moderator(t).Mute(ctx, &chatv1.MuteRequest{Room: "lobby", Subject: subject(member.GetId()), Reason: "shouting"})
		harness.Must(t, err)
	}
}

// A kick ends streams, keeps the member out for as long as it says, and does not shorten a
// ban.
func TestKick(t *testing.T) {
	t.Parallel()
	ctx, m := harness.Context(t), startModerated(t)
	ben := m.Join(ctx, t, harness.ConnectHTTP2, harness.ViaChat, "ben", &chatv1.Subscription{Room: "lobby"})
	kick := &chatv1.KickRequest{Room: "lobby", Subject: subject(ben.Member.GetId()), Duration: durationpb.New(time.Second)}
	_, err := m.moderator(t).Kick(ctx, kick)
	harness.Must(t, err)
	expectEnd(t, ben.Receive, banned)
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if _, err := ben.Send(ctx, harness.TextRequest("lobby", "back")); err == nil {
			break
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatal("the kick does not end")
		}
	}
	_, err = m.moderator(t).Ban(ctx, &chatv1.BanRequest{Room: "lobby", Subject: kick.GetSubject()})
	harness.Must(t, err)
	response, err := m.moderator(t).Kick(ctx, kick)
	harness.Must(t, err)
	if response.GetDenial().GetUntil() != nil {
		t.Errorf("Kick of a banned member = %v, want the ban without an end", response)
	}
}

// A ban of a network ends the streams of all callers from there, and only those.
func TestBanOfAddress(t *testing.T) {
	t.Parallel()
	ctx, m := harness.Context(t), startModerated(t)
	from := func(address string) harness.Protocol {
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
		return harness.Protocol{Name: "from " + address, Open: harness.ConnectOver(func(t *testing.T) *http.Client {
			transport := &http.Transport{DialContext: dialer.DialContext}
			t.Cleanup(transport.CloseIdleConnections)
			return &http.Client{Transport: transport}
		})}
	}
	if conn, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, 2, 3)}}).DialContext(ctx, "tcp", m.Addr); err != nil {
		t.Skipf("this system has one loopback address only: %v", err)
	} else {
		_ = conn.Close()
	}
	near := m.JoinWithToken(ctx, t, from("127.0.0.1"), harness.ViaSend, "", &chatv1.Subscription{Room: "lobby"})
	far := m.JoinWithToken(ctx, t, from("127.1.2.3"), harness.ViaSend, "", &chatv1.Subscription{Room: "lobby"})
	network := func(text string) *chatv1.Subject { return &chatv1.Subject{Who: &chatv1.Subject_Address{Address: text}} }
	for text, want := range map[string]harness.WantError{
		"127.0.0.1":     {Code: connect.CodePermissionDenied, Field: "subject.address", Bound: "own address"},
		"127.0.0.0/8":   {Code: connect.CodeInvalidArgument, Field: "subject.address", Bound: "/16"},
		"2001:db8::/31": {Code: connect.CodeInvalidArgument, Field: "subject.address", Bound: "/32"},
		"localhost":     {Code: connect.CodeInvalidArgument, Field: "subject.address", Bound: "address"},
	} {
		_, err := m.moderator(t).Ban(ctx, &chatv1.BanRequest{Room: "lobby", Subject: network(text)})
		harness.RefusalOf(err).Check(t, want)
	}
	response, err := m.moderator(t).Ban(ctx, &chatv1.BanRequest{Room: "lobby", Subject: network("127.1.2.9/24")})
	harness.Must(t, err)
	if got := response.GetDenial().GetSubject().GetAddress(); got != "127.1.2.0/24" {
		t.Errorf("Ban of a network = %v, want 127.1.2.0/24", response)
	}
	expectEnd(t, far.Receive, banned)
	said, err := near.Send(ctx, harness.TextRequest("lobby", "hi"))
	harness.Must(t, err)
	near.AwaitSequence(t, said.GetSequence())
}

// A moderator deletes messages of others and edits none. Moderators ban no moderators.
func TestModeratorsDelete(t *testing.T) {
	t.Parallel()
	ctx, m := harness.Context(t), startModerated(t)
	n := m.JoinPair(ctx, t, harness.ConnectHTTP2, harness.ViaChat, "lobby")
	target := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "something bad"})
	own := harness.WantError{Code: connect.CodePermissionDenied, Field: "deletion.target", Bound: "own"}
	_, refused := n.Ben.TrySend(harness.DeletionRequest("lobby", "d", target))
	refused.Check(t, own)
	_, err := m.moderator(t).Send(ctx, harness.EditRequest("lobby", "e", target, "something good"))
	harness.RefusalOf(err).Check(t, harness.WantError{Code: connect.CodePermissionDenied, Field: "edit.target", Bound: "own"})
	deletion := harness.DeletionRequest("lobby", "d", target)
	deletion.GetDeletion().Reason = "one\ntwo"
	_, err = m.moderator(t).Send(ctx, deletion)
	harness.RefusalOf(err).Check(t, harness.InvalidArgument("deletion.reason", "one line"))
	deletion.GetDeletion().Reason = "an insult"
	_, err = m.moderator(t).Send(ctx, deletion)
	harness.Must(t, err)
	// The reason is for moderators: the log would keep it for everyone.
	if e := n.Ben.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetDeletion().GetTarget() == target }); e.GetDeletion().GetReason() != "" {
		t.Errorf("the deletion %v has a reason, want none", e)
	}
	page, err := n.Ben.ListEvents(ctx, &chatv1.ListEventsRequest{Room: "lobby"})
	harness.Must(t, err)
	if slices.ContainsFunc(page.GetEvents(), func(e *chatv1.Event) bool { return e.GetSequence() == target }) {
		t.Error("the message is still in the history")
	}
	self, err := m.moderator(t).ListAudit(ctx, &chatv1.ListAuditRequest{Room: "lobby"})
	harness.Must(t, err)
	if len(self.GetRecords()) != 1 || self.GetRecords()[0].GetAction() != chatv1.ModerationAction_MODERATION_ACTION_DELETE || self.GetRecords()[0].GetTarget() != target || self.GetRecords()[0].GetReason() != "an insult" {
		t.Fatalf("ListAudit = %v, want the deletion of %d for an insult", self, target)
	}
	_, err = m.moderator(t).Ban(ctx, &chatv1.BanRequest{Room: "lobby", Subject: subject(self.GetRecords()[0].GetModeratorId())})
	harness.RefusalOf(err).Check(t, harness.WantError{Code: connect.CodePermissionDenied, Field: "subject.member_id", Bound: "moderator"})
}

// Each act is recorded with its reason, newest first, in pages, and survives a restart. What
// is in force is listed, and explained.
func TestAudit(t *testing.T) {
	t.Parallel()
	ctx, m := harness.Context(t), startModerated(t)
	_, member := m.SignIn(t, "ben")
	who, mod := subject(member.GetId()), m.moderator(t)
	_, err := mod.Mute(ctx, &chatv1.MuteRequest{Room: "lobby", Subject: who, Reason: "one"})
	harness.Must(t, err)
	_, err = mod.Unmute(ctx, &chatv1.UnmuteRequest{Room: "lobby", Subject: who, Reason: "two"})
	harness.Must(t, err)
	_, err = mod.Kick(ctx, &chatv1.KickRequest{Room: "lobby", Subject: who, Reason: "three"})
	harness.Must(t, err)
	_, err = mod.Unban(ctx, &chatv1.UnbanRequest{Room: "lobby", Subject: who, Reason: "four"})
	harness.Must(t, err)
	_, err = mod.Ban(ctx, &chatv1.BanRequest{Room: "lobby", Subject: who, Reason: "five"})
	harness.Must(t, err)
	_, err = mod.Ban(ctx, &chatv1.BanRequest{Room: "lobby", Subject: who, Reason: "a\nb"})
	harness.RefusalOf(err).Check(t, harness.InvalidArgument("reason", "one line"))
	m.restart(t)

	mod = m.moderator(t)
	var acts []string
	for token, more := "", true; more; more = token != "" {
		page, err := mod.ListAudit(ctx, &chatv1.ListAuditRequest{Room: "lobby", PageSize: 2, PageToken: token})
		harness.Must(t, err)
		for _, r := range page.GetRecords() {
			acts = append(acts, strings.TrimPrefix(r.GetAction().String(), "MODERATION_ACTION_")+" "+r.GetReason())
			if r.GetSubject().GetMemberId() != member.GetId() || r.GetModeratorId() == "" || r.GetTime() == nil || r.GetRoom() != "lobby" {
				t.Errorf("the record %v is incomplete", r)
			}
		}
		token = page.GetNextPageToken()
	}
	if want := []string{"BAN five", "UNBAN four", "KICK three", "UNMUTE two", "MUTE one"}; !slices.Equal(acts, want) {
		t.Errorf("the records are %q, want %q", acts, want)
	}
	denials, err := mod.ListDenials(ctx, &chatv1.ListDenialsRequest{Room: "lobby"})
	harness.Must(t, err)
	if len(denials.GetDenials()) != 1 || denials.GetDenials()[0].GetEffect() != chatv1.DenialEffect_DENIAL_EFFECT_BAN || denials.GetDenials()[0].GetReason() != "five" {
		t.Errorf("ListDenials = %v, want the ban", denials)
	}
	checkExplained(ctx, t, mod, member.GetId())
}

func checkExplained(ctx context.Context, t *testing.T, mod harness.Client, id string) {
	t.Helper()
	about, err := mod.Explain(ctx, &chatv1.ExplainRequest{Room: "lobby", MemberId: id})
	harness.Must(t, err)
	self, err := mod.Explain(ctx, &chatv1.ExplainRequest{Room: "lobby"})
	harness.Must(t, err)
	if len(about.GetDecisions()) != len(rights) || len(self.GetDecisions()) != len(rights) {
		t.Fatalf("Explain = %v and %v, want a decision for each right", about, self)
	}
	for i, right := range rights {
		if d := about.GetDecisions()[i]; d.GetRight() != right || d.GetAllowed() || d.GetSource() != "denial" || !strings.Contains(d.GetExplanation(), `"five"`) {
			t.Errorf("Explain of the banned member = %v, want %s refused by the ban for five", d, right)
		}
	}
	if d := self.GetDecisions()[len(rights)-1]; !d.GetAllowed() || d.GetSource() != "member" {
		t.Errorf("Explain of the moderator = %v, want moderate by the file's members", d)
	}
}
