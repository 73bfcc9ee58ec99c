package crash_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"chatroom/server/internal/e2e/crash"
	"chatroom/server/internal/testenv"
)

// A backup of a busy server has everything that was acknowledged before it began, in
// unbroken logs, and a server restored from it accepts sends. Sends are acknowledged meanwhile.
func TestBackups(t *testing.T) {
	report := backedUp(t, crash.Config{Backups: testenv.Rounds(2, 10)})
	for _, fault := range report.Faults {
		t.Error(fault)
	}
	for _, line := range report.Errors {
		t.Errorf("the server logged: %s", line)
	}
	if want := testenv.Rounds(2, 10); report.Backups != want || report.Meanwhile == 0 || report.Acks < want*200 || report.Deletions == 0 || report.Edits == 0 {
		t.Errorf("%v: too little happened to prove anything", report)
	}
}

// The verifier notices a backup that lacks what was acknowledged.
func TestLateBackups(t *testing.T) {
	report := backedUp(t, crash.Config{Backups: 1, JudgeLate: true})
	if !slices.ContainsFunc(report.Faults, func(f crash.Fault) bool { return f.Kind == crash.Lost }) {
		t.Errorf("no fault of kind %q among %d", crash.Lost, len(report.Faults))
	}
}

func backedUp(t *testing.T, c crash.Config) *crash.Report {
	t.Helper()
	c.Program, c.Dir, c.Seed, c.Publishers = program(t), t.TempDir(), rand.Uint64(), 3
	report, err := crash.RunBackups(t.Context(), c)
	if err != nil {
		t.Fatalf("RunBackups with seed %d: %v", c.Seed, err)
	}
	t.Logf("seed %d: %v", c.Seed, report)
	return report
}
