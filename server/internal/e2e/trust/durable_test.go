package trust

import (
	"context"
	"testing"

	"connectrpc.com/connect"
	"github.com/golang-jwt/jwt/v5"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// What was decided about credentials holds over restarts: which tokens and keys are revoked,
// and that the others are not.
func TestRevokedCredentialsStayRevoked(t *testing.T) {
	t.Parallel()
	dir, ctx := t.TempDir(), harness.Context(t)
	rights := []string{"read", "post", "create", "manage"}
	administrator := harness.CreateKey(t, dir, apikey.Spec{Name: "administrator", Grants: []apikey.Grant{{Pattern: "*", Can: rights}}})
	kept := harness.CreateKey(t, dir, apikey.Spec{Name: "kept", Grants: []apikey.Grant{{Pattern: "*", Can: rights}}})
	var leakedID, leaked string
	harness.Must(t, service.WithKeys(ctx, dir, nil, func(keys apikey.Store) error {
		key, sent, err := keys.Create(ctx, apikey.Spec{Name: "leaked", Grants: []apikey.Grant{{Pattern: "*", Can: rights}}})
		if err == nil {
			leakedID, leaked = key.ID, sent
		}
		return err
	}))
	stolen, other := customer(t, "42", "Ada", "7"), customer(t, "42", "Ada", "7")

	s := harness.Start(t, harness.InDir(dir), withShop)
	guest, member := s.SignIn(t, "guest")
	stays, _ := s.SignIn(t, "stays")
	credentials := map[string]struct {
		credential string
		revoked    bool
	}{
		"the token of a user": {stolen, true}, "another one of the same user": {other, false},
		"a key": {leaked, true}, "another key": {kept, false}, "the key that revokes": {administrator, false},
		"the token of a guest": {guest, true}, "that of another guest": {stays, false},
	}
	for name, c := range credentials {
		if err := say(ctx, callAs(t, s, c.credential)); err != nil {
			t.Fatalf("Send with %s = %v, want nil", name, err)
		}
	}
	var claims jwt.RegisteredClaims
	_, _, err := jwt.NewParser().ParseUnverified(stolen, &claims)
	harness.Must(t, err)
	for _, r := range []*chatv1.RevokeTokensRequest{
		{Target: &chatv1.RevokeTokensRequest_Token{Token: &chatv1.RevokedToken{Issuer: claims.Issuer, TokenId: claims.ID}}},
		{Target: &chatv1.RevokeTokensRequest_KeyId{KeyId: leakedID}},
		{Target: &chatv1.RevokeTokensRequest_Member{Member: &chatv1.RevokedMember{MemberId: member.GetId()}}},
	} {
		_, err := callAs(t, s, administrator).RevokeTokens(ctx, r)
		harness.Must(t, err)
	}
	for restarts := range 3 {
		if restarts > 0 {
			s.Stop(t)
			s = harness.Start(t, harness.InDir(dir), withShop)
		}
		for name, c := range credentials {
			err := say(ctx, callAs(t, s, c.credential))
			if c.revoked && connect.CodeOf(err) != connect.CodeUnauthenticated || !c.revoked && err != nil {
				t.Errorf("Send with %s after %d restarts = %v, want it refused = %t", name, restarts, err, c.revoked)
			}
		}
	}
}

func say(ctx context.Context, c chatv1connect.ChatRoomClient) error {
	_, err := c.Send(ctx, harness.TextRequest("order-7", "hello"))
	return err
}
