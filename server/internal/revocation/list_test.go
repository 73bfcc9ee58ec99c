package revocation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/store/memory"
	"chatroom/server/internal/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openState(t *testing.T) *memory.Store {
	t.Helper()
	state := memory.Open(memory.Config{})
	t.Cleanup(func() { state.Close() })
	return state
}

// open opens a list, to be closed before the store.
func open(t *testing.T, state chat.State, c Config) *List {
	t.Helper()
	l, err := Open(t.Context(), state, c)
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	t.Cleanup(sync.OnceFunc(l.Close))
	return l
}

func add(t *testing.T, l *List, r Revocation) {
	t.Helper()
	if err := l.Add(t.Context(), r); err != nil {
		t.Fatalf("Add(%+v) = %v, want nil", r, err)
	}
}

// token returns the credential of a token of a member, issued at a time.
func token(member, id string, issued time.Time) *identity.Credential {
	return &identity.Credential{Member: chat.Member{ID: member}, Issuer: "shop", TokenID: id, Issued: issued}
}

func TestRevoked(t *testing.T) {
	l := open(t, openState(t), Config{})
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	add(t, l, Revocation{Issuer: "shop", TokenID: "t1"})
	add(t, l, Revocation{Member: "ada", Until: at.Add(time.Second / 2)})
	for name, tt := range map[string]struct {
		credential *identity.Credential
		want       bool
	}{
		"the token":                     {token("eve", "t1", at), true},
		"another token":                 {token("eve", "t2", at), false},
		"a token without an id":         {token("eve", "", at), false},
		"the id of another issuer":      {&identity.Credential{Issuer: "desk", TokenID: "t1"}, false},
		"the member's, issued before":   {token("ada", "t3", at.Add(-time.Hour)), true},
		"the member's, the same second": {token("ada", "t3", at), true},
		"the member's, issued later":    {token("ada", "t3", at.Add(time.Second)), false},
		"the member's, without a time":  {token("ada", "t3", time.Time{}), true},
		"an anonymous caller":           {&identity.Credential{}, false},
	} {
		if got := l.Revoked(tt.credential); got != tt.want {
			t.Errorf("Revoked(%s) = %t, want %t", name, got, tt.want)
		}
	}
	// A second revocation of the same member takes nothing back.
	add(t, l, Revocation{Member: "ada", Until: at.Add(-time.Hour), Expires: time.Now().Add(time.Minute)})
	if !l.Revoked(token("ada", "t3", at)) {
		t.Error("an earlier time has replaced a later one")
	}
	if s := l.members["ada"]; !s.Expires.IsZero() {
		t.Errorf("the revocation expires at %v, want never, as the first one", s.Expires)
	}
}

func TestAddRefuses(t *testing.T) {
	l := open(t, openState(t), Config{})
	now := time.Now()
	for name, r := range map[string]Revocation{
		"nothing":         {},
		"no token id":     {Issuer: "shop"},
		"no issuer":       {TokenID: "t1"},
		"no time":         {Member: "ada"},
		"both":            {Issuer: "shop", TokenID: "t1", Member: "ada", Until: now},
		"a long issuer":   {Issuer: strings.Repeat("a", maxIssuer+1), TokenID: "t1"},
		"a long token id": {Issuer: "shop", TokenID: strings.Repeat("a", maxTokenID+1)},
		"a long member":   {Member: strings.Repeat("a", maxMember+1), Until: now},
	} {
		if err := l.Add(t.Context(), r); !errors.Is(err, ErrInvalid) {
			t.Errorf("Add, %s = %v, want %v", name, err, ErrInvalid)
		}
	}
}

// Other nodes learn of a revocation at once, and each tells it once.
func TestNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := openState(t)
		var mu sync.Mutex
		told := make(map[string][]Revocation)
		on := func(node string) Config {
			return Config{Revoked: func(r Revocation) {
				mu.Lock()
				defer mu.Unlock()
				told[node] = append(told[node], r)
			}}
		}
		here, there := open(t, state, on("here")), open(t, state, on("there"))
		r := Revocation{Issuer: "shop", TokenID: "t/1\x00"}
		add(t, here, r)
		synctest.Wait()
		for node, l := range map[string]*List{"here": here, "there": there} {
			if !l.Revoked(token("ada", r.TokenID, time.Now())) {
				t.Errorf("the token is not revoked %s", node)
			}
			if got := told[node]; len(got) != 1 || got[0] != r {
				t.Errorf("told %s = %+v, want %+v once", node, got, r)
			}
		}
	})
}

// What was revoked is revoked after a restart.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	start := func() (*List, func()) {
		store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), store, Config{})
		if err != nil {
			t.Fatal(err)
		}
		return l, func() {
			l.Close()
			if err := store.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
		}
	}
	l, stop := start()
	add(t, l, Revocation{Issuer: "shop", TokenID: "t1"})
	add(t, l, Revocation{Member: "ada", Until: time.Now()})
	stop()
	l, stop = start()
	defer stop()
	for name, c := range map[string]*identity.Credential{"the token": token("eve", "t1", time.Now()), "the member's": token("ada", "t2", time.Now().Add(-time.Minute))} {
		if !l.Revoked(c) {
			t.Errorf("after a restart %s is not revoked", name)
		}
	}
}

// A revocation is forgotten when all its tokens have expired, and not before.
func TestExpiredRevocationsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		state := openState(t)
		l := open(t, state, Config{})
		add(t, l, Revocation{Issuer: "shop", TokenID: "short", Expires: time.Now().Add(90 * time.Minute)})
		add(t, l, Revocation{Issuer: "shop", TokenID: "for ever"})
		<-time.After(cleanInterval + time.Second)
		if !l.Revoked(token("ada", "short", time.Now())) {
			t.Error("a revocation was forgotten before its token has expired")
		}
		<-time.After(cleanInterval)
		synctest.Wait()
		records, err := state.List(t.Context(), prefix, "", 10)
		if err != nil || len(records) != 1 || len(l.byKey) != 1 || l.Revoked(token("ada", "short", time.Now())) {
			t.Errorf("%d records, %v, and %d in memory, want the one that does not expire", len(records), err, len(l.byKey))
		}
		if !l.Revoked(token("ada", "for ever", time.Now())) {
			t.Error("the revocation that does not expire was forgotten")
		}
	})
}

func TestTooMany(t *testing.T) {
	l := open(t, openState(t), Config{})
	for i := range MaxRevocations {
		r := Revocation{Issuer: "shop", TokenID: fmt.Sprint(i)}
		value, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		l.apply(chat.Record{Key: r.key(), Value: value, Revision: uint64(i + 1)})
	}
	if err := l.Add(t.Context(), Revocation{Issuer: "shop", TokenID: "one more"}); !errors.Is(err, ErrTooMany) {
		t.Errorf("Add of one more = %v, want %v", err, ErrTooMany)
	}
}

// A record that can't be read is reported, and does not keep the others from their effect.
func TestUnreadableRecord(t *testing.T) {
	state := openState(t)
	good := Revocation{Issuer: "shop", TokenID: "t1"}
	value, err := json.Marshal(good)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string][]byte{good.key(): value, prefix + "tokens/a": []byte("no JSON"), prefix + "tokens/b": value, prefix + "members/c": []byte("{}")} {
		if _, err := state.Put(t.Context(), key, value, 0); err != nil {
			t.Fatal(err)
		}
	}
	var log strings.Builder
	l := open(t, state, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if !l.Revoked(token("ada", "t1", time.Now())) || len(l.byKey) != 1 {
		t.Errorf("%d revocations are known, want the good one", len(l.byKey))
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 3 {
		t.Errorf("%d errors were logged, want 3:\n%s", n, log.String())
	}
}

// brokenState can't be written.
type brokenState struct{ chat.State }

var errBroken = errors.New("broken")

func (brokenState) Put(context.Context, string, []byte, uint64) (uint64, error) { return 0, errBroken }

// A revocation that is not stored is not said to be in effect.
func TestAddFails(t *testing.T) {
	l := open(t, brokenState{openState(t)}, Config{})
	if err := l.Add(t.Context(), Revocation{Issuer: "shop", TokenID: "t1"}); !errors.Is(err, errBroken) {
		t.Errorf("Add = %v, want %v", err, errBroken)
	}
	if l.Revoked(token("ada", "t1", time.Now())) {
		t.Error("what is not stored is revoked")
	}
}
