package crash_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/e2e/crash"
	"chatroom/server/internal/testenv"

	"go.uber.org/goleak"
)

// A server that is killed with SIGKILL again and again loses nothing that it has
// acknowledged, stores nothing twice, delivers everything once and in order, and has
// deleted texts in no answer and in no file. go run ./server/internal/e2e/crash/verify
// does it for longer.
func TestCrash(t *testing.T) {
	report := crashed(t, crash.Config{Kills: testenv.Rounds(6, 16)})
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
	least := testenv.Rounds(1, 10)
	if report.Acks < 50 || report.Edits < least || report.Deletions < least || report.Resumes < report.Kills || report.Scans < 3 || report.Checks < testenv.Rounds(1, 2) {
		t.Errorf("%v: too little happened to prove anything", report)
	}
}

// The verifier notices a server that keeps nothing over a restart.
func TestCrashOfForgetfulServer(t *testing.T) {
	report := crashed(t, crash.Config{Kills: 2, Args: []string{"-data", "memory"}, Settle: 2 * time.Second})
	for _, kind := range []crash.Kind{crash.Lost, crash.NewEpoch, crash.WasReset} {
		if !slices.ContainsFunc(report.Faults, func(f crash.Fault) bool { return f.Kind == kind }) {
			t.Errorf("no fault of kind %q among %d", kind, len(report.Faults))
		}
	}
}

// build builds the server, once for all tests.
var build = sync.OnceValues(func() (string, error) {
	return crash.Build(context.Background(), programDir)
})

// programDir is where build puts the server. TestMain makes and removes it.
var programDir string

func TestMain(m *testing.M) {
	var err error
	if programDir, err = os.MkdirTemp("", "chatroom-server-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(programDir)
		os.Exit(code)
	}))
}

func program(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// crashed runs the verifier.
func crashed(t *testing.T, c crash.Config) *crash.Report {
	t.Helper()
	c.Program, c.Dir, c.Seed = program(t), t.TempDir(), rand.Uint64()
	report, err := crash.Run(t.Context(), c)
	if err != nil {
		t.Fatalf("Run with seed %d: %v", c.Seed, err)
	}
	t.Logf("seed %d: %v", c.Seed, report)
	return report
}
