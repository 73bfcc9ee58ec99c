package signin

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/signin/providertest"
)

// A guest who signs in edits and deletes what it has sent before, over every protocol, also
// after a restart, and from another browser; and others do not.
func TestAuthorshipIsKept(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), harness.Context(t)
	guest, ada := w.SignIn(t, "Ada")
	edited, deleted := w.send(t, guest, "lobby", "as a guest"), w.send(t, guest, "lobby", "deleted soon")
	a := w.signIn(t, guest, providertest.User)
	if a.Member.Name != providertest.UserName || !slices.Equal(a.FormerMemberIDs, []string{ada.GetId()}) {
		t.Fatalf("the account is %+v, want %s, who was %s", a, providertest.UserName, ada)
	}
	elsewhere, ada2 := w.SignIn(t, "Ada")
	second := w.send(t, elsewhere, "lobby", "from a phone")
	b := w.signIn(t, elsewhere, providertest.User)
	if want := []string{ada.GetId(), ada2.GetId()}; b.Member != a.Member || !slices.Equal(b.FormerMemberIDs, want) {
		t.Errorf("the sign-in on the phone is %+v, want %+v with former ids %q", b, a.Member, want)
	}
	other := w.signIn(t, "", providertest.OtherUser)
	notOwner := harness.WantError{Code: connect.CodePermissionDenied, Field: "edit.target", Bound: "own"}
	_, err := w.open(t, other.Token).Send(ctx, harness.EditRequest("lobby", "e", edited, "defaced"))
	harness.RefusalOf(err).Check(t, notOwner)

	w.restart(t)
	for i, protocol := range harness.Protocols {
		for j, target := range []uint64{edited, second} {
			client := protocol.Open(t, w.Service, a.Token)
			if _, err := client.Send(ctx, harness.EditRequest("lobby", protocol.Name+string(rune('a'+j)), target, "edited by "+protocol.Name)); err != nil {
				t.Errorf("%s: edit %d of message %d: %v", protocol.Name, i, j, err)
			}
		}
	}
	_, err = w.open(t, b.Token).Send(ctx, harness.DeletionRequest("lobby", "d", deleted))
	harness.Must(t, err)
	w.send(t, a.Token, "lobby", "as an account")
	last := "edited by " + harness.Protocols[len(harness.Protocols)-1].Name + " by Ada"
	if got, want := w.messages(t, "lobby"), []string{last, last, "as an account by " + providertest.UserName}; !slices.Equal(got, want) {
		t.Errorf("the messages are %q, want %q", got, want)
	}
	members := w.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaSend, a.Token, &chatv1.Subscription{Room: "lobby"})
	defer members.Disconnect()
	list, err := w.open(t, "").ListMembers(ctx, &chatv1.ListMembersRequest{Room: "lobby"})
	harness.Must(t, err)
	if len(list.GetMembers()) != 1 || list.GetMembers()[0].GetId() != a.Member.ID || list.GetMembers()[0].GetGuest() {
		t.Errorf("the members are %v, want the account", list.GetMembers())
	}
}

// The creator of a room manages it after signing in.
func TestRoomsAreKept(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), harness.Context(t)
	guest, _ := w.SignIn(t, "Ada")
	w.send(t, guest, "garden", "first")
	setTopic := &chatv1.SetRoomRequest{Room: "garden", Topic: "roses"}
	other := w.signIn(t, "", providertest.OtherUser)
	_, err := w.open(t, other.Token).SetRoom(ctx, setTopic)
	if harness.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("SetRoom by another account = %v, want %v", err, connect.CodePermissionDenied)
	}
	a := w.signIn(t, guest, providertest.User)
	_, err = w.open(t, a.Token).SetRoom(ctx, setTopic)
	harness.Must(t, err)
}

// The tokens of a guest who has signed in end, and their open streams.
func TestGuestTokensEnd(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), harness.Context(t)
	guest, _ := w.SignIn(t, "Ada")
	subscriber := w.JoinWithToken(ctx, t, harness.ConnectHTTP1, harness.ViaSend, guest, &chatv1.Subscription{Room: "lobby"})
	w.signIn(t, guest, providertest.User)
	revoked := harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_INVALID", Bound: "revoked"}
	expectEnd(t, subscriber.Receive, revoked)
	_, err := w.open(t, guest).ListRooms(ctx, &chatv1.ListRoomsRequest{})
	harness.RefusalOf(err).Check(t, revoked)
	if a, err := w.trySignIn(t, guest, providertest.OtherUser); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("signing in with the former token = %+v, %v, want 401", a, err)
	}
}

// expectEnd receives until the stream ends, and checks how.
func expectEnd(t *testing.T, receive func() (*chatv1.Frame, error), want harness.WantError) {
	t.Helper()
	for {
		if _, err := receive(); err != nil {
			want.Check(t, err)
			return
		}
	}
}

// SignOut ends the session of the browser, with its streams, and no other one.
func TestSignOut(t *testing.T) {
	t.Parallel()
	w, ctx := start(t), harness.Context(t)
	a, b := w.signIn(t, "", providertest.User), w.signIn(t, "", providertest.User)
	subscriber := w.JoinWithToken(ctx, t, harness.GRPC, harness.ViaChat, a.Token, &chatv1.Subscription{Room: "lobby"})
	client := chatv1connect.NewChatRoomClient(harness.BearerClient{Client: harness.H2CClient(t), Token: a.Token}, w.URL)
	_, err := client.SignOut(ctx, &chatv1.SignOutRequest{})
	harness.Must(t, err)
	revoked := harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_INVALID", Bound: "revoked"}
	expectEnd(t, subscriber.Receive, revoked)
	for range 2 {
		_, err = w.open(t, a.Token).ListRooms(ctx, &chatv1.ListRoomsRequest{})
		harness.RefusalOf(err).Check(t, revoked)
		w.send(t, b.Token, "lobby", "still here")
		w.restart(t)
	}
	// An account is no guest to be renewed.
	_, err = w.open(t, b.Token).SignIn(ctx, &chatv1.SignInRequest{Name: "Ada"})
	if harness.CodeOf(err) != connect.CodePermissionDenied {
		t.Errorf("SignIn with the token of an account = %v, want %v", err, connect.CodePermissionDenied)
	}
}

func TestSessionExpires(t *testing.T) {
	t.Parallel()
	w, ctx := start(t, func(c *service.Config) { c.SignInSession = 3 * time.Second }), harness.Context(t)
	a := w.signIn(t, "", providertest.User)
	subscriber := w.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaSend, a.Token, &chatv1.Subscription{Room: "lobby"})
	expectEnd(t, subscriber.Receive, harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_INVALID", Bound: "expired"})
	if b := w.signIn(t, "", providertest.User); b.Member != a.Member {
		t.Errorf("signing in again is %+v, want %+v", b.Member, a.Member)
	}
}

// The service starts while the provider is down, and signs people in when it is there.
func TestProviderComesLater(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.provider.SetDown(true)
	w.restart(t)
	if _, err := w.trySignIn(t, "", providertest.User); err == nil || !strings.Contains(err.Error(), "can’t be reached at the moment") {
		t.Errorf("signing in = %v, want that the provider can't be reached", err)
	}
	w.provider.SetDown(false)
	ctx, again := harness.Context(t), time.NewTicker(100*time.Millisecond)
	defer again.Stop()
	for {
		_, err := w.trySignIn(t, "", providertest.User)
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("signing in = %v, want nil", err)
		}
	}
}

// Pages of other origins do not sign people in, also if they may call the service.
func TestOtherOriginsDoNotSignIn(t *testing.T) {
	t.Parallel()
	w := start(t, func(c *service.Config) { c.CORSOrigins = "https://app.example.com" })
	for _, path := range []string{"/signin/start", "/signin/token"} {
		request, err := http.NewRequestWithContext(harness.Context(t), http.MethodPost, w.URL+path, strings.NewReader(`{}`))
		harness.Must(t, err)
		request.Header.Set("Origin", "https://app.example.com")
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		response, err := harness.HTTP1Client(t).Do(request)
		harness.Must(t, err)
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden || response.Header.Get("Set-Cookie") != "" {
			t.Errorf("%s of another origin = %s, want %d", path, response.Status, http.StatusForbidden)
		}
	}
}

func TestStartRefusesSettings(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*service.Config){
		"-oidc-client-id: ":        func(c *service.Config) { c.SignIn.ClientID = "" },
		"-oidc-issuer: ":           func(c *service.Config) { c.SignIn.Issuer = "http://login.example" },
		"-public-url: ":            func(c *service.Config) { c.SignIn.PublicURL = "" },
		"-public-url: the host ch": func(c *service.Config) { c.Hosts = "other.example" },
	} {
		err := harness.StartRefused(t, harness.InMemory, func(c *service.Config) {
			c.SignIn.Issuer, c.SignIn.ClientID, c.SignIn.PublicURL = "https://login.example", "chat", "https://chat.example.com"
			change(c)
		})
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Run = %v, want one line that begins with %q", err, want)
		}
	}
}
