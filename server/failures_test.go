package main

import (
	"go/ast"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is what the program's code has of texts and of log lines.
type source struct {
	texts []string
	keys  map[string][]string // of log lines, by the message; "" has those of all
}

// readSource reads the code of the server, without its tests.
func readSource(t *testing.T) source {
	t.Helper()
	s := source{keys: make(map[string][]string)}
	walkServer(t, func(_ *token.FileSet, n ast.Node) {
		keys := logKeysOf(n)
		s.keys[""] = append(s.keys[""], keys...)
		switch n := n.(type) {
		case *ast.CallExpr:
			for i, argument := range n.Args {
				if text := textOf(argument); text != "" {
					s.keys[text] = append(s.keys[text], literals(n.Args[i+1:])...)
					for _, attribute := range n.Args[i+1:] { // slog.Int("key", 1)
						s.keys[text] = append(s.keys[text], logKeysOf(attribute)...)
					}
				}
			}
		case ast.Expr:
			if text := textOf(n); text != "" {
				s.texts = append(s.texts, text)
			}
		}
	})
	return s
}

// textOf returns the text of an expression, empty for another one. What is not constant in it is "…".
func textOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			text, _ := strconv.Unquote(e.Value)
			return text
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD && isText(e) {
			return textOrGap(e.X) + textOrGap(e.Y)
		}
	}
	return ""
}

func textOrGap(e ast.Expr) string {
	if text := textOf(e); text != "" {
		return text
	}
	return "…"
}

// failure is a row of a table of failures.
type failure struct{ name, log string }

var (
	quoted   = regexp.MustCompile("`([^`]+)`")
	brackets = regexp.MustCompile(`\(([^)]*)\)`)
	aKey     = regexp.MustCompile("`([a-z_]+)`")
)

// failuresIn returns the rows of the tables in the section about failures.
func failuresIn(t *testing.T, document string) (rows []failure) {
	t.Helper()
	_, section, found := strings.Cut(document, "\n## Failures\n")
	section, _, _ = strings.Cut(section, "\n## ")
	if !found {
		t.Fatal("the document has no section about failures")
	}
	column := -1
	for line := range strings.Lines(section) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		switch {
		case len(cells) < 3:
			column = -1
		case column < 0:
			column = slices.IndexFunc(cells, func(c string) bool { return strings.TrimSpace(c) == "log" })
		case !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, failure{strings.TrimSpace(cells[0]), strings.TrimSpace(cells[column])})
		}
	}
	return rows
}

// problems returns what is wrong with a row: messages that no code has, and keys that a line does
// not have.
func (f failure) problems(s source) (problems []string) {
	for part := range strings.SplitSeq(brackets.ReplaceAllString(f.log, "(…)"), "(…)") {
		for _, message := range quoted.FindAllStringSubmatch(part, -1) {
			if !slices.ContainsFunc(s.texts, func(text string) bool { return strings.Contains(text, message[1]) }) {
				problems = append(problems, "no code has the text "+strconv.Quote(message[1]))
			}
		}
	}
	rest := f.log
	for {
		at := brackets.FindStringSubmatchIndex(rest)
		if at == nil {
			return problems
		}
		keys := s.keysOf(rest[:at[0]])
		for _, key := range aKey.FindAllStringSubmatch(rest[at[2]:at[3]], -1) {
			if !slices.Contains(keys, key[1]) {
				problems = append(problems, "the line does not have the key "+key[1]+": "+rest[:at[0]])
			}
		}
		rest = rest[at[1]:]
	}
}

// keysOf returns the keys of the log line whose message is the last one that a text quotes.
// A line that gets its keys in a list may have any.
func (s *source) keysOf(text string) []string {
	messages := quoted.FindAllStringSubmatch(text, -1)
	if len(messages) == 0 {
		return nil
	}
	var found []string
	for message, keys := range s.keys {
		if message != "" && strings.Contains(message, messages[len(messages)-1][1]) {
			found = append(found, keys...)
		}
	}
	if len(found) == 0 {
		return s.keys[""]
	}
	return found
}

// What docs/OPERATIONS.md says that failures log is what the code logs.
func TestFailuresAreDocumented(t *testing.T) {
	document, err := os.ReadFile("../docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	s := readSource(t)
	rows := failuresIn(t, string(document))
	if len(rows) < 40 {
		t.Errorf("the tables have %d failures: the test does not find what it looks for", len(rows))
	}
	limits, err := os.ReadFile("../docs/LIMITS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range regexp.MustCompile("chatroom_[a-z0-9_]+\\{(?:reason|outcome|cause|budget|level)=\"([^\"]+)\"\\}").FindAllStringSubmatch(string(document), -1) {
		if !slices.Contains(s.texts, value[1]) && !strings.Contains(string(limits), "| `"+value[1]+"` |") {
			t.Errorf("%s: there is no such value of the label", value[0])
		}
	}
	for _, row := range rows {
		for _, problem := range row.problems(s) {
			t.Errorf("%s: %s", row.name, problem)
		}
	}
}

// What the check is for is found.
func TestFailuresAreChecked(t *testing.T) {
	s := readSource(t)
	for log, want := range map[string]int{
		"`not ready: the store can't write`":                         0,
		"`draining` (`streams`, `at_most`), last `stopped` (`took`)": 0,
		"`appending is refused until writing works again` (`err`)":   0,
		"nothing":                          0,
		"`not ready: the store can write`": 1,
		"`draining` (`stream`, `at_most`), last `stopped` (`streams`)": 2,
		"`no such line` (`nor_this_key`)":                              2,
	} {
		if problems := (failure{log: log}).problems(s); len(problems) != want {
			t.Errorf("problems of %s = %q, want %d", log, problems, want)
		}
	}
}
