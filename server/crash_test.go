package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"chatroom/server/internal/crash"
)

// A server that is killed with SIGKILL, again and again, loses nothing that it
// acknowledged, stores nothing twice, shows everything to everybody once and in order,
// and has nothing of what was deleted, in no answer and in no file. For longer runs: go run ./server/internal/crash/verify.
func TestCrash(t *testing.T) {
	report := crashed(t, crash.Config{Kills: 16})
	for i, fault := range report.Faults {
		if i == 50 {
			t.Errorf("and %d more", len(report.Faults)-i)
			break
		}
		t.Error(fault)
	}
	for _, line := range report.Errors {
		t.Errorf("the server logged: %s", line)
	}
	if report.Acks < 100 || report.Edits < 10 || report.Deletions < 10 || report.Resumes < report.Kills || report.Scans < 3 || report.Checks < 2 {
		t.Errorf("%v: too little happened to prove anything", report)
	}
}

// The verifier must notice a server that keeps nothing over a restart.
func TestCrashOfForgetfulServer(t *testing.T) {
	report := crashed(t, crash.Config{Kills: 2, Args: []string{"-data", "memory"}, Settle: 2 * time.Second})
	for _, kind := range []crash.Kind{crash.Lost, crash.NewEpoch, crash.WasReset} {
		if !slices.ContainsFunc(report.Faults, func(f crash.Fault) bool { return f.Kind == kind }) {
			t.Errorf("no fault of kind %q among %d", kind, len(report.Faults))
		}
	}
}

// crashed runs the verifier.
func crashed(t *testing.T, c crash.Config) *crash.Report {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes several seconds to kill a server often enough")
	}
	program, err := crash.Build(t.Context(), t.TempDir())
	try(t, err)
	c.Program, c.Dir, c.Seed = program, t.TempDir(), rand.Uint64()
	report, err := crash.Run(t.Context(), c)
	if err != nil {
		t.Fatalf("Run with seed %d: %v", c.Seed, err)
	}
	t.Logf("seed %d: %v", c.Seed, report)
	return report
}
