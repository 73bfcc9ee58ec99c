package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"chatroom/server/internal/conformance/kit"
	"chatroom/server/internal/conformance/reference"
)

// Each scenario checks a rule in docs/CLIENTS.md.
func TestDocsNameScenarios(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/CLIENTS.md")
	if err != nil {
		t.Fatal(err)
	}
	rules, _, found := strings.Cut(string(text), "## The conformance kit")
	if !found {
		t.Fatal("docs/CLIENTS.md has no section on the kit")
	}
	for _, s := range kit.Scenarios() {
		if !strings.Contains(rules, "`"+s.Name+"`") {
			t.Errorf("no rule in docs/CLIENTS.md names the scenario %s", s.Name)
		}
	}
	if claim := fmt.Sprintf("each of %d ways to break one", len(reference.Faults())); !strings.Contains(string(text), claim) {
		t.Errorf("docs/CLIENTS.md does not say %q", claim)
	}
}
