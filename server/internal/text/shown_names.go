package text

import (
	"hash/maphash"
	"slices"
)

// ShownNames are the names by which the members in a room are shown, each once. The cost of
// a method does not depend on their number. It must not be used concurrently.
type ShownNames struct {
	reserved   *ReservedNames
	byKey      map[string]*shownName
	bySkeleton map[uint64]lookalikes // by the hash of the skeleton, which is often longer than the name
	// last is the name that was analysed last: a member who comes has its name checked,
	// disambiguated and added.
	last analysis
}

// shownName is a name that is shown.
type shownName struct {
	name      string
	skeletons [2]uint64
}

// lookalikes are the names with a skeleton, in the order of their arrival. There is rarely
// more than one.
type lookalikes struct {
	first *shownName
	more  []*shownName
}

// analysis is what a name is compared by. Computing it is most of the cost of showing a name.
type analysis struct {
	name, key string
	forms     Skeletons
	skeletons [2]uint64 // their hashes
}

var skeletonSeed = maphash.MakeSeed()

// NewShownNames returns the names in an empty room. reserved may be nil.
func NewShownNames(reserved *ReservedNames) *ShownNames {
	return &ShownNames{reserved: reserved, byKey: make(map[string]*shownName), bySkeleton: make(map[uint64]lookalikes)}
}

func (p *ShownNames) analyse(name string) *analysis {
	if p.last.key != "" && p.last.name == name {
		return &p.last
	}
	key := NameKey(name)
	forms := Skeletons{skeleton(name), ""}
	if forms[1] = forms[0]; key != name {
		forms[1] = skeleton(key)
	}
	p.last = analysis{name, key, forms, [2]uint64{maphash.String(skeletonSeed, forms[0]), maphash.String(skeletonSeed, forms[1])}}
	return &p.last
}

// Disambiguate returns the name to show a new member by, as the function Disambiguate
// does.
func (p *ShownNames) Disambiguate(name string, characters int) string {
	if p.byKey[p.analyse(name).key] == nil {
		return name
	}
	return Disambiguate(name, characters, func(key string) bool { return p.byKey[key] != nil })
}

// Add adds a name, and reports whether it was new.
func (p *ShownNames) Add(shown string) bool {
	a := p.analyse(shown)
	if p.byKey[a.key] != nil {
		return false
	}
	n := &shownName{shown, a.skeletons}
	key := a.key
	if key == shown {
		key = shown // one string in memory
	}
	p.byKey[key] = n
	for _, skeleton := range distinct(n.skeletons[:]) {
		l := p.bySkeleton[skeleton]
		if l.first == nil {
			l.first = n
		} else {
			l.more = append(l.more, n)
		}
		p.bySkeleton[skeleton] = l
	}
	return true
}

// Remove removes a name, if it is there.
func (p *ShownNames) Remove(shown string) {
	key := NameKey(shown)
	n := p.byKey[key]
	if n == nil {
		return
	}
	delete(p.byKey, key)
	for _, skeleton := range distinct(n.skeletons[:]) {
		l := p.bySkeleton[skeleton]
		switch {
		case l.first != n:
			l.more = slices.DeleteFunc(l.more, func(other *shownName) bool { return other == n })
		case len(l.more) == 0:
			delete(p.bySkeleton, skeleton)
			continue
		default:
			l.first = l.more[0]
			l.more = slices.Delete(l.more, 0, 1)
		}
		p.bySkeleton[skeleton] = l
	}
}

// Check returns the mark of a name beside the others. The name itself may be among them.
func (p *ShownNames) Check(name string) Mark {
	a := p.analyse(name)
	if like, ok := p.reserved.find(name, a.forms); ok {
		return Mark{Reserved, like}
	}
	own := p.byKey[a.key]
	for _, skeleton := range distinct(a.skeletons[:]) {
		l := p.bySkeleton[skeleton]
		if l.first != nil && l.first != own {
			return Mark{Resembles, l.first.name}
		}
		if len(l.more) > 0 {
			return Mark{Resembles, l.more[0].name}
		}
	}
	if mixesScripts(name) {
		return Mark{Reason: MixedScripts}
	}
	return Mark{}
}

// distinct returns the different ones of two skeletons.
func distinct[T comparable](skeletons []T) []T {
	if skeletons[0] == skeletons[1] {
		return skeletons[:1]
	}
	return skeletons
}
