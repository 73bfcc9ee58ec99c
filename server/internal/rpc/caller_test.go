package rpc

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/store/memory"
)

const shop = "https://shop.example"

var shopSecret = []byte("0123456789abcdef0123456789abcdef")

// shopIssuers knows one issuer, whose clock is ours.
func shopIssuers(t *testing.T) *identity.Issuers {
	t.Helper()
	issuers, err := identity.NewIssuers(identity.IssuerConfig{Name: shop, Audience: []string{"chat"}, Secret: shopSecret, Prefix: "shop:", Skew: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuers.Close)
	return issuers
}

// shopToken returns a token for a user of the shop, with claims in addition.
func shopToken(t *testing.T, user string, life time.Duration, more jwt.MapClaims) string {
	t.Helper()
	c := jwt.MapClaims{
		"iss": shop, "aud": "chat", "sub": user, "name": user,
		"iat": time.Now().Unix(), "exp": time.Now().Add(life).Unix(),
	}
	maps.Copy(c, more)
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString(shopSecret)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// openKeys returns the API keys in a state.
func openKeys(t *testing.T, state *memory.Store, c apikey.Config) *apikey.Keys {
	t.Helper()
	keys, err := apikey.Open(t.Context(), state, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(keys.Close)
	return keys
}

// with returns a client that sends a credential.
func (w *world) with(credential string) chatv1connect.ChatRoomClient {
	return chatv1connect.NewChatRoomClient(&http.Client{Transport: bearerTransport{w.http.Transport, credential}}, testOrigin)
}

// bearerTransport is a transport that adds a credential to each request.
type bearerTransport struct {
	http.RoundTripper
	credential string
}

func (b bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.credential)
	return b.RoundTripper.RoundTrip(r)
}

// expectInvalid checks that a credential is refused, with the cause.
func expectInvalid(t *testing.T, what string, err error, cause identity.Cause) {
	t.Helper()
	refused, ok := errors.AsType[*connect.Error](err)
	if !ok || refused.Code() != connect.CodeUnauthenticated {
		t.Errorf("%s = %v, want code unauthenticated", what, err)
		return
	}
	for _, d := range refused.Details() {
		value, err := d.Value()
		if info, ok := value.(*errdetails.ErrorInfo); ok && err == nil && info.GetReason() == "TOKEN_INVALID" && info.GetMetadata()["cause"] == string(cause) {
			return
		}
	}
	t.Errorf("%s = %v, %v, want the reason TOKEN_INVALID and the cause %q", what, refused, refused.Details(), cause)
}

// Guests, users and API keys are members with the names that their credentials give.
func TestKindsOfCallers(t *testing.T) {
	state := memory.Open(memory.Config{})
	keys := openKeys(t, state, apikey.Config{})
	w := newWorldOn(t, Config{Issuers: shopIssuers(t), Keys: keys}, state)
	key, sent, err := keys.Create(t.Context(), apikey.Spec{Name: "desk", Grants: []apikey.Grant{{Pattern: "*", Can: []string{"read", "post"}}}})
	if err != nil {
		t.Fatal(err)
	}
	guest, err := w.client.SignIn(t.Context(), &chatv1.SignInRequest{Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		credential string
		want       *chatv1.Member
	}{
		"guest": {guest.GetToken(), guest.GetMember()},
		"user":  {shopToken(t, "grace", time.Hour, nil), &chatv1.Member{Id: "shop:grace", Name: "grace"}},
		"key":   {sent, &chatv1.Member{Id: "key:" + key.ID, Name: "desk"}},
	} {
		stream, err := w.with(tt.credential).Subscribe(t.Context(), &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "lobby"}}})
		if err != nil {
			t.Fatalf("Subscribe as a %s = %v, want nil", name, err)
		}
		if got := expect(t, subscribed{stream}, "joined").GetJoined().GetMember(); !proto.Equal(got, tt.want) {
			t.Errorf("a %s is %v, want %v", name, got, tt.want)
		}
		_ = stream.Close()
	}
	// A guest's token lasts for a month: others must not get one for themselves.
	for name, credential := range map[string]string{"user": shopToken(t, "grace", time.Hour, nil), "key": sent} {
		if _, err := w.with(credential).SignIn(t.Context(), &chatv1.SignInRequest{Name: "Ada"}); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("SignIn as a %s = %v, want code permission_denied", name, err)
		}
	}
}

// What is wrong with a credential is told, and nothing of the server.
func TestCredentialsAreRefused(t *testing.T) {
	state := memory.Open(memory.Config{})
	w := newWorldOn(t, Config{Issuers: shopIssuers(t), Keys: openKeys(t, state, apikey.Config{})}, state)
	for name, tt := range map[string]struct {
		credential string
		cause      identity.Cause
	}{
		"malformed": {"x.y.z", identity.Malformed},
		"expired":   {shopToken(t, "ada", -time.Second, nil), identity.Expired},
		"audience":  {shopToken(t, "ada", time.Hour, jwt.MapClaims{"aud": "billing"}), identity.WrongAudience},
		"issuer":    {shopToken(t, "ada", time.Hour, jwt.MapClaims{"iss": "https://other.example"}), identity.UnknownIssuer},
		"signature": {shopToken(t, "ada", time.Hour, nil) + "A", identity.BadSignature},
		"claims":    {shopToken(t, "ada", time.Hour, jwt.MapClaims{"rooms": []any{map[string]any{"pattern": "a", "can": []string{"fly"}}}}), identity.BadClaims},
		"key":       {apikey.Prefix + "0", identity.BadKey},
	} {
		_, err := w.with(tt.credential).ListRooms(t.Context(), &chatv1.ListRoomsRequest{})
		expectInvalid(t, "ListRooms, "+name, err, tt.cause)
		if text := err.Error(); strings.Contains(text, "identity:") || strings.Contains(text, tt.credential) {
			t.Errorf("ListRooms, %s = %v, want nothing of the server and of the token in it", name, err)
		}
	}
	headers := [][]string{{"Bearer " + shopToken(t, "ada", time.Hour, nil), "Bearer x.y.z"}, {"", "Bearer " + shopToken(t, "ada", time.Hour, nil)}}
	for _, several := range headers {
		_, err := w.api.identify(t.Context(), connect.Spec{}, connect.Peer{}, http.Header{"Authorization": several})
		expectInvalid(t, "identify with several headers", err, identity.Malformed)
	}
	without := newWorld(t, Config{})
	_, err := without.with(apikey.Prefix+"0").ListRooms(t.Context(), &chatv1.ListRoomsRequest{})
	expectInvalid(t, "ListRooms without keys", err, identity.BadKey)
}
