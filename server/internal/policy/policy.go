package policy

import "fmt"

// Kind is what a caller is known by.
type Kind uint8

const (
	Anonymous Kind = iota // no credential
	Guest                 // a token of this service, with a name that the guest chose
	User                  // a token of an issuer that the operator trusts
	Key                   // an API key of a back end
	kinds
)

var kindNames = [kinds]string{"anonymous", "guest", "user", "key"}

func (k Kind) String() string {
	if k >= kinds {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// Rule says what callers have in the rooms that a pattern matches.
type Rule struct {
	Pattern Pattern
	ByKind  [kinds]Rights
	Creator Rights            // of the member who made the room
	Members map[string]Rights // by member id; nil for none

	index int // in the file
	line  int // of the file, from 1; 0 for a rule of no file
}

// fallback is the rule for rooms that no rule of the policy matches.
var fallback = Rule{
	Pattern: Pattern{"*"},
	ByKind: [kinds]Rights{
		Anonymous: Read | Post | Create,
		Guest:     Read | Post | React | EditOwn | Create,
		User:      Read | Post | React | EditOwn | Create,
		Key:       0, // a key that leaks is worth what was granted to it
	},
	Creator: Manage,
}

// Policy is what callers may do by default. It is never changed. The zero value holds
// the built-in defaults: anyone reads, posts and creates rooms; guests and users also
// react and edit their own; the creator of a room manages it.
type Policy struct {
	name  string // of the file
	rules []Rule
}

// Rules returns a copy of the rules of the policy, the first of which that matches a
// room applies to it.
func (p *Policy) Rules() []Rule { return append([]Rule(nil), p.rules...) }

// rule returns the rule for a room.
func (p *Policy) rule(room string) *Rule {
	for i := range p.rules {
		if p.rules[i].Pattern.Match(room) {
			return &p.rules[i]
		}
	}
	return &fallback
}

// everywhere returns the rights that callers of a kind have in all rooms.
func (p *Policy) everywhere(kind Kind) Rights {
	if kind >= kinds {
		return 0
	}
	rights := fallback.ByKind[kind]
	for i := range p.rules {
		rights &= p.rules[i].ByKind[kind]
	}
	return rights
}
