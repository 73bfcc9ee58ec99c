// Package testenv says how thorough a run of the tests is. By default tests that take
// long have a short form, so that go test ./... ends within minutes. With
// CHATROOM_TEST_FULL=1, as in .ci/run, they do everything.
package testenv

import (
	"os"
	"testing"
)

// Full reports whether tests are to do everything.
func Full() bool { return os.Getenv("CHATROOM_TEST_FULL") == "1" }

// Rounds returns how often a test repeats what it does: short, or full if tests are to
// do everything.
func Rounds(short, full int) int {
	if Full() {
		return full
	}
	return short
}

// RequireFull skips a test, for a reason, unless tests are to do everything.
func RequireFull(t testing.TB, reason string) {
	t.Helper()
	if !Full() {
		t.Skipf("%s: it runs with CHATROOM_TEST_FULL=1 only", reason)
	}
}
