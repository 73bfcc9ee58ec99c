package apikey

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestLastUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t)
		state := &countingState{State: store}
		k := open(t, state, Config{})
		_, sent := create(t, k, shop)
		_, unused := create(t, k, shop)
		lastUse := func(k *Keys) []time.Time {
			t.Helper()
			keys, err := k.List(t.Context())
			if err != nil || len(keys) != 2 {
				t.Fatalf("List = %+v, %v, want two keys", keys, err)
			}
			last := []time.Time{}
			for _, key := range keys {
				if key.ID != unused[len(Prefix):len(Prefix)+len(key.ID)] {
					last = append([]time.Time{key.LastUsed}, last...)
				} else {
					last = append(last, key.LastUsed)
				}
			}
			return last
		}
		if got := lastUse(k); !slices.Equal(got, []time.Time{{}, {}}) {
			t.Errorf("LastUsed before a use = %v, want none", got)
		}
		puts := state.puts.Load()
		use := func(k *Keys, times int) {
			t.Helper()
			for range times {
				if _, err := k.Verify(sent); err != nil {
					t.Fatal(err)
				}
			}
		}
		use(k, 1000)
		hour := time.Now().UTC().Truncate(time.Hour)
		if got := lastUse(k); !got[0].Equal(hour) || !got[1].IsZero() || state.puts.Load() != puts {
			t.Errorf("LastUsed = %v after %d writes, want %s, and nothing written by calls", got, state.puts.Load()-puts, hour)
		}
		for range 30 {
			<-time.After(writeUses)
			synctest.Wait()
			use(k, 10)
		}
		if state.puts.Load() != puts+1 || state.gets.Load() != 1 {
			t.Errorf("%d writes and %d reads within an hour of use, want 1 of each", state.puts.Load()-puts, state.gets.Load())
		}
		<-time.After(time.Hour)
		use(k, 10)
		k.Close() // writes
		restarted := open(t, store, Config{})
		if got, want := lastUse(restarted), time.Now().UTC().Truncate(time.Hour); !got[0].Equal(want) || state.puts.Load() != puts+2 {
			t.Errorf("LastUsed after a restart = %v after %d writes, want %s after 2", got, state.puts.Load()-puts, want)
		}
	})
}

// A store that fails costs no call anything, and the use is written later.
func TestLastUseIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t)
		state := &countingState{State: store}
		var log bytes.Buffer
		k := open(t, state, Config{Log: slog.New(slog.NewTextHandler(&log, nil))})
		key, sent := create(t, k, shop)
		state.fail.Store(true)
		if _, err := k.Verify(sent); err != nil {
			t.Errorf("Verify with a store that fails = %v, want nil", err)
		}
		<-time.After(writeUses)
		synctest.Wait()
		if !strings.Contains(log.String(), key.ID) || strings.Contains(log.String(), sent) {
			t.Errorf("the log is %q, want the id of the key in it, and not its secret", &log)
		}
		state.fail.Store(false)
		<-time.After(writeUses)
		synctest.Wait()
		if r, err := store.Get(t.Context(), usePrefix+key.ID); err != nil {
			t.Errorf("Get of the use = %s, %v, want it written", r.Value, err)
		}
	})
}

// An earlier use does not replace a later one that another node has stored.
func TestLaterUseStays(t *testing.T) {
	store := openStore(t)
	k := open(t, store, Config{})
	late, early := time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC), time.Date(2030, 1, 1, 11, 0, 0, 0, time.UTC)
	for _, at := range []time.Time{early, late, early} {
		if err := k.writeUse(t.Context(), "a", at); err != nil {
			t.Fatalf("writeUse = %v, want nil", err)
		}
	}
	if r, err := store.Get(t.Context(), usePrefix+"a"); err != nil || string(r.Value) != late.Format(time.RFC3339) {
		t.Errorf("the use is %q, %v, want %s", r.Value, err, late)
	}
}
