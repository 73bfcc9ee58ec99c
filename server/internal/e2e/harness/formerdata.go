package harness

import (
	"testing"

	"chatroom/server/internal/identity"
	"chatroom/server/internal/migrate/formertest"
)

// FormerData returns a data directory of the former format, with a key of guests.
func FormerData(t *testing.T, name string) (dir string, want formertest.Expectation) {
	t.Helper()
	dir, want = formertest.Load(t, name)
	if _, err := identity.OpenGuests(dir); err != nil {
		t.Fatal(err)
	}
	return dir, want
}
