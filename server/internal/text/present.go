package text

import "slices"

// Present is the names by which the members in a room are shown, each once. The cost of
// its methods does not depend on how many they are. It must not be used concurrently.
type Present struct {
	reserved *ReservedNames
	keys     map[string]bool
	looks    map[string][]string // the names with a skeleton, in the order of their arrival
}

// NewPresent returns the names in an empty room. reserved may be nil.
func NewPresent(reserved *ReservedNames) *Present {
	return &Present{reserved, make(map[string]bool), make(map[string][]string)}
}

// Number returns the name by which a member is to be shown who has come: see the
// function Number.
func (p *Present) Number(name string, characters int) string {
	return Number(name, characters, func(key string) bool { return p.keys[key] })
}

// Add has a name shown, and reports whether it was not.
func (p *Present) Add(shown string) bool {
	key := NameKey(shown)
	if p.keys[key] {
		return false
	}
	p.keys[key] = true
	for _, look := range LooksOf(shown).distinct() {
		p.looks[look] = append(p.looks[look], shown)
	}
	return true
}

// Remove ends that a name is shown.
func (p *Present) Remove(shown string) {
	key := NameKey(shown)
	if !p.keys[key] {
		return
	}
	delete(p.keys, key)
	for _, look := range LooksOf(shown).distinct() {
		left := slices.DeleteFunc(p.looks[look], func(other string) bool { return NameKey(other) == key })
		if len(left) == 0 {
			delete(p.looks, look)
			continue
		}
		p.looks[look] = left
	}
}

// Check returns the mark that a name carries among those that are shown, whether it is
// one of them or not.
func (p *Present) Check(name string) Mark {
	if like, ok := p.reserved.find(name); ok {
		return Mark{Reserved, like}
	}
	key := NameKey(name)
	for _, look := range LooksOf(name).distinct() {
		for _, other := range p.looks[look] {
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

func (l Looks) distinct() []string {
	if l[0] == l[1] {
		return l[:1]
	}
	return l[:]
}
