package policy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The bounds of a policy file.
const (
	MaxFile    = 256 << 10 // bytes
	MaxRules   = 256       // each decision may try them all
	MaxMembers = 1_000     // of one rule
	maxMember  = 256       // bytes of a member id
	maxProblem = 20        // that are reported of one file
)

// FieldError says what is wrong in a policy file.
type FieldError struct {
	File  string
	Line  int    // from 1
	Field string // "rooms[2].guest[0]"
	Bound string // "must be one of read, post, …"
}

func (e *FieldError) Error() string {
	return fmt.Sprintf("%s:%d: %s: %s", e.File, e.Line, e.Field, e.Bound)
}

// Parse reads a policy from YAML or JSON. Every problem is an error, and the error
// names up to 20 of them, as *FieldError; name is that of the file, for errors and
// decisions.
//
//	rooms:
//	  - pattern: announcements
//	    anonymous: [read]
//	    guest: [read, react]
//	    members:
//	      alice: [post, moderate]
//	  - pattern: order-*
//	    anonymous: []
//	    guest: []
//	    user: []
//	    creator: []
//
// The first rule whose pattern matches a room applies to it. What a rule does not
// mention is as it is by default.
func Parse(name string, data []byte) (*Policy, error) {
	p := parser{name: name}
	switch {
	case len(data) > MaxFile:
		return nil, &FieldError{name, 1, "file", fmt.Sprintf("must be at most %d bytes", MaxFile)}
	case strings.TrimSpace(string(data)) == "":
		// A file that was cut off must not open what it closes.
		return nil, &FieldError{name, 1, "rooms", requiredRooms}
	}
	var document, more yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		if unquotedAsterisk.Match(data) {
			err = fmt.Errorf(`%w: a pattern that begins with an asterisk must be in quotes, as in pattern: "*"`, err)
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := decoder.Decode(&more); err == nil {
		p.report(&more, "file", "must hold one document")
	} else if !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var rules []Rule
	if len(document.Content) == 1 {
		rules = p.file(document.Content[0])
	} else {
		p.report(&document, "rooms", requiredRooms)
	}
	if len(p.problems) > 0 {
		return nil, errors.Join(p.problems...)
	}
	return &Policy{name: name, rules: rules}, nil
}

// unquotedAsterisk is a pattern that YAML reads as the name of an alias.
var unquotedAsterisk = regexp.MustCompile(`(?m)^[ \t-]*\{? *pattern: *\*`)

const requiredRooms = "must be set: an empty list means the built-in policy"

type parser struct {
	name     string
	problems []error
}

func (p *parser) report(n *yaml.Node, field, bound string) {
	if len(p.problems) < maxProblem {
		p.problems = append(p.problems, &FieldError{p.name, max(n.Line, 1), field, bound})
	}
}

func (p *parser) file(n *yaml.Node) []Rule {
	var rules []Rule
	set := false
	p.mapping(n, "file", func(key, value *yaml.Node) {
		if key.Value != "rooms" {
			p.report(key, quoteField("", key.Value), "is not known: must be rooms")
			return
		}
		set = true
		if value.Kind != yaml.SequenceNode || len(value.Content) > MaxRules {
			p.report(value, "rooms", fmt.Sprintf("must be a list of at most %d rules", MaxRules))
			return
		}
		for i, item := range value.Content {
			rules = append(rules, p.rule(item, i))
		}
	})
	if !set && len(p.problems) == 0 {
		p.report(n, "rooms", requiredRooms)
	}
	p.checkReach(rules)
	return rules
}

// checkReach reports the rules that can't apply: each would be a mistake about who may
// do what.
func (p *parser) checkReach(rules []Rule) {
	for i := range rules {
		for _, earlier := range rules[:i] {
			if earlier.Pattern.covers(rules[i].Pattern) {
				p.report(&yaml.Node{Line: rules[i].line}, fmt.Sprintf("rooms[%d].pattern", i),
					fmt.Sprintf("never applies: rooms[%d], %s, comes first and matches the same rooms", earlier.index, earlier.Pattern))
				break
			}
		}
	}
}

func (p *parser) rule(n *yaml.Node, index int) Rule {
	r := Rule{ByKind: fallback.ByKind, Creator: fallback.Creator, index: index, line: n.Line}
	path := fmt.Sprintf("rooms[%d]", index)
	p.mapping(n, path, func(key, value *yaml.Node) {
		field := quoteField(path, key.Value)
		for kind, name := range kindNames {
			if key.Value == name {
				r.ByKind[kind] = p.rights(value, field, Kind(kind))
				return
			}
		}
		switch key.Value {
		case "pattern":
			r.Pattern = p.pattern(value, field)
		case "creator":
			r.Creator = p.rights(value, field, User)
		case "members":
			r.Members = p.members(value, field)
		default:
			p.report(key, field, "is not known: must be one of pattern, "+strings.Join(kindNames[:], ", ")+", creator, members")
		}
	})
	if r.Pattern.text == "" && n.Kind == yaml.MappingNode && !has(n, "pattern") {
		p.report(n, path+".pattern", "must be set")
	}
	return r
}

func has(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func (p *parser) pattern(n *yaml.Node, field string) Pattern {
	text, ok := p.text(n, field)
	if !ok {
		return Pattern{}
	}
	pattern, err := ParsePattern(text)
	if err != nil {
		p.report(n, field, "must be 1 to 64 characters of a-z, 0-9, dot, underscore, hyphen and *, not "+fmt.Sprintf("%q", shorten(text)))
	}
	return pattern
}

func (p *parser) members(n *yaml.Node, field string) map[string]Rights {
	if len(n.Content) > 2*MaxMembers {
		p.report(n, field, fmt.Sprintf("must be at most %d members", MaxMembers))
		return nil
	}
	members := make(map[string]Rights)
	p.mapping(n, field, func(key, value *yaml.Node) {
		at := quoteField(field, key.Value)
		if key.Value == "" || len(key.Value) > maxMember {
			p.report(key, at, fmt.Sprintf("must be a member id of 1 to %d bytes", maxMember))
			return
		}
		members[key.Value] = p.rights(value, at, User)
	})
	return members
}

func (p *parser) rights(n *yaml.Node, field string, kind Kind) Rights {
	if n.Kind != yaml.SequenceNode {
		p.report(n, field, "must be a list of rights, in brackets: "+strings.TrimPrefix(rightsBound, "must be one of "))
		return 0
	}
	var rights Rights
	for i, item := range n.Content {
		at := fmt.Sprintf("%s[%d]", field, i)
		text, ok := p.text(item, at)
		if !ok {
			continue
		}
		right, ok := rightNamed(text)
		switch {
		case !ok:
			p.report(item, at, fmt.Sprintf("%s, not %q", rightsBound, shorten(text)))
		case rights&right != 0:
			p.report(item, at, fmt.Sprintf("must be in the list once: %s", text))
		case kind == Anonymous && right&forAnonymous == 0:
			p.report(item, at, fmt.Sprintf("must be one of %s, since anonymous callers have no identity, not %q", forAnonymous, text))
		}
		rights |= right
	}
	return rights
}

// text returns the text of a node that holds some. Words that YAML takes for something
// else are refused: a room named null or 1.0 is to be put in quotes.
func (p *parser) text(n *yaml.Node, field string) (string, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		p.report(n, field, "must be text: put it in quotes")
		return "", false
	}
	return n.Value, true
}

// mapping calls fn with each key and value of a mapping.
func (p *parser) mapping(n *yaml.Node, field string, fn func(key, value *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		p.report(n, field, "must be a mapping of fields to values")
		return
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name, ok := p.text(key, field)
		if !ok {
			continue
		}
		if seen[name] {
			p.report(key, quoteField(field, name), "must be set once")
			continue
		}
		seen[name] = true
		fn(key, value)
	}
}

// quoteField returns the path of a field in another, with names that are not plain in
// quotes.
func quoteField(path, name string) string {
	plain := name != "" && len(name) <= 40
	for i := 0; plain && i < len(name); i++ {
		c := name[i]
		plain = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
	}
	if !plain {
		name = fmt.Sprintf("%q", shorten(name))
	}
	if path == "" || path == "file" {
		return name
	}
	return path + "." + name
}
