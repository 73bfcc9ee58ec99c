package main

import (
	"strings"
	"testing"

	"chatroom/server/internal/conformance/kit"
)

func TestRun(t *testing.T) {
	for _, tt := range []struct {
		name      string
		arguments []string
		status    int
		stdout    []string // contains
		stderr    []string // contains
	}{
		{"list", []string{"-list"}, 0, []string{"cut-in-frame\n    The connection is closed in the middle of an event.", "token-refused\n"}, nil},
		{"list of some", []string{"-list", "-run", "^drain$"}, 0, []string{"drain\n"}, nil},
		{"no program", nil, 2, nil, []string{"usage: conformance [flags] PROGRAM", "-parallel"}},
		{"no scenario", []string{"-run", "nothing", "program"}, 2, nil, []string{`no scenario matches "nothing"`}},
		{"invalid expression", []string{"-run", "(", "program"}, 2, nil, []string{"-run: error parsing regexp"}},
		{"unknown flag", []string{"-fast"}, 2, nil, []string{"flag provided but not defined: -fast"}},
		{"help", []string{"-h"}, 0, nil, []string{"usage"}},
		{"program that does not exist", []string{"/nowhere/driver"}, 1, []string{"FAIL start", "the driver can't be started: fork/exec /nowhere/driver"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			if status := run(t.Context(), tt.arguments, &stdout, &stderr); status != tt.status {
				t.Errorf("the status is %d, want %d", status, tt.status)
			}
			for _, want := range tt.stdout {
				if !strings.Contains(stdout.String(), want) {
					t.Errorf("the output does not contain %q:\n%s", want, stdout.String())
				}
			}
			for _, want := range tt.stderr {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("the error output does not contain %q:\n%s", want, stderr.String())
				}
			}
			if tt.name == "list of some" && strings.Contains(stdout.String(), "drain-open") {
				t.Errorf("-run is ignored:\n%s", stdout.String())
			}
		})
	}
}

// The status is 0 only if no scenario fails.
func TestSummary(t *testing.T) {
	passed, failed := kit.Result{}, kit.Result{Problems: []string{"the client applied event 17 of lobby twice"}}
	skipped := kit.Result{Skipped: "it keeps no cursors"}
	for _, tt := range []struct {
		results []kit.Result
		status  int
		want    string
	}{
		{[]kit.Result{passed, passed}, 0, "2 passed, 0 failed, 0 skipped\n"},
		{[]kit.Result{passed, skipped}, 0, "1 passed, 0 failed, 1 skipped\n"},
		{[]kit.Result{passed, failed, skipped}, 1, "1 passed, 1 failed, 1 skipped\n"},
	} {
		var out strings.Builder
		if status := summary(&out, tt.results); status != tt.status || out.String() != tt.want {
			t.Errorf("summary = %d and %q, want %d and %q", status, out.String(), tt.status, tt.want)
		}
	}
	var out strings.Builder
	report(&out, failed, false)
	if want := "    the client applied event 17 of lobby twice\n"; !strings.Contains(out.String(), want) {
		t.Errorf("report = %q, want it to contain %q", out.String(), want)
	}
}
