package signin

import (
	"fmt"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/signin/providertest"
)

var (
	banned = harness.WantError{Code: connect.CodePermissionDenied, Info: "BANNED", Bound: "you are banned from room"}
	muted  = harness.WantError{Code: connect.CodePermissionDenied, Info: "MUTED", Bound: "you are muted in room"}
)

// startModerated starts a service with a guest who moderates all rooms.
func startModerated(t *testing.T) (w *world, token string, moderator *chatv1.Member) {
	t.Helper()
	w = start(t)
	token, moderator = w.SignIn(t, "mod")
	w.restart(t, harness.WithPolicy(t, fmt.Sprintf("rooms: [{pattern: '*', members: {%s: [moderate]}}]", moderator.GetId())))
	return w, token, moderator
}

func ban(id string) *chatv1.BanRequest {
	return &chatv1.BanRequest{Room: "lobby", Subject: &chatv1.Subject{Who: &chatv1.Subject_MemberId{MemberId: id}}}
}

func (w *world) expectBanned(t *testing.T, token string, want harness.WantError) {
	t.Helper()
	_, err := w.open(t, token).Send(harness.Context(t), harness.TextRequest("lobby", "let me in"))
	harness.RefusalOf(err).Check(t, want)
}

// Signing in is no way around a ban or a mute, whichever comes first; and a ban of the account
// is one in each browser.
func TestBansAreKept(t *testing.T) {
	t.Parallel()
	w, moderator, _ := startModerated(t)
	ctx := harness.Context(t)
	guest, ben := w.SignIn(t, "Ben")
	_, err := w.open(t, moderator).Mute(ctx, &chatv1.MuteRequest{Room: "lobby", Subject: ban(ben.GetId()).GetSubject()})
	harness.Must(t, err)
	w.expectBanned(t, guest, muted)
	a := w.signIn(t, guest, providertest.User)
	w.expectBanned(t, a.Token, muted)
	_, err = w.open(t, moderator).Unmute(ctx, &chatv1.UnmuteRequest{Room: "lobby", Subject: ban(ben.GetId()).GetSubject()})
	harness.Must(t, err)
	w.send(t, a.Token, "lobby", "forgiven")

	// A moderator who sees an old message bans the guest, and so the account, in its streams, too.
	subscriber := w.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaChat, a.Token, &chatv1.Subscription{Room: "lobby"})
	_, err = w.open(t, moderator).Ban(ctx, ban(ben.GetId()))
	harness.Must(t, err)
	expectEnd(t, subscriber.Receive, banned)
	w.expectBanned(t, a.Token, banned)
	w.restart(t)
	w.expectBanned(t, a.Token, banned)
	again := w.signIn(t, "", providertest.User)
	w.expectBanned(t, again.Token, banned)
	_, err = w.open(t, moderator).Unban(ctx, &chatv1.UnbanRequest{Room: "lobby", Subject: ban(ben.GetId()).GetSubject()})
	harness.Must(t, err)
	w.send(t, again.Token, "lobby", "forgiven again")

	_, err = w.open(t, moderator).Ban(ctx, ban(a.Member.ID))
	harness.Must(t, err)
	other, _ := w.SignIn(t, "Ben")
	w.send(t, other, "lobby", "as another guest")
	w.expectBanned(t, w.signIn(t, other, providertest.User).Token, banned)
}

// A banned guest who signs in to an account ends the open streams of that account.
func TestBanReachesOpenStreams(t *testing.T) {
	t.Parallel()
	w, moderator, _ := startModerated(t)
	ctx := harness.Context(t)
	a := w.signIn(t, "", providertest.User)
	subscriber := w.JoinWithToken(ctx, t, harness.GRPC, harness.ViaChat, a.Token, &chatv1.Subscription{Room: "lobby"})
	guest, ben := w.SignIn(t, "Ben")
	_, err := w.open(t, moderator).Ban(ctx, ban(ben.GetId()))
	harness.Must(t, err)
	subscriber.MustSend(t, harness.TextRequest("lobby", "not banned yet"))
	w.signIn(t, guest, providertest.User)
	expectEnd(t, subscriber.Receive, banned)
	w.expectBanned(t, a.Token, banned)
}

// A guest who moderates does so as an account, and can't be banned by either id.
func TestModeratorsSignIn(t *testing.T) {
	t.Parallel()
	w, guest, mod := startModerated(t)
	ctx := harness.Context(t)
	a := w.signIn(t, guest, providertest.User)
	moderator := w.open(t, a.Token)
	other := w.signIn(t, "", providertest.OtherUser)
	_, err := moderator.Ban(ctx, ban(other.Member.ID))
	harness.Must(t, err)
	w.expectBanned(t, other.Token, banned)
	for _, id := range []string{mod.GetId(), a.Member.ID} {
		_, err := moderator.Ban(ctx, ban(id))
		harness.RefusalOf(err).Check(t, harness.WantError{Code: connect.CodePermissionDenied, Field: "subject.member_id", Bound: "must not be a moderator"})
		explained, err := moderator.Explain(ctx, &chatv1.ExplainRequest{Room: "lobby", MemberId: id, Kind: chatv1.CallerKind_CALLER_KIND_USER})
		harness.Must(t, err)
		for _, d := range explained.GetDecisions() {
			if d.GetRight() == "moderate" && !d.GetAllowed() {
				t.Errorf("Explain of %s = %v, want it to moderate", id, d)
			}
		}
	}
}
