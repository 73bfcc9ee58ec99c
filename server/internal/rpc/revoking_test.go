package rpc

import (
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/store/memory"
)

func revokeToken(id string) *chatv1.RevokeTokensRequest {
	return &chatv1.RevokeTokensRequest{Target: &chatv1.RevokeTokensRequest_Token{Token: &chatv1.RevokedToken{Issuer: shop, TokenId: id}}}
}

func revokeMember(id string) *chatv1.RevokeTokensRequest {
	return &chatv1.RevokeTokensRequest{Target: &chatv1.RevokeTokensRequest_Member{Member: &chatv1.RevokedMember{MemberId: id}}}
}

func revokeKey(id string) *chatv1.RevokeTokensRequest {
	return &chatv1.RevokeTokensRequest{Target: &chatv1.RevokeTokensRequest_KeyId{KeyId: id}}
}

// What is revoked ends its open streams within a second, and opens no others; what is not
// revoked continues.
func TestRevokeTokens(t *testing.T) {
	withID := func(t *testing.T, user, id string) string {
		return shopToken(t, user, time.Hour, jwt.MapClaims{"jti": id})
	}
	for name, tt := range map[string]struct {
		revoked, kept func(t *testing.T, w *shopWorld) string
		request       func(t *testing.T, w *shopWorld) *chatv1.RevokeTokensRequest
		cause         identity.Cause
	}{
		"a token": {
			func(t *testing.T, w *shopWorld) string { return withID(t, "ada", "t1") },
			func(t *testing.T, w *shopWorld) string { return withID(t, "ada", "t2") },
			func(*testing.T, *shopWorld) *chatv1.RevokeTokensRequest { return revokeToken("t1") }, identity.Revoked,
		},
		"a member": {
			func(t *testing.T, w *shopWorld) string { return withID(t, "ada", "t1") },
			func(t *testing.T, w *shopWorld) string { return withID(t, "eve", "t1") },
			func(*testing.T, *shopWorld) *chatv1.RevokeTokensRequest { return revokeMember("shop:ada") }, identity.Revoked,
		},
		"a key": {
			func(t *testing.T, w *shopWorld) string {
				_, sent := w.createKey(t, apikey.Spec{Name: "leaked", Grants: []apikey.Grant{{Pattern: "*", Can: []string{"read"}}}})
				return sent
			},
			func(t *testing.T, w *shopWorld) string {
				_, sent := w.createKey(t, apikey.Spec{Name: "other", Grants: []apikey.Grant{{Pattern: "*", Can: []string{"read"}}}})
				return sent
			},
			func(t *testing.T, w *shopWorld) *chatv1.RevokeTokensRequest {
				keys, _ := w.keys.List(t.Context())
				for _, k := range keys {
					if k.Name == "leaked" {
						return revokeKey(k.ID)
					}
				}
				return nil
			}, identity.BadKey,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inShop(t, func(t *testing.T, w *shopWorld) {
				administrator := w.administrator(t)
				revoked, kept := tt.revoked(t, w), tt.kept(t, w)
				chat, sub, other := w.chatAs(t, revoked), w.subscribeAs(t, revoked), w.subscribeAs(t, kept)
				for _, s := range []frames{chat, sub, other} {
					expect(t, s, "joined", "caughtup")
				}
				start := time.Now()
				if _, err := w.with(administrator).RevokeTokens(t.Context(), tt.request(t, w)); err != nil {
					t.Fatalf("RevokeTokens = %v, want nil", err)
				}
				for _, s := range []frames{chat, sub} {
					expectInvalid(t, "the end of a stream", expectEnd(t, s, connect.CodeUnauthenticated), tt.cause)
				}
				expectWithin(t, "the end", start, 0, time.Second)
				_, err := w.with(revoked).ListRooms(t.Context(), &chatv1.ListRoomsRequest{})
				expectInvalid(t, "ListRooms", err, tt.cause)
				w.say(t, "lobby", "hello")
				expect(t, other, "event")
				if _, err := w.with(kept).ListRooms(t.Context(), &chatv1.ListRoomsRequest{}); err != nil {
					t.Errorf("ListRooms of a caller who is not revoked = %v, want nil", err)
				}
			})
		})
	}
}

// A member whose tokens were revoked may call with a token that was issued later.
func TestTokensAfterARevocation(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		administrator := w.administrator(t)
		if _, err := w.with(administrator).RevokeTokens(t.Context(), revokeMember("shop:ada")); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		if _, err := w.with(shopToken(t, "ada", time.Hour, nil)).ListRooms(t.Context(), &chatv1.ListRoomsRequest{}); err != nil {
			t.Errorf("ListRooms with a later token = %v, want nil", err)
		}
		_, err := w.with(shopToken(t, "ada", time.Hour, jwt.MapClaims{"iat": time.Now().Add(-time.Minute).Unix()})).ListRooms(t.Context(), &chatv1.ListRoomsRequest{})
		expectInvalid(t, "ListRooms with an earlier token", err, identity.Revoked)
	})
}

// Revocations are in force after a restart.
func TestRevocationsSurviveARestart(t *testing.T) {
	state := memory.Open(memory.Config{})
	token := func(t *testing.T) string { return shopToken(t, "ada", time.Hour, jwt.MapClaims{"jti": "t1"}) }
	t.Run("before", func(t *testing.T) {
		w := newShop(t, state)
		if _, err := w.with(token(t)).ListRooms(t.Context(), &chatv1.ListRoomsRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.with(w.administrator(t)).RevokeTokens(t.Context(), revokeToken("t1")); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("after", func(t *testing.T) {
		_, err := newShop(t, state).with(token(t)).ListRooms(t.Context(), &chatv1.ListRoomsRequest{})
		expectInvalid(t, "ListRooms after a restart", err, identity.Revoked)
	})
}

// Only a grant of manage in all rooms lets a caller revoke.
func TestRevokeTokensRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newShop(t, memory.Open(memory.Config{}))
		grant := func(pattern string, can ...string) string {
			return shopToken(t, "ada", time.Hour, jwt.MapClaims{"rooms": []any{map[string]any{"pattern": pattern, "can": can}}})
		}
		guest, err := w.client.SignIn(t.Context(), &chatv1.SignInRequest{Name: "Ada"})
		if err != nil {
			t.Fatal(err)
		}
		_, plainKey := w.createKey(t, apikey.Spec{Name: "plain", Grants: []apikey.Grant{{Pattern: "*", Can: []string{"moderate"}}}})
		for name, credential := range map[string]string{
			"a guest": guest.GetToken(), "a user": shopToken(t, "ada", time.Hour, nil), "a manager of some rooms": grant("a*", "manage"),
			"a moderator of all": grant("*", "moderate", "post", "read"), "a key": plainKey,
		} {
			if _, err := w.with(credential).RevokeTokens(t.Context(), revokeMember("shop:eve")); connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("RevokeTokens by %s = %v, want code permission_denied", name, err)
			}
		}
		if _, err := w.client.RevokeTokens(t.Context(), revokeMember("shop:eve")); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("RevokeTokens by an anonymous caller = %v, want code permission_denied", err)
		}
		manager := w.with(grant("*", "manage"))
		if _, err := manager.RevokeTokens(t.Context(), revokeKey("aaaaaaaaaaaaaaaa")); connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("RevokeTokens of an unknown key = %v, want code not_found", err)
		}
		later := revokeMember("shop:eve")
		later.GetMember().IssuedUntil = timestamppb.New(time.Now().Add(-time.Hour))
		if _, err := manager.RevokeTokens(t.Context(), later); err != nil {
			t.Errorf("RevokeTokens by a manager of all rooms = %v, want nil", err)
		}
		if _, err := w.with(shopToken(t, "eve", time.Hour, nil)).ListRooms(t.Context(), &chatv1.ListRoomsRequest{}); err != nil {
			t.Errorf("ListRooms with a token issued after the time = %v, want nil", err)
		}
	})
}

// SignOut ends the streams of its token within a second, and no other stream of the member.
func TestSignOutEndsStreams(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		first, _ := guestToken(t, w.world, "Ada")
		renewed, err := w.with(first).SignIn(t.Context(), &chatv1.SignInRequest{Name: "Lady Ada"})
		if err != nil {
			t.Fatal(err)
		}
		chat, other := w.chatAs(t, first), w.subscribeAs(t, renewed.GetToken())
		subscribed := w.subscribeAs(t, first)
		for _, s := range []frames{chat, subscribed, other} {
			expect(t, s, "joined", "caughtup")
		}
		start := time.Now()
		if _, err := w.with(first).SignOut(t.Context(), &chatv1.SignOutRequest{}); err != nil {
			t.Fatalf("SignOut = %v, want nil", err)
		}
		for _, s := range []frames{chat, subscribed} {
			expectInvalid(t, "the end of a stream", expectEnd(t, s, connect.CodeUnauthenticated), identity.Revoked)
		}
		expectWithin(t, "the end of the streams", start, 0, time.Second)
		w.say(t, "lobby", "hi")
		expect(t, other, "event")
	})
}
