package apikey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openStore(t testing.TB) *memory.Store {
	t.Helper()
	store := memory.Open(memory.Config{})
	t.Cleanup(func() { store.Close() })
	return store
}

// open opens keys, to be closed before the store.
func open(t testing.TB, state chat.State, c Config) *Keys {
	t.Helper()
	k, err := Open(t.Context(), state, c)
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	t.Cleanup(sync.OnceFunc(k.Close))
	return k
}

var shop = Spec{
	Name: " Shop  back end ", Grants: []Grant{{"order-*", []string{"read", "post"}}, {"news", []string{"moderate"}}},
	Limits: map[string]string{"send": "100/s:500"}, SendAs: true, By: "ada",
}

func create(t testing.TB, k *Keys, s Spec) (*Key, string) {
	t.Helper()
	key, sent, err := k.Create(t.Context(), s)
	if err != nil {
		t.Fatalf("Create = %v, want nil", err)
	}
	return key, sent
}

func TestCreateAndVerify(t *testing.T) {
	store := openStore(t)
	k := open(t, store, Config{})
	created, sent := create(t, k, shop)
	if created.Name != "Shop back end" || !created.SendAs || created.By != "ada" || time.Since(created.Created) > time.Minute || !Is(sent) {
		t.Errorf("Create = %+v, %q, want what the spec says", created, sent)
	}
	for name, keys := range map[string]*Keys{"at once": k, "on a node that knew it from the watch": open(t, store, Config{})} {
		got, err := keys.Verify(sent)
		if err != nil {
			t.Errorf("Verify %s = %v, want nil", name, err)
			continue
		}
		if !reflect.DeepEqual(got, created) {
			t.Errorf("Verify %s = %+v, want %+v", name, got, created)
		}
	}
	c := created.Credential()
	e, room := policy.New(nil), policy.Room{Name: "order-7"}
	caller := policy.Caller{Kind: c.Kind, Member: c.Member.ID, Grants: c.Grants}
	if got, want := e.Rights(caller, room), policy.Read|policy.Post|policy.EditOwn; got != want {
		t.Errorf("the key has %s in order-7, want %s", got, want)
	}
	if got := e.Rights(caller, policy.Room{Name: "lobby"}); got != 0 {
		t.Errorf("the key has %s in lobby, want nothing", got)
	}
	if want := (ratelimit.Rate{Count: 100, Per: time.Second, Burst: 500}); c.Rates[ratelimit.Send] != want || c.Member.ID != "key:"+created.ID {
		t.Errorf("Credential = %+v, want the rate %s and the id of the key", c, want)
	}
	if _, again := create(t, k, shop); again == sent {
		t.Error("two keys are the same")
	}
}

// Nothing that is stored lets a reader of the store call as the back end.
func TestSecretIsNotStored(t *testing.T) {
	store := openStore(t)
	k := open(t, store, Config{})
	_, sent := create(t, k, shop)
	secret := sent[strings.LastIndexByte(sent, '_')+1:]
	raw, err := encoding.DecodeString(secret)
	if err != nil || len(raw) != secretSize {
		t.Fatalf("the secret of %q has %d bytes, %v, want %d", sent, len(raw), err, secretSize)
	}
	records, err := store.List(t.Context(), "", "", 10)
	if err != nil || len(records) != 1 {
		t.Fatalf("List = %d records, %v, want the key alone", len(records), err)
	}
	for _, form := range [][]byte{[]byte(secret), raw, fmt.Appendf(nil, "%x", raw)} {
		if bytes.Contains(records[0].Value, form) {
			t.Errorf("the record %s has the secret in it", records[0].Value)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	k := open(t, openStore(t), Config{})
	key, sent := create(t, k, shop)
	_, other := create(t, k, shop)
	last := sent[len(sent)-1]
	flip := string("abcdefghijklmnopqrstuvwxyz234567"[strings.IndexByte("abcdefghijklmnopqrstuvwxyz234567", last)^1])
	split := len(Prefix) + len(key.ID)
	for name, bad := range map[string]string{
		"empty": "", "the prefix": Prefix, "no prefix": sent[len(Prefix):], "cut": sent[:len(sent)-1], "longer": sent + "a", "upper case": strings.ToUpper(sent),
		"another secret": sent[:split] + other[split:], "no secret": sent[:split+1], "no separator": sent[:split] + "-" + sent[split+1:],
		"another last character": sent[:len(sent)-1] + flip, "a line break": sent[:len(sent)-1] + "\n", "padding": sent[:len(sent)-1] + "=",
		"an unknown id": Prefix + strings.Repeat("a", len(key.ID)) + sent[split:], "a token": "eyJhbGciOiJub25lIn0.e30.", "the id of a path": Prefix + "../aaaaaaaaaaaaa" + sent[split:],
	} {
		if got, err := k.Verify(bad); !errors.Is(err, ErrInvalid) || got != nil {
			t.Errorf("Verify, %s = %+v, %v, want %v", name, got, err, ErrInvalid)
		}
	}
	if _, err := k.Verify(sent); err != nil {
		t.Errorf("Verify of the key itself = %v, want nil: the others differ from it", err)
	}
}

func TestCreateRefuses(t *testing.T) {
	store := openStore(t)
	k := open(t, store, Config{})
	for want, change := range map[string]func(*Spec){
		"name must have a visible": func(s *Spec) { s.Name = " " },
		"name is too long":         func(s *Spec) { s.Name = strings.Repeat("x", MaxName+1) },
		"name must not have":       func(s *Spec) { s.Name = "a\nb" },
		"1 to 64 grants":           func(s *Spec) { s.Grants = nil },
		"there must be 1 to":       func(s *Spec) { s.Grants = make([]Grant, policy.MaxGrants+1) },
		"grants[0]: a pattern":     func(s *Spec) { s.Grants = []Grant{{"Order", nil}} },
		`grants[0]: right "write"`: func(s *Spec) { s.Grants = []Grant{{"*", []string{"write"}}} },
		"limits: limit":            func(s *Spec) { s.Limits = map[string]string{"sends": "off"} },
		"by must be":               func(s *Spec) { s.By = strings.Repeat("x", maxBy+1) },
	} {
		s := shop
		change(&s)
		if key, sent, err := k.Create(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) || key != nil || sent != "" {
			t.Errorf("Create = %+v, %q, %v, want an error with %q", key, sent, err, want)
		}
	}
	if records, err := store.List(t.Context(), "", "", 10); err != nil || len(records) != 0 {
		t.Errorf("%d records were stored of keys that were refused, %v, want none", len(records), err)
	}
	for range MaxKeys {
		create(t, k, shop)
	}
	if _, _, err := k.Create(t.Context(), shop); !errors.Is(err, ErrTooMany) {
		t.Errorf("Create of one more than %d = %v, want %v", MaxKeys, err, ErrTooMany)
	}
	if keys := open(t, store, Config{}); len(keys.byID) != MaxKeys {
		t.Errorf("Open knows %d keys, want the %d of several pages", len(keys.byID), MaxKeys)
	}
}

func TestRevoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t)
		var mu sync.Mutex
		revoked := map[string][]string{}
		node := func(name string) *Keys {
			return open(t, store, Config{Revoked: func(id string) {
				mu.Lock()
				defer mu.Unlock()
				revoked[name] = append(revoked[name], id)
			}})
		}
		here, there := node("here"), node("there")
		key, sent := create(t, here, shop)
		_, kept := create(t, here, shop)
		synctest.Wait()
		for name, k := range map[string]*Keys{"here": here, "there": there} {
			if _, err := k.Verify(sent); err != nil {
				t.Fatalf("Verify %s = %v, want nil", name, err)
			}
		}
		<-time.After(writeUses)
		synctest.Wait()
		if err := here.Revoke(t.Context(), key.ID); err != nil {
			t.Fatalf("Revoke = %v, want nil", err)
		}
		if _, err := here.Verify(sent); !errors.Is(err, ErrInvalid) {
			t.Errorf("Verify at once after Revoke = %v, want %v", err, ErrInvalid)
		}
		synctest.Wait()
		restarted := node("restarted")
		for name, k := range map[string]*Keys{"here": here, "there": there, "restarted": restarted} {
			if _, err := k.Verify(sent); !errors.Is(err, ErrInvalid) {
				t.Errorf("Verify %s after Revoke = %v, want %v", name, err, ErrInvalid)
			}
			if _, err := k.Verify(kept); err != nil {
				t.Errorf("Verify %s of another key = %v, want nil", name, err)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if want := map[string][]string{"here": {key.ID}, "there": {key.ID}}; !reflect.DeepEqual(revoked, want) {
			t.Errorf("Revoked was called with %v, want once on each node: %v", revoked, want)
		}
		for _, id := range []string{key.ID, "", "x", "../" + key.ID[3:], strings.Repeat("a", len(key.ID))} {
			if err := here.Revoke(t.Context(), id); !errors.Is(err, ErrUnknown) {
				t.Errorf("Revoke(%q) = %v, want %v", id, err, ErrUnknown)
			}
		}
		<-time.After(time.Hour)
		records, err := store.List(t.Context(), "", "", 10)
		if err != nil || slices.ContainsFunc(records, func(r chat.Record) bool { return strings.Contains(r.Key, key.ID) }) {
			t.Errorf("after Revoke the records are %v, %v, want none of the key", records, err)
		}
	})
}

// A record that can't be read is a key that is refused, not a server that does not start.
func TestDamagedRecords(t *testing.T) {
	store := openStore(t)
	first := open(t, store, Config{})
	key, sent := create(t, first, shop)
	_, good := create(t, first, shop)
	r, err := store.Get(t.Context(), keyPrefix+key.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"", "{}", `{"sha256":"ab"}`, `{"sha256":"` + strings.Repeat("0", 64) + `","grants":[{"pattern":"*","can":["fly"]}]}`} {
		if r.Revision, err = store.Put(t.Context(), r.Key, []byte(value), r.Revision); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		k := open(t, store, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
		if _, err := k.Verify(sent); !errors.Is(err, ErrInvalid) || !strings.Contains(log.String(), key.ID) {
			t.Errorf("Verify with the record %q = %v, log %q, want %v and a line in the log", value, err, &log, ErrInvalid)
		}
		if _, err := k.Verify(good); err != nil {
			t.Errorf("Verify of another key = %v, want nil", err)
		}
	}
}

// What this node does counts at once, though the watch tells it later, and in another
// order.
func TestWatchIsLate(t *testing.T) {
	store := openStore(t)
	k := open(t, silentState{store}, Config{})
	key, sent := create(t, k, shop)
	r, err := store.Get(t.Context(), keyPrefix+key.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Verify(sent); err != nil {
		t.Errorf("Verify before the watch tells of the key = %v, want nil", err)
	}
	if err := k.Revoke(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Verify(sent); !errors.Is(err, ErrInvalid) {
		t.Errorf("Verify before the watch tells of the revocation = %v, want %v", err, ErrInvalid)
	}
	k.apply(r)
	if _, err := k.Verify(sent); !errors.Is(err, ErrInvalid) {
		t.Errorf("Verify after the watch told of the creation late = %v, want %v", err, ErrInvalid)
	}
}

// silentState tells nothing to those who watch it.
type silentState struct{ chat.State }

func (silentState) Watch(context.Context, string, func([]chat.Record)) (func(), error) {
	return func() {}, nil
}

func TestOpenReportsErrors(t *testing.T) {
	store := memory.Open(memory.Config{})
	store.Close()
	if k, err := Open(t.Context(), store, Config{}); !errors.Is(err, chat.ErrStoreClosed) || k != nil {
		t.Errorf("Open of a closed store = %v, want %v", err, chat.ErrStoreClosed)
	}
}

func TestKeysAreUsedConcurrently(t *testing.T) {
	store := openStore(t)
	here, there := open(t, store, Config{}), open(t, store, Config{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				key, sent := create(t, here, shop)
				if _, err := here.Verify(sent); err != nil {
					t.Errorf("Verify = %v, want nil", err)
				}
				if _, err := there.Verify(sent); err != nil && !errors.Is(err, ErrInvalid) {
					t.Errorf("Verify = %v, want nil or %v", err, ErrInvalid)
				}
				if _, err := there.List(t.Context()); err != nil {
					t.Errorf("List = %v, want nil", err)
				}
				if err := there.Revoke(t.Context(), key.ID); err != nil {
					t.Errorf("Revoke = %v, want nil", err)
				}
			}
		})
	}
	wg.Wait()
	for name, k := range map[string]*Keys{"here": here, "there": there} {
		if keys, err := k.List(t.Context()); err != nil || len(keys) != 0 {
			t.Errorf("List %s = %+v, %v, want none", name, keys, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	store := openStore(f)
	k, err := Open(context.Background(), store, Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(k.Close)
	_, sent := create(f, k, shop)
	for _, seed := range []string{"", Prefix, sent, sent[:20], strings.ToUpper(sent), sent + "\n", strings.Replace(sent, "_", "-", 2)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if key, err := k.Verify(text); (err == nil) != (text == sent) || (key == nil) == (err == nil) {
			t.Fatalf("Verify(%q) = %+v, %v, want it accepted = %t", text, key, err, text == sent)
		}
	})
}

// countingState counts writes, and fails them if told to.
type countingState struct {
	chat.State
	puts atomic.Int64
	gets atomic.Int64
	fail atomic.Bool
}

func (s *countingState) Get(ctx context.Context, key string) (chat.Record, error) {
	s.gets.Add(1)
	return s.State.Get(ctx, key)
}

func (s *countingState) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if s.fail.Load() {
		return 0, chat.ErrNotStored
	}
	s.puts.Add(1)
	return s.State.Put(ctx, key, value, revision)
}
