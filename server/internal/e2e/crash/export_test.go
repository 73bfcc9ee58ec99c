package crash_test

import (
	"slices"
	"testing"

	"chatroom/server/internal/e2e/crash"
	"chatroom/server/internal/testenv"
)

// An export of a busy server has everything that was acknowledged before it began, in unbroken
// logs, and a server that starts where it was imported accepts sends. Sends are acknowledged
// meanwhile.
func TestExports(t *testing.T) {
	report := backedUp(t, crash.Config{Export: true, Backups: testenv.Rounds(2, 10)})
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

// The verifier notices an export that lacks one event.
func TestExportsWithoutAnEvent(t *testing.T) {
	for _, kind := range []crash.BodyKind{crash.Message, crash.Reaction} {
		t.Run(string(kind), func(t *testing.T) {
			report := backedUp(t, crash.Config{Export: true, Backups: 1, DropKind: kind})
			if !slices.ContainsFunc(report.Faults, func(f crash.Fault) bool { return f.Kind == crash.Lost }) {
				t.Errorf("no fault of kind %q among %v", crash.Lost, report.Faults)
			}
		})
	}
}
