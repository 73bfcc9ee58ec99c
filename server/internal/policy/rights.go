package policy

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// Rights is a set of rights in a room.
type Rights uint8

const (
	Read     Rights = 1 << iota // receive events, list them, list members
	Post                        // send messages, custom events and typing
	React                       // add and remove own reactions
	EditOwn                     // edit and delete own messages
	Create                      // make a room by being the first in it
	Manage                      // set a room's name and topic
	Moderate                    // delete any message, mute, kick and ban

	// All is every right.
	All = Read | Post | React | EditOwn | Create | Manage | Moderate
	// forAnonymous is what a caller without an identity can be given: the other rights
	// refer to a member.
	forAnonymous = Read | Post | Create
	// muted is what a mute takes away: whatever others would see.
	muted = Post | React | EditOwn | Create | Manage
)

// rightNames are in the order of the bits.
var rightNames = [...]string{"read", "post", "react", "edit_own", "create", "manage", "moderate"}

// Each returns the rights of a set one by one, in the order of their declaration.
func (r Rights) Each() []Rights {
	each := make([]Rights, 0, bits.OnesCount8(uint8(r)))
	for one := Read; one&All != 0; one <<= 1 {
		if r&one != 0 {
			each = append(each, one)
		}
	}
	return each
}

// String returns the names of the rights, separated by commas: "read, post".
func (r Rights) String() string {
	names := make([]string, 0, len(rightNames))
	for i, name := range rightNames {
		if r&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// rightsBound names the rights, for errors.
var rightsBound = "must be one of " + strings.Join(rightNames[:], ", ")

func rightNamed(name string) (Rights, bool) {
	i := slices.Index(rightNames[:], name)
	if i < 0 {
		return 0, false
	}
	return 1 << i, true
}

// MaxGrants is how many grants a credential may carry.
const MaxGrants = 64

// Grant is rights in the rooms that a pattern matches, as a credential carries them.
type Grant struct {
	Pattern Pattern
	Can     Rights
}

// NewGrant returns the grant that a credential states as a pattern and names of
// rights: read, post, react, edit_own, create, manage and moderate. Post brings
// edit_own along, since a credential names a member, and a member's own messages are
// the member's to correct.
func NewGrant(pattern string, can []string) (Grant, error) {
	p, err := ParsePattern(pattern)
	if err != nil {
		return Grant{}, err
	}
	g := Grant{Pattern: p}
	for _, name := range can {
		right, ok := rightNamed(name)
		if !ok {
			return Grant{}, fmt.Errorf("right %q %s", shorten(name), rightsBound)
		}
		g.Can |= right
	}
	if g.Can&Post != 0 {
		g.Can |= EditOwn
	}
	return g, nil
}

// shorten bounds what an error quotes.
func shorten(s string) string {
	const most = 80 // bytes
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
