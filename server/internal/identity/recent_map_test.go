package identity

import (
	"testing"
	"time"
)

// A value is there for recentTime at least, twice that at most, and the newest of its key.
func TestRecentMap(t *testing.T) {
	var m recentMap[string, int]
	start := time.Now()
	expect := func(key string, at time.Duration, want int, found bool) {
		t.Helper()
		if got, ok := m.find(key, start.Add(at)); got != want || ok != found {
			t.Errorf("find(%q) after %s = %d, %t, want %d, %t", key, at, got, ok, want, found)
		}
	}
	expect("a", 0, 0, false)
	m.add("a", 1, start)
	m.add("b", 2, start.Add(recentTime-1))
	expect("a", recentTime, 1, true)
	m.add("a", 3, start.Add(recentTime))
	expect("a", recentTime, 3, true)
	expect("b", 2*recentTime-2, 2, true)
	m.add("c", 4, start.Add(2*recentTime))
	expect("b", 2*recentTime, 0, false)
	expect("a", 2*recentTime, 3, true)
	expect("c", 4*recentTime-1, 4, true)
	expect("c", 4*recentTime, 0, false)
}
