package tally

import (
	"fmt"
	"maps"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTally(t *testing.T) {
	var c Tally
	if n := len(c.Counts()); n != 0 {
		t.Errorf("the zero value has %d counts, want none", n)
	}
	c.Begin("a", "c")
	if got, want := c.Counts(), map[string]uint64{"a": 0, "c": 0}; !maps.Equal(got, want) {
		t.Errorf("Counts() = %v, want %v", got, want)
	}
	var adding sync.WaitGroup
	for range 4 {
		adding.Go(func() {
			for range 100 {
				c.Add("a")
				c.Add("b")
			}
		})
	}
	adding.Wait()
	got := c.Counts()
	if want := map[string]uint64{"a": 400, "b": 400, "c": 0}; !maps.Equal(got, want) {
		t.Errorf("Counts() = %v, want %v", got, want)
	}
	if c.Add("a"); got["a"] != 400 {
		t.Error("Counts is not a copy")
	}
}

func TestTallyIsBounded(t *testing.T) {
	var c Tally
	for i := range 10 * maxReasons {
		c.Add(fmt.Sprint(i))
	}
	if got := c.Counts(); len(got) != maxReasons+1 || got["other"] != 9*maxReasons {
		t.Errorf("%d reasons are counted, and %d others, want %d and %d", len(got), got["other"], maxReasons+1, 9*maxReasons)
	}
}
