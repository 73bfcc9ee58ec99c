package policy

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The names are few and alike, so that patterns, members and addresses often meet.
var (
	genPattern = rapid.StringMatching(`[ab*]{1,4}`)
	genRoom    = rapid.StringMatching(`[ab]{1,5}`)
	genMember  = rapid.SampledFrom([]string{"", "m1", "m2", "m3"})
	genAddr    = rapid.SampledFrom([]netip.Addr{{},
		netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.77"), netip.MustParseAddr("::ffff:192.0.2.1"),
		netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8:0:0:1::1"), netip.MustParseAddr("2001:db8:0:1::1")})
	genNetwork = rapid.SampledFrom([]netip.Prefix{
		netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("0.0.0.0/0"),
		netip.MustParsePrefix("2001:db8::/64"), netip.MustParsePrefix("2001:db8::1/128"), netip.MustParsePrefix("::/0")})
	genRights = rapid.Custom(func(t *rapid.T) Rights { return Rights(rapid.ByteRange(0, byte(All)).Draw(t, "rights")) })
	genGrant  = rapid.Custom(func(t *rapid.T) Grant { return Grant{Pattern{genPattern.Draw(t, "pattern")}, genRights.Draw(t, "can")} })
	genRule   = rapid.Custom(func(t *rapid.T) Rule {
		r := Rule{Pattern: Pattern{genPattern.Draw(t, "pattern")}, Creator: genRights.Draw(t, "creator"), line: 1}
		for kind := range kinds {
			r.ByKind[kind] = genRights.Draw(t, kind.String())
		}
		r.Members = rapid.MapOf(rapid.SampledFrom([]string{"m1", "m2"}), genRights).Draw(t, "members")
		return r
	})
)

// matches is what a pattern means, said with a regular expression.
func matches(p Pattern, room string) bool {
	expr := "^" + strings.ReplaceAll(regexp.QuoteMeta(p.text), `\*`, ".*") + "$"
	return regexp.MustCompile(expr).MatchString(room)
}

func TestPatternIsTheExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, room := Pattern{genPattern.Draw(t, "pattern")}, genRoom.Draw(t, "room")
		if got, want := p.Match(room), matches(p, room); got != want {
			t.Fatalf("%s matches %s = %t, want %t", p, room, got, want)
		}
	})
}

func TestCoversIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, q := Pattern{genPattern.Draw(t, "p")}, Pattern{genPattern.Draw(t, "q")}
		room := genRoom.Draw(t, "room")
		if p.covers(q) && matches(q, room) && !matches(p, room) {
			t.Fatalf("%s covers %s, but does not match %s", p, q, room)
		}
	})
}

// model says what is allowed by going through everything there is.
type model struct {
	rules   []Rule
	denials []Denial
}

func (m *model) allowed(c Caller, r Room, right Rights, now time.Time) bool {
	for _, d := range m.denials {
		ended := !d.Until.IsZero() && !d.Until.After(now)
		member := d.Member != "" && slices.Contains(append(c.Former, c.Member), d.Member)
		address := d.Member == "" && c.Kind != Key && d.Address.Contains(c.Address.Unmap())
		if ended || !member && !address || !matches(d.Rooms, r.Name) {
			continue
		}
		if d.Effect == Ban || right == Post || right == React || right == EditOwn || right == Create || right == Manage {
			return false
		}
	}
	rule := fallback
	if i := slices.IndexFunc(m.rules, func(rule Rule) bool { return matches(rule.Pattern, r.Name) }); i >= 0 {
		rule = m.rules[i]
	}
	given := rule.ByKind[c.Kind]
	if c.Member != "" {
		for _, id := range append(c.Former, c.Member) {
			given |= rule.Members[id]
			if id == r.Creator {
				given |= rule.Creator
			}
		}
	}
	for _, g := range c.Grants {
		if matches(g.Pattern, r.Name) {
			given |= g.Can
		}
	}
	return given&right != 0
}

func TestDecideIsTheModel(t *testing.T) {
	now := time.Now()
	untils := rapid.SampledFrom([]time.Time{{}, now.Add(-time.Hour), now.Add(time.Hour)})
	rapid.Check(t, func(t *rapid.T) {
		e, m := New(nil), &model{}
		caller := rapid.Custom(func(t *rapid.T) Caller {
			c := Caller{
				Kind: Kind(rapid.ByteRange(0, byte(kinds)-1).Draw(t, "kind")), Member: genMember.Draw(t, "member"),
				Address: genAddr.Draw(t, "address"), Grants: rapid.SliceOfN(genGrant, 0, 3).Draw(t, "grants"),
			}
			if c.Member != "" {
				c.Former = rapid.SliceOfN(rapid.SampledFrom([]string{"m2", "m3"}), 0, 2).Draw(t, "former")
			}
			return c
		})
		t.Repeat(map[string]func(*rapid.T){
			"policy": func(t *rapid.T) {
				m.rules = rapid.SliceOfN(genRule, 0, 4).Draw(t, "rules")
				e.SetPolicy(&Policy{"f", m.rules})
			},
			"deny": func(t *rapid.T) {
				d := Denial{
					ID: rapid.SampledFrom([]string{"d1", "d2", "d3", "d4"}).Draw(t, "id"), Effect: Effect(rapid.ByteRange(0, 1).Draw(t, "effect")),
					Rooms: Pattern{genPattern.Draw(t, "rooms")}, Until: untils.Draw(t, "until"), Member: genMember.Draw(t, "denied"),
				}
				if d.Member == "" {
					d.Address = genNetwork.Draw(t, "network")
				}
				if err := e.Denials().Put(d); err != nil {
					t.Fatalf("Put(%+v) = %v, want nil", d, err)
				}
				m.denials = append(slices.DeleteFunc(m.denials, func(o Denial) bool { return o.ID == d.ID }), d)
			},
			"pardon": func(t *rapid.T) {
				id := rapid.SampledFrom([]string{"d1", "d2", "d3", "d4"}).Draw(t, "id")
				before := len(m.denials)
				m.denials = slices.DeleteFunc(m.denials, func(o Denial) bool { return o.ID == id })
				if removed := e.Denials().Remove(id); removed != (len(m.denials) < before) {
					t.Fatalf("Remove(%q) = %t, want %t", id, removed, !removed)
				}
			},
			"sweep": func(*rapid.T) {
				e.Denials().RemoveEnded(now)
				m.denials = slices.DeleteFunc(m.denials, func(d Denial) bool { return !d.active(now) })
			},
			"": func(t *rapid.T) {
				c, r := caller.Draw(t, "caller"), Room{genRoom.Draw(t, "room"), genMember.Draw(t, "creator")}
				var rights Rights
				for _, right := range All.Each() {
					got := e.Decide(c, r, right)
					if got.Allowed {
						rights |= right
					}
					if want := m.allowed(c, r, right, now); got.Allowed != want {
						t.Fatalf("Decide(%+v, %+v, %s) = %s, want allowed = %t", c, r, right, got, want)
					}
					if (got.Denial != nil) != (got.Source == FromDenial) || got.Denial != nil && got.Allowed {
						t.Fatalf("Decide(%+v, %+v, %s) = %+v, want a denial to refuse", c, r, right, got)
					}
				}
				got, denial := e.Standing(c, r)
				if decided := e.Decide(c, r, Post).Denial; got != rights || denial != decided {
					t.Fatalf("Standing(%+v, %+v) = %s, %+v, want %s, %+v", c, r, got, denial, rights, decided)
				}
				if got := len(e.Denials().All()); got != len(m.denials) {
					t.Fatalf("there are %d denials, want %d", got, len(m.denials))
				}
			},
		})
	})
}

// More grants, a membership or having made the room never take a right away.
func TestUnionNeverSubtracts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := New(&Policy{"f", rapid.SliceOfN(genRule, 0, 4).Draw(t, "rules")})
		c := Caller{Kind: Kind(rapid.ByteRange(0, byte(kinds)-1).Draw(t, "kind")), Grants: rapid.SliceOfN(genGrant, 0, 3).Draw(t, "grants")}
		r := Room{Name: genRoom.Draw(t, "room")}
		before := e.Rights(c, r)
		c.Grants = append(c.Grants, genGrant.Draw(t, "more"))
		c.Member = genMember.Draw(t, "member")
		r.Creator = c.Member
		if after := e.Rights(c, r); after&before != before {
			t.Fatalf("Rights with more given = %s, want at least %s", after, before)
		}
	})
}
