package text

import "slices"

// ShownNames are the names by which the members in a room are shown, each once. The cost of
// a method does not depend on their number. It must not be used concurrently.
type ShownNames struct {
	reserved   *ReservedNames
	keys       map[string]bool
	bySkeleton map[string][]string // the names with a skeleton, in the order of their arrival
}

// NewShownNames returns the names in an empty room. reserved may be nil.
func NewShownNames(reserved *ReservedNames) *ShownNames {
	return &ShownNames{reserved, make(map[string]bool), make(map[string][]string)}
}

// Disambiguate returns the name to show a new member by, as the function Disambiguate
// does.
func (p *ShownNames) Disambiguate(name string, characters int) string {
	return Disambiguate(name, characters, func(key string) bool { return p.keys[key] })
}

// Add adds a name, and reports whether it was new.
func (p *ShownNames) Add(shown string) bool {
	key := NameKey(shown)
	if p.keys[key] {
		return false
	}
	p.keys[key] = true
	for _, skeleton := range SkeletonsOf(shown).distinct() {
		p.bySkeleton[skeleton] = append(p.bySkeleton[skeleton], shown)
	}
	return true
}

// Remove removes a name, if it is there.
func (p *ShownNames) Remove(shown string) {
	key := NameKey(shown)
	if !p.keys[key] {
		return
	}
	delete(p.keys, key)
	for _, skeleton := range SkeletonsOf(shown).distinct() {
		left := slices.DeleteFunc(p.bySkeleton[skeleton], func(other string) bool { return NameKey(other) == key })
		if len(left) == 0 {
			delete(p.bySkeleton, skeleton)
			continue
		}
		p.bySkeleton[skeleton] = left
	}
}

// Check returns the mark of a name beside the others. The name itself may be among them.
func (p *ShownNames) Check(name string) Mark {
	if like, ok := p.reserved.find(name); ok {
		return Mark{Reserved, like}
	}
	key := NameKey(name)
	for _, skeleton := range SkeletonsOf(name).distinct() {
		for _, other := range p.bySkeleton[skeleton] {
			if NameKey(other) != key {
				return Mark{Resembles, other}
			}
		}
	}
	if mixesScripts(name) {
		return Mark{Reason: MixedScripts}
	}
	return Mark{}
}

func (l Skeletons) distinct() []string {
	if l[0] == l[1] {
		return l[:1]
	}
	return l[:]
}
