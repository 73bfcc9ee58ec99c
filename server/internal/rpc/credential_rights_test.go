package rpc

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"github.com/golang-jwt/jwt/v5"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/store/memory"
)

// granted are claims that grant rights in the rooms that a pattern matches.
func granted(pattern string, can ...string) jwt.MapClaims {
	return jwt.MapClaims{"rooms": []any{map[string]any{"pattern": pattern, "can": can}}}
}

// inClosedShop runs a test in a shop in whose rooms nobody has a right but by a grant.
func inClosedShop(t *testing.T, test func(t *testing.T, w *shopWorld, e *policy.Evaluator)) {
	t.Helper()
	p, err := policy.Parse("policy.yaml", []byte(`rooms: [{pattern: "*", anonymous: [], guest: [], user: [], creator: []}]`))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Second / 2)
		e := policy.New(p)
		test(t, newShopWith(t, Config{Policy: e}, memory.Open(memory.Config{})), e)
	})
}

// The rights of a stream are those of the credential that was renewed last: it may join
// more rooms, and ends when it may not read one of its rooms any more.
func TestRenewalChangesRights(t *testing.T) {
	inClosedShop(t, func(t *testing.T, w *shopWorld, _ *policy.Evaluator) {
		chat := w.chatAs(t, shopToken(t, "ada", time.Hour, granted("lobby", "read")))
		stream := withoutHeartbeats{chat}
		expect(t, stream, "joined", "caughtup")
		refused := func(what string, request *chatv1.ChatRequest) {
			t.Helper()
			chat.send(t, request)
			if r := expect(t, stream, "rejected").GetRejected(); connect.Code(r.GetCode()) != connect.CodePermissionDenied {
				t.Errorf("%s was answered %v, want permission_denied", what, r)
			}
		}
		refused("a join without a grant", joinRequest("tea"))
		refused("a send without a grant", sendRequest("lobby", "1", "hi"))
		chat.send(t, renewRequest(shopToken(t, "ada", time.Hour, granted("*", "read", "post", "create"))))
		expect(t, stream, "renewed", "rightschanged")
		chat.send(t, joinRequest("tea"))
		expect(t, stream, "joined", "caughtup")
		chat.send(t, sendRequest("elsewhere", "2", "hi"))
		expect(t, stream, "accepted")
		chat.send(t, renewRequest(shopToken(t, "ada", time.Hour, granted("tea", "read"))))
		_ = expectEnd(t, stream, connect.CodePermissionDenied)
	})
}

// A stream of Subscribe whose token loses the right to read ends, too.
func TestRenewStreamChangesRights(t *testing.T) {
	inClosedShop(t, func(t *testing.T, w *shopWorld, _ *policy.Evaluator) {
		stream := withoutHeartbeats{w.subscribeAs(t, shopToken(t, "ada", time.Hour, granted("lobby", "read")))}
		id := expect(t, stream, "joined").GetJoined().GetStreamId()
		expect(t, stream, "caughtup")
		if _, err := w.with(shopToken(t, "ada", time.Hour, nil)).RenewStream(t.Context(), &chatv1.RenewStreamRequest{StreamId: id}); err != nil {
			t.Errorf("RenewStream = %v, want nil", err)
		}
		_ = expectEnd(t, stream, connect.CodePermissionDenied)
	})
}

// What denies a member or a key something applies to sends of the key in the member's name,
// by whichever method.
func TestSendAsIsDenied(t *testing.T) {
	inClosedShop(t, func(t *testing.T, w *shopWorld, e *policy.Evaluator) {
		key, sent := w.createKey(t, apikey.Spec{Name: "back end", SendAs: true, Grants: []apikey.Grant{{Pattern: "*", Can: []string{"read", "post", "create"}}}})
		client, n := w.with(sent), 0
		check := func(what, member string, want connect.Code) {
			t.Helper()
			n++
			one, many := textSend("lobby", fmt.Sprint("one", n), "hi"), textSend("lobby", fmt.Sprint("many", n), "hi")
			if member != "" {
				one.SendAs = &chatv1.SendAs{Id: member, Name: "Member"}
				many.SendAs = one.GetSendAs()
			}
			_, err := client.Send(t.Context(), one)
			batch, batchErr := client.SendBatch(t.Context(), &chatv1.SendBatchRequest{Sends: []*chatv1.SendRequest{many}})
			if batchErr != nil {
				t.Fatal(batchErr)
			}
			var got connect.Code
			if err != nil {
				got = connect.CodeOf(err)
			}
			if rejected := connect.Code(batch.GetResults()[0].GetRejected().GetCode()); got != want || rejected != want {
				t.Errorf("%s: Send = %v, SendBatch = %v, want code %v", what, err, batch, want)
			}
		}
		deny := func(d policy.Denial) {
			t.Helper()
			var err error
			d.Rooms, err = policy.ParsePattern("lobby")
			if err := errors.Join(err, e.Denials().Put(d)); err != nil {
				t.Fatal(err)
			}
		}
		deny(policy.Denial{ID: "1", Effect: policy.Mute, Member: "shop:ada"})
		check("a muted member", "shop:ada", connect.CodePermissionDenied)
		check("another member", "shop:eve", 0)
		check("the key itself", "", 0)
		deny(policy.Denial{ID: "2", Effect: policy.Mute, Member: "key:" + key.ID})
		check("a member, by a muted key", "shop:eve", connect.CodePermissionDenied)
		check("the muted key", "", connect.CodePermissionDenied)
	})
}

// The sends of a batch count each, by the rates of the credential.
func TestLimitsOfCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newShopWith(t, withLimits(t, "send.member=1/h:2"), memory.Open(memory.Config{}))
		batch := func(name string) *chatv1.SendBatchRequest {
			b := &chatv1.SendBatchRequest{}
			for i := range 5 {
				b.Sends = append(b.Sends, textSend("lobby", fmt.Sprint(name, i), "hi"))
			}
			return b
		}
		grants := []apikey.Grant{{Pattern: "*", Can: []string{"read", "post"}}}
		_, slow := w.createKey(t, apikey.Spec{Name: "slow", Grants: grants})
		_, fast := w.createKey(t, apikey.Spec{Name: "fast", Grants: grants, Limits: map[string]string{"send": "1/h:4"}})
		for _, tt := range []struct {
			name, credential string
			passes           int
		}{
			{"a key", slow, 2},
			{"a key with a rate", fast, 4},
			{"a user with a rate", shopToken(t, "ada", time.Hour, jwt.MapClaims{"limits": map[string]any{"send": "1/h:3"}}), 3},
		} {
			client := w.with(tt.credential)
			response, err := client.SendBatch(t.Context(), batch(tt.name))
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range response.GetResults() {
				var want connect.Code
				if i >= tt.passes {
					want = connect.CodeResourceExhausted
				}
				if got := connect.Code(r.GetRejected().GetCode()); got != want || want != 0 && len(r.GetRejected().GetDetails()) != 2 {
					t.Errorf("%s: result %d = %v, want code %v, with details", tt.name, i, r, want)
				}
			}
			if _, err := client.Send(t.Context(), textSend("lobby", tt.name+" more", "hi")); connect.CodeOf(err) != connect.CodeResourceExhausted {
				t.Errorf("%s: Send after the batch = %v, want code resource_exhausted", tt.name, err)
			}
		}
	})
}

// Neither limits nor bans of addresses apply to the address of a back end, which is not a
// person's.
func TestAddressesOfBackEnds(t *testing.T) {
	address := netip.MustParseAddr("192.0.2.7")
	for _, kind := range []policy.Kind{policy.Anonymous, policy.Guest, policy.User, policy.Key} {
		c := new(callerState)
		c.latest.Store(&identity.Credential{Kind: kind})
		ctx := context.WithValue(context.WithValue(t.Context(), responseKey{}, &response{address: address}), callerKey{}, c)
		want := address
		if kind == policy.Key {
			want = netip.Addr{}
		}
		if got, limited := rightsOf(ctx).Address, limitedCaller(ctx, "lobby").Address; got != want || limited != want {
			t.Errorf("the address of a caller of the kind %v is %v for rights and %v for limits, want %v", kind, got, limited, want)
		}
	}
}
