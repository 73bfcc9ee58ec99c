package identity

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/store/memory"
)

var errBroken = errors.New("broken")

// brokenState fails as long as err is set.
type brokenState struct {
	chat.State
	err error
}

func (s *brokenState) Get(ctx context.Context, key string) (chat.Record, error) {
	if s.err != nil {
		return chat.Record{}, s.err
	}
	return s.State.Get(ctx, key)
}

func (s *brokenState) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if s.err != nil {
		return 0, s.err
	}
	return s.State.Put(ctx, key, value, revision)
}

// guestsOn returns guests on a node with a key and a state.
func guestsOn(t *testing.T, key []byte, state chat.State) *Guests {
	t.Helper()
	g := &Guests{key: key}
	if err := g.KeepRevoked(t.Context(), state); err != nil {
		t.Fatalf("KeepRevoked = %v, want nil", err)
	}
	t.Cleanup(g.Close)
	return g
}

func openState(t *testing.T) *memory.Store {
	t.Helper()
	state := memory.Open(memory.Config{})
	t.Cleanup(func() {
		if err := state.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	return state
}

// A token that was signed out is refused, by other nodes and after a restart, too; other
// tokens of the member stay valid.
func TestSignOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := openState(t)
		key := NewGuests().key
		here, there := guestsOn(t, key, state), guestsOn(t, key, state)
		token, m, _ := signIn(t, here, "Ada", chat.Member{})
		<-time.After(time.Second) // tokens of the same second are the same
		renewed, _, _ := signIn(t, here, "Ada", m)
		for _, g := range []*Guests{here, there} {
			for _, valid := range []string{token, renewed} {
				if got, err := g.Verify(t.Context(), valid); got != m || err != nil {
					t.Fatalf("Verify = %+v, %v, want %+v", got, err, m)
				}
			}
		}
		streams := make(map[*Guests][2]*Credential)
		for _, g := range []*Guests{here, there} {
			first, err := g.Identify(t.Context(), token)
			second, secondErr := g.Identify(t.Context(), renewed)
			if err := errors.Join(err, secondErr); err != nil {
				t.Fatal(err)
			}
			streams[g] = [2]*Credential{first, second}
			g.OnSignOut(func(covers func(*Credential) bool) {
				if !covers(first) || covers(second) {
					t.Errorf("what was signed out covers the token: %t, another one: %t; want true and false", covers(first), covers(second))
				}
			})
		}
		if err := here.SignOut(t.Context(), token); err != nil {
			t.Fatalf("SignOut = %v, want nil", err)
		}
		synctest.Wait() // for the watch of the other node
		for g, c := range streams {
			if !g.SignedOut(c[0]) || g.SignedOut(c[1]) {
				t.Errorf("SignedOut = %t for the token, %t for another one, want true and false", g.SignedOut(c[0]), g.SignedOut(c[1]))
			}
		}
		for name, g := range map[string]*Guests{"here": here, "there": there, "after a restart": guestsOn(t, key, state)} {
			if got, err := g.Verify(t.Context(), token); !errors.Is(err, ErrInvalidToken) || got != (chat.Member{}) {
				t.Errorf("Verify of a revoked token, %s = %+v, %v, want %v", name, got, err, ErrInvalidToken)
			}
			if err := g.SignOut(t.Context(), token); !errors.Is(err, ErrInvalidToken) {
				t.Errorf("SignOut again, %s = %v, want %v", name, err, ErrInvalidToken)
			}
			if got, err := g.Verify(t.Context(), renewed); got != m || err != nil {
				t.Errorf("Verify of the member's other token, %s = %+v, %v, want %+v", name, got, err, m)
			}
		}
	})
}

// A token has one form: the last character of a signature has bits without a meaning.
func TestTokensHaveOneForm(t *testing.T) {
	g := guestsOn(t, NewGuests().key, openState(t))
	token, _, _ := signIn(t, g, "Ada", chat.Member{})
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := len(token) - 1
	for _, c := range alphabet {
		other := token[:last] + string(c)
		if _, err := g.Verify(t.Context(), other); (err == nil) != (other == token) {
			t.Errorf("Verify with the last character %c in place of %c = %v, want it refused", c, token[last], err)
		}
	}
}

// A token is not accepted as long as it is not known whether it is revoked.
func TestVerifyWithAFailingState(t *testing.T) {
	state := &brokenState{State: openState(t)}
	g := guestsOn(t, NewGuests().key, state)
	token, m, _ := signIn(t, g, "Ada", chat.Member{})
	state.err = errBroken
	if _, err := g.Verify(t.Context(), token); !errors.Is(err, errBroken) || errors.Is(err, ErrInvalidToken) {
		t.Errorf("Verify with a failing state = %v, want %v", err, errBroken)
	}
	state.err = nil
	if got, err := g.Verify(t.Context(), token); got != m || err != nil {
		t.Errorf("Verify with a working state = %+v, %v, want %+v", got, err, m)
	}
	state.err = errBroken
	if err := g.SignOut(t.Context(), token); !errors.Is(err, errBroken) {
		t.Errorf("SignOut with a failing state = %v, want %v", err, errBroken)
	}
	if got, err := g.Verify(t.Context(), token); got != m || err != nil {
		t.Errorf("Verify of a token that was found valid before = %+v, %v, want %+v", got, err, m)
	}
}

// Records of revoked tokens are kept until the tokens have expired, and not for longer.
func TestRevokedTokensAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := openState(t)
		g := guestsOn(t, NewGuests().key, state)
		if _, err := state.Put(t.Context(), "rooms/lobby/profile", nil, 0); err != nil {
			t.Fatal(err)
		}
		var last string
		for range 4 {
			for range revokedChunk / 3 {
				token, _, _ := signIn(t, g, "Ada", chat.Member{})
				if err := g.SignOut(t.Context(), token); err != nil {
					t.Fatal(err)
				}
				last = token
			}
			<-time.After(20 * time.Hour)
		}
		<-time.After(Lifetime - 20*time.Hour - time.Second)
		if _, err := g.Verify(t.Context(), last); !errors.Is(err, ErrInvalidToken) || !strings.Contains(err.Error(), "revoked") {
			t.Errorf("Verify just before the token expires = %v, want it revoked", err)
		}
		<-time.After(48*time.Hour + cleanInterval)
		synctest.Wait()
		records, err := state.List(t.Context(), "", "", 10)
		if err != nil || len(records) != 1 || records[0].Key != "rooms/lobby/profile" {
			t.Errorf("List = %v, %v, want the record that is not of a token alone", records, err)
		}
	})
}

// What was revoked while a token was checked is not remembered as valid.
func TestRevokedWhileVerified(t *testing.T) {
	var v verified
	now := time.Now()
	id := idOf("header.claims.signature")
	if other := idOf("header.claims2.signature"); id == other || id != idOf("header.claims.another") {
		t.Error("idOf is not that of what is signed")
	}
	removals := v.begin()
	v.remove(id)
	v.add("token", verifiedToken{id: id, expires: now.Add(time.Hour)}, removals)
	if _, found := v.find("token", now); found {
		t.Error("a token that was revoked while it was verified is remembered")
	}
}

func TestGuestsOff(t *testing.T) {
	key := NewGuests().key
	token, _, _ := signIn(t, &Guests{key: key}, "Ada", chat.Member{})
	g := &Guests{key: key}
	g.TurnOff()
	if got, m, _, err := g.SignIn("Ada", chat.Member{}); got != "" || m != (chat.Member{}) || !errors.Is(err, ErrGuestsOff) {
		t.Errorf("SignIn = %q, %+v, %v, want %v", got, m, err, ErrGuestsOff)
	}
	if m, err := g.Verify(t.Context(), token); m != (chat.Member{}) || !errors.Is(err, ErrInvalidToken) {
		t.Errorf("Verify = %+v, %v, want %v", m, err, ErrInvalidToken)
	}
}
