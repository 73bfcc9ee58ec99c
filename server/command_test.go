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
	for typed, want := range map[string]string{"serv": `"serv": did you mean serve?`, "frobnicate": "\n  serve "} {
		if err := runRefused(t, typed, "-data", "memory"); !strings.Contains(err.Error(), typed) || !strings.Contains(err.Error(), want) {
			t.Errorf("run(%s) = %q, want %q in it", typed, err, want)
		}
	}
}

func TestHelp(t *testing.T) {
	out, log, err := runCommand(t, "help")
	if err != nil || log != "" || !strings.Contains(out, "\n  backup ") || !strings.Contains(out, "chatroom COMMAND -h") {
		t.Errorf("run(help) = %q, %q, %v, want the commands", out, log, err)
	}
}
