package names

import (
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

var tokenInvalid = harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_INVALID", Bound: "sign in again"}

// A token that was signed out is refused on every protocol, after a restart, too. Other
// tokens of the member stay valid, and so does its authorship.
func TestSignOut(t *testing.T) {
	t.Parallel()
	data, ctx := t.TempDir(), harness.Context(t)
	s := harness.Start(t, harness.InDir(data))
	token, member := s.SignIn(t, "Ada")
	renewed := s.Rename(ctx, t, token, "Lady Ada")
	said, err := client(t, s, token).Send(ctx, harness.TextRequest("lobby", "hi"))
	harness.Must(t, err)
	_, err = client(t, s, token).SignOut(ctx, &chatv1.SignOutRequest{})
	harness.Must(t, err)
	check := func() {
		t.Helper()
		for _, d := range harness.Protocols {
			_, err := d.Open(t, s, token).Send(ctx, harness.TextRequest("lobby", "after"))
			harness.RefusalOf(err).Check(t, tokenInvalid)
		}
		_, err := client(t, s, token).SignOut(ctx, &chatv1.SignOutRequest{})
		harness.RefusalOf(err).Check(t, tokenInvalid)
		_, err = client(t, s, token).SignIn(ctx, &chatv1.SignInRequest{Name: "Ada"})
		harness.RefusalOf(err).Check(t, tokenInvalid)
	}
	check()
	s.Stop(t)
	s = harness.Start(t, harness.InDir(data))
	check()
	_, err = client(t, s, renewed).Send(ctx, harness.EditRequest("lobby", "edit", said.GetSequence(), "still mine"))
	harness.Must(t, err)
	identity, err := client(t, s, renewed).SignIn(ctx, &chatv1.SignInRequest{Name: "Ada"})
	if err != nil || identity.GetMember().GetId() != member.GetId() {
		t.Errorf("SignIn with another token of the member = %v, %v, want the id of %v", identity, err, member)
	}
	_, err = client(t, s, "").SignOut(ctx, &chatv1.SignOutRequest{})
	harness.RefusalOf(err).Check(t, harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_REQUIRED", Bound: "sign in"})
}

// With -guests=false nobody signs in as a guest, and the tokens of guests are not valid.
func TestGuestsOff(t *testing.T) {
	t.Parallel()
	data, ctx := t.TempDir(), harness.Context(t)
	s := harness.Start(t, harness.InDir(data))
	token, _ := s.SignIn(t, "Ada")
	s.Stop(t)
	s = harness.Start(t, harness.InDir(data), func(c *service.Config) { c.NoGuests = true })
	_, err := client(t, s, "").SignIn(ctx, &chatv1.SignInRequest{Name: "Ada"})
	harness.RefusalOf(err).Check(t, harness.WantError{Code: connect.CodePermissionDenied, Info: "GUESTS_OFF", Bound: "does not let guests sign in"})
	for _, d := range harness.Protocols {
		_, err := d.Open(t, s, token).Send(ctx, harness.TextRequest("lobby", "hi"))
		harness.RefusalOf(err).Check(t, tokenInvalid)
	}
	_, err = client(t, s, "").Send(ctx, harness.TextRequest("lobby", "hi"))
	harness.Must(t, err)
}
