package rpc

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/golang-jwt/jwt/v5"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/revocation"
	"chatroom/server/internal/store/memory"
)

// shopWorld is a world with the users of a shop, API keys and revocations.
type shopWorld struct {
	*world
	keys *apikey.Keys
}

// newShop starts a server on a state, which a former one may have used.
func newShop(t *testing.T, state *memory.Store) *shopWorld {
	t.Helper()
	return newShopWith(t, Config{}, state)
}

// newShopWith is newShop with a configuration.
func newShopWith(t *testing.T, c Config, state *memory.Store) *shopWorld {
	t.Helper()
	var api atomic.Pointer[Server]
	end := func(covers func(*identity.Credential) bool) {
		if server := api.Load(); server != nil {
			server.EndStreams(covers)
		}
	}
	keys := openKeys(t, state, apikey.Config{Revoked: func(id string) {
		end(func(c *identity.Credential) bool { return c.Kind == policy.Key && c.TokenID == id })
	}})
	revocations, err := revocation.Open(t.Context(), state, revocation.Config{Revoked: func(r revocation.Revocation) { end(r.Covers) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(revocations.Close)
	c.Guests = identity.NewGuests()
	if err := c.Guests.KeepRevoked(t.Context(), state); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Guests.Close)
	c.Issuers, c.Keys, c.Revocations = shopIssuers(t), keys, revocations
	w := newWorldOn(t, c, state)
	api.Store(w.api)
	return &shopWorld{w, keys}
}

// inShop runs a test in a bubble, with a clock that is half a tick ahead of the server's
// ticks when tokens expire.
func inShop(t *testing.T, test func(t *testing.T, w *shopWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Second / 2)
		test(t, newShop(t, memory.Open(memory.Config{})))
	})
}

// createKey returns what the holder of a new key sends.
func (w *shopWorld) createKey(t *testing.T, s apikey.Spec) (key *apikey.Key, sent string) {
	t.Helper()
	key, sent, err := w.keys.Create(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return key, sent
}

// administrator returns the credential of a back end that may manage all rooms.
func (w *shopWorld) administrator(t *testing.T) string {
	t.Helper()
	_, sent := w.createKey(t, apikey.Spec{Name: "administrator", Grants: []apikey.Grant{{Pattern: "*", Can: []string{"manage"}}}})
	return sent
}

// chatAs opens a Chat stream in the lobby.
func (w *shopWorld) chatAs(t *testing.T, credential string) chatting {
	t.Helper()
	stream, err := w.with(credential).Chat(t.Context())
	if err != nil {
		t.Fatalf("Chat = %v, want nil", err)
	}
	c := chatting{stream}
	c.send(t, joinRequest("lobby"))
	return c
}

// subscribeAs opens a Subscribe stream in the lobby.
func (w *shopWorld) subscribeAs(t *testing.T, credential string) subscribed {
	t.Helper()
	stream, err := w.with(credential).Subscribe(t.Context(), &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "lobby"}}})
	if err != nil {
		t.Fatalf("Subscribe = %v, want nil", err)
	}
	return subscribed{stream}
}

// withoutHeartbeats takes heartbeats from a stream.
type withoutHeartbeats struct{ frames }

func (w withoutHeartbeats) next() (*chatv1.Frame, error) {
	for {
		frame, err := w.frames.next()
		if err != nil || frame.GetHeartbeat() == nil {
			return frame, err
		}
	}
}

func renewRequest(token string) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Renew{Renew: &chatv1.Renew{Token: token}}}
}

// expectWithin compares with how long ago start was: want, or up to a tick later.
func expectWithin(t *testing.T, what string, start time.Time, want, tick time.Duration) {
	t.Helper()
	if got := time.Since(start); got < want || got > want+tick {
		t.Errorf("%s after %v, want %v, or up to %v later", what, got, want, tick)
	}
}

// A stream says that its token expires, and ends when it has.
func TestTokenExpiresOnAnOpenStream(t *testing.T) {
	for name, open := range map[string]func(w *shopWorld, t *testing.T, token string) frames{
		"Chat":      func(w *shopWorld, t *testing.T, token string) frames { return w.chatAs(t, token) },
		"Subscribe": func(w *shopWorld, t *testing.T, token string) frames { return w.subscribeAs(t, token) },
	} {
		t.Run(name, func(t *testing.T) {
			inShop(t, func(t *testing.T, w *shopWorld) {
				exp := time.Now().Add(5 * time.Minute).Truncate(time.Second)
				start, life := time.Now(), time.Until(exp)
				stream := withoutHeartbeats{open(w, t, shopToken(t, "ada", 5*time.Minute, nil))}
				joined := expect(t, stream, "joined").GetJoined()
				if !joined.GetTokenExpireTime().AsTime().Equal(exp) || joined.GetStreamId() == "" {
					t.Errorf("Joined = %v, want the id of the stream, and that the token expires at %v", joined, exp)
				}
				expiring := expect(t, stream, "caughtup", "expiring").GetExpiring()
				expectWithin(t, "Expiring", start, life-expiryNotice, w.api.tick)
				if left := expiring.GetTimeLeft().AsDuration(); left != time.Until(exp) {
					t.Errorf("Expiring.time_left = %v, want %v", left, time.Until(exp))
				}
				ended := expectEnd(t, stream, connect.CodeUnauthenticated)
				expectWithin(t, "the end", start, life, w.api.tick)
				expectInvalid(t, "the end of the stream", ended, identity.Expired)
			})
		})
	}
}

// A stream that begins when its token is about to expire says so at once. One without a
// token, or with a key, never does.
func TestExpiringAtTheBeginning(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		start := time.Now()
		stream := w.subscribeAs(t, shopToken(t, "ada", 30*time.Second, nil))
		expect(t, stream, "joined", "caughtup", "expiring")
		expectWithin(t, "Expiring", start, 0, w.api.tick)

		anonymous, cancel := w.subscribe(t, "lobby")
		defer cancel()
		joined := expect(t, anonymous, "joined").GetJoined()
		if joined.GetStreamId() != "" || joined.GetTokenExpireTime() != nil {
			t.Errorf("Joined without a token = %v, want no expiry in it", joined)
		}
		expect(t, anonymous, "caughtup")
		for range 10 {
			expect(t, anonymous, "heartbeat")
		}
	})
}

// The sends of a caller whose token has expired are refused, also before the next tick
// ends the stream.
func TestExpiredCallerSends(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		exp := time.Now().Add(90 * time.Second).Truncate(time.Second)
		chat := w.chatAs(t, shopToken(t, "ada", 90*time.Second, nil))
		stream := withoutHeartbeats{chat}
		expect(t, stream, "joined", "caughtup")
		chat.send(t, sendRequest("elsewhere", "1", "in time"))
		expect(t, stream, "accepted", "expiring")
		<-time.After(time.Until(exp))
		chat.send(t, sendRequest("elsewhere", "2", "too late"))
		if rejected := expect(t, stream, "rejected").GetRejected(); rejected.GetCode() != int32(connect.CodeUnauthenticated) || rejected.GetId() != "2" {
			t.Errorf("the send was answered %v, want the code unauthenticated", rejected)
		}
		expectInvalid(t, "the end of the stream", expectEnd(t, stream, connect.CodeUnauthenticated), identity.Expired)
		page, err := w.client.ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "elsewhere"})
		if err != nil || len(page.GetEvents()) != 1 {
			t.Errorf("ListEvents = %v, %v, want what was sent in time", page, err)
		}
	})
}

// A renewed Chat stream continues with the new token, its name and its rights.
func TestRenewOnChat(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		chat := w.chatAs(t, shopToken(t, "ada", 2*time.Minute, nil))
		stream := withoutHeartbeats{chat}
		expect(t, stream, "joined", "caughtup", "expiring")
		// What is no token of this member changes nothing.
		for name, tt := range map[string]struct {
			token string
			code  connect.Code
		}{
			"another member": {shopToken(t, "eve", time.Hour, nil), connect.CodePermissionDenied},
			"expired":        {shopToken(t, "ada", -time.Minute, nil), connect.CodeUnauthenticated},
			"malformed":      {"x", connect.CodeUnauthenticated},
		} {
			chat.send(t, renewRequest(tt.token))
			if rejected := expect(t, stream, "rejected").GetRejected(); connect.Code(rejected.GetCode()) != tt.code {
				t.Errorf("Renew with a token that is %s was answered %v, want code %v", name, rejected, tt.code)
			}
		}
		start, exp := time.Now(), time.Now().Add(10*time.Minute).Truncate(time.Second)
		chat.send(t, renewRequest(shopToken(t, "ada", 10*time.Minute, jwt.MapClaims{
			"name": "Ada L.", "rooms": []any{map[string]any{"pattern": "*", "can": []string{"manage"}}},
		})))
		if at := expect(t, stream, "renewed").GetRenewed().GetTokenExpireTime().AsTime(); !at.Equal(exp) {
			t.Errorf("Renewed.token_expire_time = %v, want %v", at, exp)
		}
		expect(t, stream, "rightschanged")
		<-time.After(5 * time.Minute) // past the end of the first token
		chat.send(t, sendRequest("lobby", "1", "still here"))
		accepted, sender := false, ""
		for range 2 { // in either order
			frame, err := stream.next()
			if err != nil {
				t.Fatalf("the renewed stream ended with %v", err)
			}
			accepted = accepted || frame.GetAccepted() != nil
			if e := frame.GetEvent(); e != nil {
				sender = e.GetSender().GetName()
			}
		}
		if !accepted || sender != "Ada L." {
			t.Errorf("accepted = %t and sender = %q, want the send accepted under the new name", accepted, sender)
		}
		expect(t, stream, "expiring")
		expectWithin(t, "Expiring of the new token", start, exp.Sub(start)-expiryNotice, w.api.tick)
		expectInvalid(t, "the end of the stream", expectEnd(t, stream, connect.CodeUnauthenticated), identity.Expired)
	})
}

// A Subscribe stream is renewed by a unary call of its member alone.
func TestRenewStream(t *testing.T) {
	inShop(t, func(t *testing.T, w *shopWorld) {
		stream := withoutHeartbeats{w.subscribeAs(t, shopToken(t, "ada", 2*time.Minute, nil))}
		id := expect(t, stream, "joined").GetJoined().GetStreamId()
		expect(t, stream, "caughtup", "expiring")
		for name, tt := range map[string]struct {
			token, id string
			code      connect.Code
		}{
			"another member":    {shopToken(t, "eve", time.Hour, nil), id, connect.CodeNotFound},
			"an unknown stream": {shopToken(t, "ada", time.Hour, nil), "unknown", connect.CodeNotFound},
			"an expired token":  {shopToken(t, "ada", -time.Hour, nil), id, connect.CodeUnauthenticated},
		} {
			if _, err := w.with(tt.token).RenewStream(t.Context(), &chatv1.RenewStreamRequest{StreamId: tt.id}); connect.CodeOf(err) != tt.code {
				t.Errorf("RenewStream, %s = %v, want code %v", name, err, tt.code)
			}
		}
		if _, err := w.client.RenewStream(t.Context(), &chatv1.RenewStreamRequest{StreamId: id}); connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("RenewStream without a token = %v, want code unauthenticated", err)
		}
		exp := time.Now().Add(time.Hour).Truncate(time.Second)
		response, err := w.with(shopToken(t, "ada", time.Hour, nil)).RenewStream(t.Context(), &chatv1.RenewStreamRequest{StreamId: id})
		if err != nil || !response.GetTokenExpireTime().AsTime().Equal(exp) {
			t.Fatalf("RenewStream = %v, %v, want that the token expires at %v", response, err, exp)
		}
		expect(t, stream, "renewed")
		<-time.After(30 * time.Minute)
		w.say(t, "lobby", "still there?")
		expect(t, stream, "event", "expiring")
		_ = expectEnd(t, stream, connect.CodeUnauthenticated)
		<-time.After(time.Second)
		if _, err := w.with(shopToken(t, "ada", time.Hour, nil)).RenewStream(t.Context(), &chatv1.RenewStreamRequest{StreamId: id}); connect.CodeOf(err) != connect.CodeNotFound {
			t.Errorf("RenewStream of a stream that has ended = %v, want code not_found", err)
		}
	})
}
