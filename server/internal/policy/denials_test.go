package policy

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestDenialsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New(nil)
		guest, room := Caller{Kind: Guest, Member: "g"}, Room{Name: "lobby"}
		put := func(d Denial) {
			t.Helper()
			d.Rooms, d.Member = pattern(t, "*"), "g"
			if err := e.Denials().Put(d); err != nil {
				t.Fatalf("Put = %v, want nil", err)
			}
		}
		put(Denial{ID: "mute", Effect: Mute, Until: time.Now().Add(time.Hour)})
		put(Denial{ID: "ban", Effect: Ban, Until: time.Now().Add(time.Minute)})
		for _, step := range []struct {
			wait time.Duration
			want Rights
		}{
			{0, 0},
			{time.Minute - 1, 0},
			{1, Read}, // the mute is left
			{time.Hour - time.Minute - 1, Read},
			{1, fallback.ByKind[Guest]},
		} {
			<-time.After(step.wait)
			if got := e.Rights(guest, room); got != step.want {
				t.Errorf("Rights at %s = %s, want %s", time.Now(), got, step.want)
			}
		}
		put(Denial{ID: "for ever"})
		<-time.After(100 * 365 * 24 * time.Hour)
		if got := e.Rights(guest, room); got != 0 {
			t.Errorf("Rights a century after a ban without an end = %s, want nothing", got)
		}
		if ended := e.Denials().RemoveEnded(time.Now()); !slices.Equal(ended, []string{"ban", "mute"}) {
			t.Errorf("RemoveEnded = %q, want the ban and the mute", ended)
		}
		if all := e.Denials().All(); len(all) != 1 || all[0].ID != "for ever" {
			t.Errorf("All = %+v, want the one without an end", all)
		}
	})
}

// Of several denials the caller is told the one that matters most.
func TestDenialThatIsTold(t *testing.T) {
	e := New(nil)
	soon, late := time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
	for _, d := range []Denial{
		{ID: "a", Effect: Mute},
		{ID: "b", Effect: Ban, Until: soon},
		{ID: "c", Effect: Ban, Until: late},
	} {
		d.Rooms, d.Member = pattern(t, "*"), "g"
		if err := e.Denials().Put(d); err != nil {
			t.Fatal(err)
		}
	}
	d := e.Decide(Caller{Kind: Guest, Member: "g"}, Room{Name: "lobby"}, Post)
	if d.Denial == nil || d.Denial.ID != "c" || !d.Until().Equal(late) {
		t.Errorf("Decide = %s, want the ban that lasts longest", d)
	}
}

// A ban of the guest that a user was before it signed in is a ban of the user.
func TestDenialOfAFormerID(t *testing.T) {
	e := New(nil)
	user, room := Caller{Kind: User, Member: "u", Former: []string{"g1", "g2"}}, Room{Name: "lobby", Creator: "g1"}
	if !e.Everywhere(user, Read) || !e.Decide(user, room, Manage).Allowed {
		t.Errorf("the rights before the ban are %s, want read everywhere, and manage in the room that the guest has made", e.Rights(user, room))
	}
	if err := e.Denials().Put(Denial{ID: "b", Effect: Ban, Rooms: pattern(t, "lobby"), Member: "g2"}); err != nil {
		t.Fatal(err)
	}
	if got := e.Rights(user, room); got != 0 || e.Everywhere(user, Read) {
		t.Errorf("Rights = %s, Everywhere = %t, want nothing", got, e.Everywhere(user, Read))
	}
	if d := e.Decide(user, room, Read); d.Denial == nil || d.Denial.Member != "g2" {
		t.Errorf("Decide = %s, want the ban of the guest", d)
	}
}

func TestDenialsByAddress(t *testing.T) {
	e := New(nil)
	for id, network := range map[string]string{
		"host4": "198.51.100.7/32", "net4": "203.0.113.99/24", "net6": "2001:db8:1:2:ffff::/64", "mapped": "::ffff:192.0.2.0/120",
	} {
		if err := e.Denials().Put(Denial{ID: id, Rooms: pattern(t, "*"), Address: netip.MustParsePrefix(network)}); err != nil {
			t.Fatalf("Put of %s = %v, want nil", network, err)
		}
	}
	for addr, want := range map[string]string{
		"198.51.100.7":               "host4",
		"198.51.100.8":               "",
		"::ffff:198.51.100.7":        "host4",
		"203.0.113.1":                "net4",
		"203.0.114.1":                "",
		"2001:db8:1:2:3::4":          "net6",
		"2001:db8:1:2::1%eth0":       "net6",
		"2001:db8:1:3::4":            "",
		"192.0.2.200":                "mapped",
		"::ffff:192.0.2.200":         "mapped",
		"2001:db8::198.51.100.7":     "",
		"::198.51.100.7":             "",
		"64:ff9b::198.51.100.7":      "",
		"fe80::ffff:198.51.100.7%lo": "",
	} {
		caller := Caller{Kind: Guest, Member: "g", Address: netip.MustParseAddr(addr)}
		got := ""
		if d := e.Decide(caller, Room{Name: "lobby"}, Read); d.Denial != nil {
			got = d.Denial.ID
		}
		if got != want {
			t.Errorf("the denial for %s is %q, want %q", addr, got, want)
		}
		caller.Kind, caller.Grants = Key, []Grant{{pattern(t, "*"), Read}}
		if d := e.Decide(caller, Room{Name: "lobby"}, Read); !d.Allowed {
			t.Errorf("a back end at %s: %s, want no ban by address to apply", addr, d)
		}
	}
	for _, id := range []string{"host4", "net4", "net6", "mapped"} {
		e.Denials().Remove(id)
	}
	if ds := e.Denials(); len(ds.byID)+len(ds.byAddress)+len(ds.lengths)+len(ds.byMember) != 0 {
		t.Errorf("after all were removed %d denials, %d addresses and %d lengths are left, want none", len(ds.byID), len(ds.byAddress), len(ds.lengths))
	}
}

func TestPutRefuses(t *testing.T) {
	all, network := pattern(t, "*"), netip.MustParsePrefix("192.0.2.0/24")
	for name, d := range map[string]Denial{
		"no id":          {Rooms: all, Member: "m"},
		"a long id":      {ID: strings.Repeat("x", MaxDenialID+1), Rooms: all, Member: "m"},
		"no rooms":       {ID: "x", Member: "m"},
		"nobody":         {ID: "x", Rooms: all},
		"both":           {ID: "x", Rooms: all, Member: "m", Address: network},
		"unknown effect": {ID: "x", Rooms: all, Member: "m", Effect: 9},
	} {
		var ds Denials
		if err := ds.Put(d); !errors.Is(err, ErrDenial) || len(ds.All()) != 0 {
			t.Errorf("Put with %s = %v, want %v", name, err, ErrDenial)
		}
	}
}
