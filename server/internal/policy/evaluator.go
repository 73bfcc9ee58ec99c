package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Caller is who wants to do something.
type Caller struct {
	Kind    Kind
	Member  string     // the member id; of a key that sends in the name of a member, that one's
	Address netip.Addr // of the client, not of a proxy; the zero Addr if it is not known
	Grants  []Grant    // of the credential
	Former  []string   // other member ids of the same person: those of its time as a guest
}

// Has reports whether a member id is one of the caller's.
func (c *Caller) Has(id string) bool {
	return id != "" && (id == c.Member || slices.Contains(c.Former, id))
}

// memberRights returns what a rule gives to the caller by its member ids.
func (c *Caller) memberRights(r *Rule) Rights {
	rights := r.Members[c.Member]
	for _, id := range c.Former {
		rights |= r.Members[id]
	}
	return rights
}

// Room is where.
type Room struct {
	Name    string
	Creator string // the member id of who made the room; empty if that is not known
}

// Source is the kind of rule that a Decision rests on.
type Source uint8

const (
	FromBuiltIn Source = iota // the built-in defaults
	FromFile                  // a rule of the policy file
	FromMember                // a member that a rule of the policy file names
	FromCreator               // the caller has made the room
	FromGrant                 // a grant of the caller's credential
	FromDenial                // a ban or a mute
)

var sourceNames = [...]string{"built_in", "file", "member", "creator", "grant", "denial"}

func (s Source) String() string { return sourceNames[s] }

// Decision is the answer to whether a caller has a right in a room, with the rule that
// it rests on.
type Decision struct {
	Allowed bool
	Right   Rights // one
	Kind    Kind   // the caller's
	Room    string
	Source  Source  // of a refusal that is no denial: where the rule for the room stands
	Pattern Pattern // of the rule, the grant or the denial
	Denial  *Denial // set exactly if Source is FromDenial; shared, and never changed

	file string
	rule *Rule
}

// Until is when a denial that the decision rests on ends: zero if there is none, or if
// it does not end.
func (d Decision) Until() time.Time {
	if d.Denial == nil {
		return time.Time{}
	}
	return d.Denial.Until
}

// String says what was decided, and by which rule. It is for moderators and operators:
// it names the moderator of a denial and the policy file.
func (d Decision) String() string {
	var s strings.Builder
	verdict := "refused"
	if d.Allowed {
		verdict = "allowed"
	}
	fmt.Fprintf(&s, "%s in %s is %s", d.Right, d.Room, verdict)
	switch {
	case d.Denial != nil:
		d.Denial.describe(&s)
	case d.Source == FromGrant:
		fmt.Fprintf(&s, ": the credential grants it in %s", d.Pattern)
	case d.Source == FromMember:
		fmt.Fprintf(&s, ": %s gives it to this member", d.place())
	case d.Source == FromCreator:
		fmt.Fprintf(&s, ": the caller has made the room, and %s gives it to creators", d.place())
	case d.Allowed:
		fmt.Fprintf(&s, ": %s gives it to callers of kind %s", d.place(), d.Kind)
	default:
		fmt.Fprintf(&s, ": %s does not give it to callers of kind %s, and nothing else does", d.place(), d.Kind)
	}
	return s.String()
}

// place says where the rule for the room stands.
func (d Decision) place() string {
	if d.rule == nil || d.rule.line == 0 {
		return "the built-in policy"
	}
	return fmt.Sprintf("%s:%d (rooms[%d], %s)", d.file, d.rule.line, d.rule.index, d.rule.Pattern)
}

func (d *Denial) describe(s *strings.Builder) {
	fmt.Fprintf(s, ": %s %q", d.Effect, d.ID)
	if d.Member != "" {
		fmt.Fprintf(s, " of member %q", d.Member)
	} else {
		fmt.Fprintf(s, " of address %s", d.Address)
	}
	fmt.Fprintf(s, " in %s", d.Rooms)
	if d.By != "" {
		fmt.Fprintf(s, " by %q", d.By)
	}
	if d.Until.IsZero() {
		s.WriteString(", without an end")
	} else {
		fmt.Fprintf(s, " until %s", d.Until.UTC().Format(time.RFC3339))
	}
	if d.Reason != "" {
		fmt.Fprintf(s, ": %q", d.Reason)
	}
}

// Evaluator decides by a policy and by the denials in force.
type Evaluator struct {
	denials  Denials
	policy   atomic.Pointer[Policy]
	policies atomic.Uint64 // how often the policy was exchanged
}

// New returns an evaluator. A nil policy means the built-in defaults.
func New(p *Policy) *Evaluator {
	e := &Evaluator{}
	e.SetPolicy(p)
	return e
}

// Policy returns the policy in force.
func (e *Evaluator) Policy() *Policy { return e.policy.Load() }

// SetPolicy exchanges the policy at once, for decisions from now on.
func (e *Evaluator) SetPolicy(p *Policy) {
	if p == nil {
		p = &Policy{}
	}
	e.policy.Store(p)
	e.policies.Add(1)
}

// Denials returns the bans and mutes in force, to be changed.
func (e *Evaluator) Denials() *Denials { return &e.denials }

// Generation grows with each change of the policy or the denials. What was allowed
// stays allowed while it is the same; what was refused can be allowed since a denial
// has ended.
func (e *Evaluator) Generation() uint64 { return e.policies.Load() + e.denials.changes.Load() }

// Decide tells whether a caller has a right in a room, and why. right must be one.
func (e *Evaluator) Decide(c Caller, r Room, right Rights) Decision {
	if d := e.denials.find(&c, r.Name, right, time.Now()); d != nil {
		return Decision{Right: right, Kind: c.Kind, Room: r.Name, Source: FromDenial, Pattern: d.Rooms, Denial: d}
	}
	return e.policy.Load().decide(&c, r, right)
}

// Explain returns the decision for each right, in the order of their declaration.
func (e *Evaluator) Explain(c Caller, r Room) []Decision {
	decisions := make([]Decision, 0, len(rightNames))
	for _, right := range All.Each() {
		decisions = append(decisions, e.Decide(c, r, right))
	}
	return decisions
}

// Rights returns the rights that a caller has in a room.
func (e *Evaluator) Rights(c Caller, r Room) Rights {
	rights, _ := e.Standing(c, r)
	return rights
}

// Standing returns the rights that a caller has in a room, and the ban or mute that has
// taken others: nil if there is none.
func (e *Evaluator) Standing(c Caller, r Room) (Rights, *Denial) {
	rights := e.policy.Load().rights(&c, r)
	d := e.denials.find(&c, r.Name, Post, time.Now()) // both effects take it, and a ban comes first
	if d != nil {
		rights &^= d.Effect.denies()
	}
	return rights, d
}

// Everywhere reports whether a caller certainly has a right in all rooms, whatever they are
// called. It may miss that.
func (e *Evaluator) Everywhere(c Caller, right Rights) bool {
	return e.policy.Load().everywhere(c.Kind)&right == right && !e.denials.concern(&c)
}

// NeedsCredential reports whether a credential may change a refusal: the caller has none, and
// it does not rest on a denial.
func (d Decision) NeedsCredential() bool { return !d.Allowed && d.Kind == Anonymous && d.Denial == nil }

// rights leaves denials out.
func (p *Policy) rights(c *Caller, r Room) Rights {
	rule := p.rule(r.Name)
	var rights Rights
	if c.Kind < kinds {
		rights = rule.ByKind[c.Kind]
	}
	if c.Member != "" {
		rights |= c.memberRights(rule)
		if c.Has(r.Creator) {
			rights |= rule.Creator
		}
	}
	for i := range c.Grants {
		if c.Grants[i].Pattern.Match(r.Name) {
			rights |= c.Grants[i].Can
		}
	}
	return rights & All
}

// decide leaves denials out.
func (p *Policy) decide(c *Caller, r Room, right Rights) Decision {
	rule := p.rule(r.Name)
	d := Decision{Allowed: true, Right: right, Kind: c.Kind, Room: r.Name, Pattern: rule.Pattern, file: p.name, rule: rule}
	if rule.line > 0 {
		d.Source = FromFile
	}
	if c.Kind < kinds && rule.ByKind[c.Kind]&right != 0 {
		return d
	}
	if c.Member != "" {
		if c.memberRights(rule)&right != 0 {
			d.Source = FromMember
			return d
		}
		if c.Has(r.Creator) && rule.Creator&right != 0 {
			d.Source = FromCreator
			return d
		}
	}
	for i := range c.Grants {
		if c.Grants[i].Can&right != 0 && c.Grants[i].Pattern.Match(r.Name) {
			d.Source, d.Pattern = FromGrant, c.Grants[i].Pattern
			return d
		}
	}
	d.Allowed = false
	return d
}
