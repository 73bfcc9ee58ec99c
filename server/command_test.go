package main

import (
	"strings"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// runRefused runs a command that is to fail, and returns its error.
func runRefused(t *testing.T, args ...string) error {
	t.Helper()
	var out harness.Buffer
	err := run(t.Context(), args, environment(nil), &out, &out)
	if err == nil {
		t.Fatalf("run(%q) = nil, want an error; it said:\n%s", args, out.String())
	}
	return err
}

func TestUnknownCommand(t *testing.T) {
	err := runRefused(t, "serv", "-data", "memory")
	for _, part := range []string{`"serv"`, "\n  serve "} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("run(serv) = %q, want %q in it", err, part)
		}
	}
}
