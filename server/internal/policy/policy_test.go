package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func pattern(t testing.TB, text string) Pattern {
	t.Helper()
	p, err := ParsePattern(text)
	if err != nil {
		t.Fatalf("ParsePattern(%q) = %v, want nil", text, err)
	}
	return p
}

func parse(t testing.TB, text string) *Policy {
	t.Helper()
	p, err := Parse("policy.yaml", []byte(text))
	if err != nil {
		t.Fatalf("Parse = %v, want nil", err)
	}
	return p
}

func TestDefaults(t *testing.T) {
	e := New(nil)
	room := Room{Name: "lobby", Creator: "ada"}
	for name, tt := range map[string]struct {
		caller Caller
		want   Rights
	}{
		"anonymous":          {Caller{}, Read | Post | Create},
		"guest":              {Caller{Kind: Guest, Member: "g"}, Read | Post | React | EditOwn | Create},
		"user":               {Caller{Kind: User, Member: "u"}, Read | Post | React | EditOwn | Create},
		"key":                {Caller{Kind: Key}, 0},
		"creator":            {Caller{Kind: Guest, Member: "ada"}, Read | Post | React | EditOwn | Create | Manage},
		"unknown kind":       {Caller{Kind: 77, Member: "u"}, 0},
		"granted":            {Caller{Kind: User, Member: "u", Grants: []Grant{{pattern(t, "lo*"), Moderate}}}, Read | Post | React | EditOwn | Create | Moderate},
		"granted elsewhere":  {Caller{Kind: Key, Grants: []Grant{{pattern(t, "order-*"), All}}}, 0},
		"key with two":       {Caller{Kind: Key, Grants: []Grant{{pattern(t, "lobby"), Read}, {pattern(t, "*"), Post}}}, Read | Post},
		"grant of no rooms":  {Caller{Kind: Key, Grants: []Grant{{Can: All}}}, 0},
		"key of the creator": {Caller{Kind: Key, Member: "ada"}, Manage},
	} {
		if got := e.Rights(tt.caller, room); got != tt.want {
			t.Errorf("Rights of %s = %s, want %s", name, got, tt.want)
		}
	}
	if got := e.Rights(Caller{}, Room{Name: "lobby"}); got&Manage != 0 {
		t.Errorf("Rights of a caller without an id where the creator is not known = %s, want no manage", got)
	}
}

const shop = `
rooms:
  - pattern: announcements
    anonymous: [read]
    guest: [read, react]
    members:
      alice: [post, moderate]
  - pattern: order-*
    anonymous: []
    guest: []
    user: []
    creator: []
  - pattern: "*"
    user: [read, post, react, edit_own]
`

func TestDecideNamesTheRule(t *testing.T) {
	e := New(parse(t, shop))
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, d := range []Denial{
		{ID: "d1", Effect: Mute, Rooms: pattern(t, "lobby"), Member: "loud", Until: until, Reason: "shouting", By: "alice"},
		{ID: "d2", Effect: Ban, Rooms: pattern(t, "*"), Address: netip.MustParsePrefix("192.0.2.0/24")},
	} {
		if err := e.Denials().Put(d); err != nil {
			t.Fatalf("Put(%+v) = %v, want nil", d, err)
		}
	}
	user := func(member string, grants ...Grant) Caller { return Caller{Kind: User, Member: member, Grants: grants} }
	for _, tt := range []struct {
		caller Caller
		room   Room
		right  Rights
		source Source
		want   string
	}{
		{Caller{}, Room{Name: "announcements"}, Read, FromFile,
			"read in announcements is allowed: policy.yaml:3 (rooms[0], announcements) gives it to callers of kind anonymous"},
		{Caller{}, Room{Name: "announcements"}, Post, FromFile,
			"post in announcements is refused: policy.yaml:3 (rooms[0], announcements) does not give it to callers of kind anonymous, and nothing else does"},
		{user("alice"), Room{Name: "announcements"}, Moderate, FromMember,
			"moderate in announcements is allowed: policy.yaml:3 (rooms[0], announcements) gives it to this member"},
		{user("bob"), Room{Name: "order-7", Creator: "bob"}, Manage, FromFile,
			"manage in order-7 is refused: policy.yaml:8 (rooms[1], order-*) does not give it to callers of kind user, and nothing else does"},
		{user("bob", Grant{pattern(t, "order-7"), Read}), Room{Name: "order-7"}, Read, FromGrant,
			"read in order-7 is allowed: the credential grants it in order-7"},
		{user("bob"), Room{Name: "garden", Creator: "bob"}, Manage, FromCreator,
			"manage in garden is allowed: the caller has made the room, and policy.yaml:13 (rooms[2], *) gives it to creators"},
		{user("loud"), Room{Name: "lobby"}, Post, FromDenial,
			`post in lobby is refused: mute "d1" of member "loud" in lobby by "alice" until ` + until.Format(time.RFC3339) + `: "shouting"`},
		{Caller{Address: netip.MustParseAddr("::ffff:192.0.2.9")}, Room{Name: "lobby"}, Read, FromDenial,
			`read in lobby is refused: ban "d2" of address 192.0.2.0/24 in *, without an end`},
	} {
		d := e.Decide(tt.caller, tt.room, tt.right)
		if d.Source != tt.source || d.String() != tt.want {
			t.Errorf("Decide(%+v, %+v, %s) from %s = %s\nwant from %s: %s", tt.caller, tt.room, tt.right, d.Source, d, tt.source, tt.want)
		}
	}
	d := New(nil).Decide(Caller{}, Room{Name: "lobby"}, React)
	if want := "react in lobby is refused: the built-in policy does not give it to callers of kind anonymous, and nothing else does"; d.String() != want || d.Source != FromBuiltIn {
		t.Errorf("Decide by default = %s, want %s", d, want)
	}
}

func TestExplainHasEachRightOnce(t *testing.T) {
	decisions := New(nil).Explain(Caller{Kind: Guest, Member: "g"}, Room{Name: "lobby"})
	var rights []Rights
	for _, d := range decisions {
		rights = append(rights, d.Right)
	}
	if want := []Rights{Read, Post, React, EditOwn, Create, Manage, Moderate}; !slices.Equal(rights, want) {
		t.Errorf("Explain has decisions on %v, want %v", rights, want)
	}
}

func TestNewGrant(t *testing.T) {
	g, err := NewGrant("order-*", []string{"read", "post"})
	if err != nil || g.Can != Read|Post|EditOwn || g.Pattern.String() != "order-*" {
		t.Errorf("NewGrant = %s in %s, %v, want post to bring edit_own along", g.Can, g.Pattern, err)
	}
	if g, err := NewGrant("*", nil); err != nil || g.Can != 0 {
		t.Errorf("NewGrant without rights = %+v, %v, want it to grant nothing", g, err)
	}
	for _, tt := range []struct{ pattern, right, want string }{
		{"Order", "read", "a pattern must be"},
		{"", "read", "a pattern must be"},
		{strings.Repeat("a", 65), "read", "a pattern must be"},
		{"a", "write", `right "write" must be one of read, post`},
		{"a", strings.Repeat("ü", 500), "…"},
	} {
		_, err := NewGrant(tt.pattern, []string{tt.right})
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(err.Error()) > 300 {
			t.Errorf("NewGrant(%q, %q) = %v, want a short error with %q", tt.pattern, tt.right, err, tt.want)
		}
	}
}

func TestGenerationGrows(t *testing.T) {
	e := New(nil)
	former := e.Generation()
	for name, change := range map[string]func(){
		"SetPolicy": func() { e.SetPolicy(parse(t, shop)) },
		"Put":       func() { _ = e.Denials().Put(Denial{ID: "x", Rooms: pattern(t, "*"), Member: "m"}) },
	} {
		change()
		if now := e.Generation(); now <= former {
			t.Errorf("Generation after %s = %d, want more than %d", name, now, former)
		} else {
			former = now
		}
	}
	if !e.Denials().Remove("x") || e.Generation() <= former {
		t.Errorf("Generation after Remove = %d, want more than %d", e.Generation(), former)
	}
	former = e.Generation()
	if e.Denials().Remove("x") || e.Generation() != former {
		t.Errorf("Generation after Remove of nothing = %d, want %d", e.Generation(), former)
	}
}

// Everywhere is certain only of what holds in every room, and of callers without denials.
func TestEverywhere(t *testing.T) {
	open, closed := New(nil), New(parse(t, "rooms: [{pattern: 'team-*', anonymous: [], guest: [read]}]"))
	banned := New(nil)
	if err := banned.Denials().Put(Denial{ID: "d", Rooms: pattern(t, "lobby"), Member: "ada"}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		e    *Evaluator
		c    Caller
		want bool
	}{
		"built-in":           {open, Caller{}, true},
		"built-in, key":      {open, Caller{Kind: Key}, false},
		"unknown kind":       {open, Caller{Kind: 77}, false},
		"taken in some":      {closed, Caller{}, false},
		"left in all":        {closed, Caller{Kind: Guest, Member: "g"}, true},
		"banned in one":      {banned, Caller{Kind: Guest, Member: "ada"}, false},
		"another one banned": {banned, Caller{Kind: Guest, Member: "ben"}, true},
	} {
		if got := tt.e.Everywhere(tt.c, Read); got != tt.want {
			t.Errorf("%s: Everywhere = %t, want %t", name, got, tt.want)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	e := New(parse(b, shop))
	for i := range 1000 {
		if err := e.Denials().Put(Denial{ID: fmt.Sprint(i), Rooms: pattern(b, "*"), Member: fmt.Sprint("m", i)}); err != nil {
			b.Fatal(err)
		}
	}
	c := Caller{Kind: User, Member: "ada", Address: netip.MustParseAddr("192.0.2.1"), Grants: []Grant{{pattern(b, "order-7"), Read | Post}}}
	b.ReportAllocs()
	for b.Loop() {
		if d := e.Decide(c, Room{Name: "order-7"}, Post); !d.Allowed {
			b.Fatal(d)
		}
	}
}
