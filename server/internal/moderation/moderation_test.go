package moderation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// node is one of the nodes on a store.
type node struct {
	*Moderation
	denials policy.Denials
	changed atomic.Int64 // how many denials came into force
}

func open(t *testing.T, state chat.State) *node {
	t.Helper()
	n := new(node)
	var err error
	n.Moderation, err = Open(t.Context(), Config{
		State: state, Denials: &n.denials, Changed: func(policy.Denial) { n.changed.Add(1) },
	})
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	t.Cleanup(n.Close)
	return n
}

func openStore(t *testing.T) *memory.Store {
	t.Helper()
	store := memory.Open(memory.Config{})
	t.Cleanup(func() { _ = store.Close() }) // after the nodes
	return store
}

// inForce describes the denials that are in force at a node.
func (n *node) inForce() (names []string) {
	for _, d := range n.denials.All() {
		who := Subject{Member: d.Member, Address: d.Address}
		names = append(names, fmt.Sprintf("%s of %s in %s: %s", d.Effect, who, d.Rooms, d.Reason))
	}
	slices.Sort(names)
	return names
}

func expectInForce(t *testing.T, n *node, want ...string) {
	t.Helper()
	if got := n.inForce(); !slices.Equal(got, want) {
		t.Errorf("in force are %q, want %q", got, want)
	}
}

var (
	ben     = Subject{Member: "ben"}
	network = Subject{Address: netip.MustParsePrefix("192.0.2.7/24")}
)

// What one node decides is in force at all nodes, and at those that open the store later,
// until it is lifted.
func TestDenialsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t)
		a, b := open(t, store), open(t, store)
		ctx := t.Context()
		for _, act := range []func() error{
			func() error { _, err := a.Ban(ctx, "lobby", ben, time.Time{}, "spam", "mod"); return err },
			func() error { _, err := a.Mute(ctx, "lobby", ben, time.Time{}, "noise", "mod"); return err },
			func() error { _, err := a.Ban(ctx, "tea", network, time.Time{}, "flood", "mod"); return err },
			func() error { _, err := a.Ban(ctx, "lobby", ben, time.Time{}, "more spam", "mod"); return err },
		} {
			if err := act(); err != nil {
				t.Fatalf("the act = %v, want nil", err)
			}
		}
		synctest.Wait()
		want := []string{
			"ban of address 192.0.2.0/24 in tea: flood",
			"ban of member ben in lobby: more spam",
			"mute of member ben in lobby: noise",
		}
		expectInForce(t, a, want...)
		expectInForce(t, b, want...)
		expectInForce(t, open(t, store), want...)
		if got := b.changed.Load(); got != 4 {
			t.Errorf("the other node was notified of %d, want all four", got)
		}
		if err := errors.Join(b.Unban(ctx, "lobby", ben, "", "mod"), b.Unmute(ctx, "lobby", ben, "", "mod"), b.Unban(ctx, "tea", network, "", "mod")); err != nil {
			t.Errorf("lifting all = %v, want nil", err)
		}
		if err := b.Unban(ctx, "lobby", ben, "", "mod"); !errors.Is(err, ErrNoDenial) {
			t.Errorf("Unban without a ban = %v, want %v", err, ErrNoDenial)
		}
		synctest.Wait()
		expectInForce(t, a)
		expectInForce(t, b)
	})
}

// A kick does not shorten a ban, and one that has ended is replaced.
func TestKickDoesNotShorten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, openStore(t))
		until := time.Now().Add(time.Hour)
		if _, err := n.Ban(t.Context(), "lobby", ben, until, "spam", "mod"); err != nil {
			t.Fatal(err)
		}
		d, err := n.Kick(t.Context(), "lobby", ben, time.Now().Add(time.Second), "", "mod")
		if err != nil || !d.Until.Equal(until) {
			t.Errorf("Kick of a banned member = %v, %v, want the ban until %v", d, err, until)
		}
		time.Sleep(2 * time.Hour) // the bubble's clock
		d, err = n.Kick(t.Context(), "lobby", ben, time.Now().Add(time.Second), "", "mod")
		if err != nil || d.Until.Before(time.Now()) {
			t.Errorf("Kick after the ban = %v, %v, want a new one", d, err)
		}
	})
}

// What has ended is removed from the store and from memory.
func TestEndedDenialsAreRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t)
		n := open(t, store)
		if _, err := n.Ban(t.Context(), "lobby", ben, time.Now().Add(time.Second), "", "mod"); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Ban(t.Context(), "lobby", network, time.Time{}, "", "mod"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * sweepInterval) // the bubble's clock
		synctest.Wait()
		records, err := store.List(t.Context(), denialsPrefix, "", 10)
		if err != nil || len(records) != 1 || len(n.denials.All()) != 1 || len(n.revisions) != 1 || n.rooms["lobby"] != 1 {
			t.Errorf("left are %v in the store, %v in force, and %v, want the ban without an end", records, n.inForce(), n.revisions)
		}
	})
}

// A room has a bounded number of denials: one that replaces another is no further one.
func TestDenialsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, openStore(t))
		ban := func(room string, i int) error {
			_, err := n.Ban(t.Context(), room, Subject{Member: fmt.Sprint(i)}, time.Time{}, "", "mod")
			return err
		}
		for i := range MaxDenials {
			if err := ban("lobby", i); err != nil {
				t.Fatalf("Ban %d = %v, want nil", i, err)
			}
		}
		if err := ban("lobby", MaxDenials); !errors.Is(err, ErrTooMany) {
			t.Errorf("one more Ban = %v, want %v", err, ErrTooMany)
		}
		if err := errors.Join(ban("lobby", 0), ban("tea", 0)); err != nil {
			t.Errorf("a Ban again, and one of another room = %v, want nil", err)
		}
		total := 0
		for token, more := "", true; more; more = token != "" {
			page, next, err := n.List(t.Context(), "lobby", token, 300)
			if err != nil {
				t.Fatal(err)
			}
			total, token = total+len(page), next
		}
		if total != MaxDenials {
			t.Errorf("List has %d, want %d", total, MaxDenials)
		}
	})
}

// The newest acts of a room are kept.
func TestActsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := open(t, openStore(t))
		const all = MaxActs + 3*pruneEvery + 1
		for i := range all {
			time.Sleep(time.Nanosecond) // the bubble's clock: each act has a time of its own
			if err := n.Record(t.Context(), Act{Action: Delete, Room: "lobby", By: "mod", Target: uint64(i)}); err != nil {
				t.Fatal(err)
			}
		}
		acts, next, err := n.Audit(t.Context(), "lobby", "", all)
		if err != nil || next != "" || len(acts) < MaxActs || len(acts) > MaxActs+pruneEvery {
			t.Fatalf("Audit = %d acts, %q, %v, want about %d", len(acts), next, err, MaxActs)
		}
		for i, a := range acts {
			if a.Target != uint64(all-1-i) {
				t.Fatalf("act %d is that of %d, want %d", i, a.Target, all-1-i)
			}
		}
	})
}

// failing is a state that stores no audit.
type failing struct{ chat.State }

func (f failing) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if key[:len(auditPrefix)] == auditPrefix {
		return 0, chat.ErrStoreClosed
	}
	return f.State.Put(ctx, key, value, revision)
}

// Each act is logged, too, with the text of the moderator quoted.
func TestActsAreLogged(t *testing.T) {
	var log bytes.Buffer
	m, err := Open(t.Context(), Config{State: openStore(t), Denials: new(policy.Denials), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	defer m.Close()
	if _, err := m.Ban(t.Context(), "lobby", ben, time.Time{}, "rude\u202e\nlevel=ERROR", "mod"); err != nil {
		t.Fatalf("Ban = %v, want nil", err)
	}
	got := log.String()
	for _, part := range []string{"level=INFO", "action=ban", "room=lobby", "moderator=mod", ben.Member, `reason="rude\u202e\nlevel=ERROR"`} {
		if !strings.Contains(got, part) {
			t.Errorf("the log is %q, want %q in it", got, part)
		}
	}
	if n := strings.Count(got, "\n"); n != 1 {
		t.Errorf("the log has %d lines, want 1: %q", n, got)
	}
}

// What can't be recorded is not done.
func TestNoActWithoutRecord(t *testing.T) {
	n := open(t, failing{openStore(t)})
	if _, err := n.Ban(t.Context(), "lobby", ben, time.Time{}, "", "mod"); !errors.Is(err, chat.ErrStoreClosed) {
		t.Errorf("Ban = %v, want %v", err, chat.ErrStoreClosed)
	}
	expectInForce(t, n)
}
