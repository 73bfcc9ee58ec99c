package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	rules := parse(t, shop).Rules()
	if len(rules) != 3 {
		t.Fatalf("Parse has %d rules, want 3", len(rules))
	}
	for _, tt := range []struct {
		what      string
		got, want Rights
	}{
		{"anonymous in announcements", rules[0].ByKind[Anonymous], Read},
		{"guest in announcements", rules[0].ByKind[Guest], Read | React},
		{"user in announcements, not mentioned", rules[0].ByKind[User], fallback.ByKind[User]},
		{"creator in announcements, not mentioned", rules[0].Creator, Manage},
		{"alice in announcements", rules[0].Members["alice"], Post | Moderate},
		{"guest in order-*", rules[1].ByKind[Guest], 0},
		{"creator in order-*", rules[1].Creator, 0},
		{"user elsewhere", rules[2].ByKind[User], Read | Post | React | EditOwn},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %s, want %s", tt.what, tt.got, tt.want)
		}
	}
	asJSON := "{\n\t\"rooms\": [\n\t\t{\"pattern\": \"*\", \"guest\": [\"read\"]}\n\t]\n}\n"
	if rules := parse(t, asJSON).Rules(); len(rules) != 1 || rules[0].ByKind[Guest] != Read {
		t.Errorf("Parse of JSON = %+v, want a rule", rules)
	}
	if rules := parse(t, "rooms: []").Rules(); len(rules) != 0 {
		t.Errorf("Parse of an empty list = %+v, want no rule", rules)
	}
}

// Each error says where the problem is, in which field, and what is allowed.
func TestParseRefuses(t *testing.T) {
	rule := func(lines string) string { return "rooms:\n  - pattern: a\n" + lines }
	for name, tt := range map[string]struct{ text, want string }{
		"empty":               {"", "p.yaml:1: rooms: must be set"},
		"a comment alone":     {"# nothing\n", "p.yaml:1: rooms: must be set"},
		"an empty mapping":    {"{}", "p.yaml:1: rooms: must be set"},
		"a list":              {"- a", "p.yaml:1: file: must be a mapping"},
		"an unknown field":    {"rooms: []\nroles: []\n", "p.yaml:2: roles: is not known: must be rooms"},
		"two documents":       {"rooms: []\n---\nrooms: []\n", "must hold one document"},
		"rooms as a mapping":  {"rooms: {}", "p.yaml:1: rooms: must be a list"},
		"rooms without value": {"rooms:\n", "p.yaml:1: rooms: must be a list"},
		"a rule as text":      {"rooms: [a]", "p.yaml:1: rooms[0]: must be a mapping"},
		"no pattern":          {"rooms:\n  - guest: []\n", "p.yaml:2: rooms[0].pattern: must be set"},
		"a bad pattern":       {"rooms:\n  - pattern: Order\n", `p.yaml:2: rooms[0].pattern: must be 1 to 64 characters of a-z, 0-9, dot, underscore, hyphen and *, not "Order"`},
		"an empty pattern":    {"rooms:\n  - pattern: ''\n", "p.yaml:2: rooms[0].pattern: must be 1 to 64"},
		"a number as pattern": {"rooms:\n  - pattern: 1.0\n", "p.yaml:2: rooms[0].pattern: must be text"},
		"an unknown kind":     {rule("    admin: [read]\n"), "p.yaml:3: rooms[0].admin: is not known: must be one of pattern, anonymous, guest, user, key, creator, members"},
		"an unknown right":    {rule("    guest: [read, write]\n"), `p.yaml:3: rooms[0].guest[1]: must be one of read, post, react, edit_own, create, manage, moderate, not "write"`},
		"rights as text":      {rule("    guest: read\n"), "p.yaml:3: rooms[0].guest: must be a list of rights"},
		"rights null":         {rule("    guest:\n"), "p.yaml:3: rooms[0].guest: must be a list of rights"},
		"a right twice":       {rule("    guest: [read, read]\n"), "p.yaml:3: rooms[0].guest[1]: must be in the list once: read"},
		"a field twice":       {rule("    guest: []\n    guest: [read]\n"), "p.yaml:4: rooms[0].guest: must be set once"},
		"what needs an id":    {rule("    anonymous: [moderate]\n"), `p.yaml:3: rooms[0].anonymous[0]: must be one of read, post, create, since`},
		"members as a list":   {rule("    members: [alice]\n"), "p.yaml:3: rooms[0].members: must be a mapping"},
		"no member id":        {rule("    members: {'': [read]}\n"), `p.yaml:3: rooms[0].members."": must be a member id`},
		"a rule not reached":  {"rooms:\n  - pattern: a*\n  - pattern: ab\n", "p.yaml:3: rooms[1].pattern: never applies: rooms[0], a*, comes first"},
		"an alias":            {"rooms:\n  - &a {pattern: b}\n  - *a\n", "p.yaml:3: rooms[1]: must be a mapping"},
		"a merge":             {"rooms:\n  - &a {pattern: b}\n  - <<: *a\n", "p.yaml:3: rooms[1]: must be text"},
		"not YAML":            {"rooms: [\n", "p.yaml: yaml: line"},
		"an asterisk alone":   {"rooms:\n  - pattern: *\n    guest: [read]\n", `must be in quotes, as in pattern: "*"`},
		"an asterisk first":   {"rooms:\n  - {pattern: *-staff}\n", `must be in quotes, as in pattern: "*"`},
		"too long":            {"rooms: []\n#" + strings.Repeat("x", MaxFile), "p.yaml:1: file: must be at most 262144 bytes"},
		"too many rules":      {"rooms: [" + strings.Repeat("x,", MaxRules+1) + "]", "rooms: must be a list of at most 256 rules"},
	} {
		p, err := Parse("p.yaml", []byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) || p != nil {
			t.Errorf("Parse, %s = %v, %v, want %q", name, p, err, tt.want)
		}
	}
}

func TestParseReportsAllProblems(t *testing.T) {
	_, err := Parse("p.yaml", []byte("rooms:\n  - pattern: A\n    guest: [x]\n    other: 1\n"))
	for _, want := range []string{"p.yaml:2: ", "p.yaml:3: ", "p.yaml:4: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse = %v, want a problem with %q", err, want)
		}
	}
	if field, ok := errors.AsType[*FieldError](err); !ok || field.Line != 2 || field.Field != "rooms[0].pattern" {
		t.Errorf("Parse = %v, want its first FieldError to be of line 2", err)
	}
	_, err = Parse("p.yaml", []byte("rooms: ["+strings.Repeat("x,", 200)+"]"))
	if n := strings.Count(err.Error(), "\n") + 1; n != maxProblem {
		t.Errorf("Parse names %d problems, want %d", n, maxProblem)
	}
}

// render writes rules as a file, for what was parsed to be parsed again.
func render(t testing.TB, rules []Rule) []byte {
	names := func(r Rights) []string {
		list := []string{}
		for _, one := range r.Each() {
			list = append(list, one.String())
		}
		return list
	}
	list := []map[string]any{}
	for _, r := range rules {
		members := map[string][]string{}
		for id, rights := range r.Members {
			members[id] = names(rights)
		}
		rule := map[string]any{"pattern": r.Pattern.text, "creator": names(r.Creator), "members": members}
		for kind := range kinds {
			rule[kind.String()] = names(r.ByKind[kind])
		}
		list = append(list, rule)
	}
	data, err := json.Marshal(map[string]any{"rooms": list})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{shop, "rooms: []", "{}", "rooms:\n- pattern: a\n  members: {x: [read]}\n", `{"rooms":[{"pattern":"*"}]}`,
		"rooms: &a [*a]", "a: &a [b]\nrooms: *a", "? [a]\n: b", "rooms: !!binary aGk=", "rooms:\n- pattern: !!str 1\n", "%YAML 1.1\n---\nrooms: []\n...", "rooms: |\n x"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Parse("p", data)
		if (p == nil) == (err == nil) {
			t.Fatalf("Parse(%q) = %v, %v, want either", data, p, err)
		}
		if err != nil {
			if len(err.Error()) > 64<<10 {
				t.Fatalf("Parse(%q) has an error of %d bytes, want a bounded one", data, len(err.Error()))
			}
			return
		}
		rules := p.Rules()
		for i, r := range rules {
			if _, err := ParsePattern(r.Pattern.text); err != nil || r.ByKind[Anonymous]&^forAnonymous != 0 || r.line < 1 {
				t.Fatalf("Parse(%q) has the rule %+v, want it within bounds", data, r)
			}
			rules[i].line = 1
			if len(r.Members) == 0 {
				rules[i].Members = map[string]Rights{}
			}
		}
		again, err := Parse("p", render(t, rules))
		if err != nil {
			// JSON has no text that is not UTF-8.
			if !strings.Contains(fmt.Sprintf("%q", data), `\x`) {
				t.Fatalf("Parse of what was parsed from %q = %v, want nil", data, err)
			}
			return
		}
		if got := again.Rules(); len(rules) > 0 && !reflect.DeepEqual(got, rules) {
			t.Fatalf("Parse of what was parsed from %q = %+v, want %+v", data, got, rules)
		}
	})
}
