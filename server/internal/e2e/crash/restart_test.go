package crash_test

import (
	"math/rand/v2"
	"testing"

	"chatroom/server/internal/e2e/crash"
	"chatroom/server/internal/testenv"
)

// A server that inherits its port is restarted while clients of all protocols send and receive:
// no connection is refused, and no event is lost or stored or delivered twice.
func TestRestarts(t *testing.T) {
	report := restarted(t, crash.Config{Restarts: testenv.Rounds(3, 12), Args: []string{"-drain", "8s"}})
	for _, fault := range report.Faults {
		t.Error(fault)
	}
	for _, line := range report.Errors {
		t.Errorf("the server logged: %s", line)
	}
	if report.Refused > 0 {
		t.Errorf("%d connections were refused, want none", report.Refused)
	}
	if want := testenv.Rounds(3, 12); report.Stops != want || report.Acks < want*200 || report.Edits == 0 || report.Deletions == 0 || report.Resumes < want*8 {
		t.Errorf("%v: too little happened to prove anything", report)
	}
}

// The verifier notices that connections are refused in a restart.
func TestRestartsOfAServerWithItsOwnPort(t *testing.T) {
	if report := restarted(t, crash.Config{Restarts: 2, OwnPort: true}); report.Refused == 0 {
		t.Error("no connection was refused by a server that had ended")
	}
}

func restarted(t *testing.T, c crash.Config) *crash.Report {
	t.Helper()
	c.Program, c.Dir, c.Seed, c.Publishers = program(t), t.TempDir(), rand.Uint64(), 3
	report, err := crash.RunRestarts(t.Context(), c)
	if err != nil {
		t.Fatalf("RunRestarts with seed %d: %v", c.Seed, err)
	}
	t.Logf("seed %d: %v; %d connections refused, slowest sends %v", c.Seed, report, report.Refused, report.Gaps)
	return report
}
