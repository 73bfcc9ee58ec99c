// Package storetest states in tests what the documentation of [chat.Journal] and
// [chat.State] states in words. Every store passes [Run]; a store that bounds its
// rooms by count also passes [RunRetention], one that survives a restart
// [RunRestart], and one that several nodes share [RunNodes].
//
// The suite knows no adapter: a tail may be called after Append has returned,
// sequences may have any gaps, and an epoch is any text. Sizes suit an adapter
// that takes milliseconds for an append.
package storetest

import (
	"flag"
	"testing"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/testenv"
)

// By default rapid makes fewer checks than it would. Its flag -rapid.checks, which is
// parsed later, wins.
func init() {
	if !testenv.Full() {
		_ = flag.Set("rapid.checks", "20")
	}
}

// Store is what an adapter implements.
type Store interface {
	chat.Journal
	chat.State
}

// patience bounds the wait for what is sure to come from a store that works.
const patience = time.Minute

// everything is a limit that no test of this package reaches.
const everything = 1 << 20

const (
	maxInt      = int(^uint(0) >> 1)
	maxSequence = ^uint64(0)
)

type test struct {
	name string
	run  func(t *testing.T, s Store)
}

// Run checks the stores that open returns. Each is empty, keeps all that the
// suite stores in it, and is closed by the suite.
func Run(t *testing.T, open func(t *testing.T) Store) {
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"Append", appendTests},
		{"Read", readTests},
		{"Tail", tailTests},
		{"Relations", relationTests},
		{"Erase", eraseTests},
		{"Scrub", scrubTests},
		{"State", stateTests},
		{"Watch", watchTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, tt := range group.tests {
				t.Run(tt.name, func(t *testing.T) { tt.run(t, opened(t, open)) })
			}
		})
	}
	t.Run("JournalModel", func(t *testing.T) { checkModel(t, opened(t, open), 0) })
	t.Run("StateModel", func(t *testing.T) { checkStateModel(t, opened(t, open)) })
	t.Run("EpochsDiffer", func(t *testing.T) { testEpochsDiffer(t, opened(t, open), opened(t, open)) })
	t.Run("Close", func(t *testing.T) { runClose(t, open) })
}

// opened returns a store that is closed when the test ends.
func opened(t *testing.T, open func(t *testing.T) Store) Store {
	s := open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return s
}

// testEpochsDiffer compares two logs that have nothing to do with each other: a
// cursor of one must not be valid for the other.
func testEpochsDiffer(t *testing.T, a, b Store) {
	if first, second := headOf(t, a, "room").Epoch, headOf(t, b, "room").Epoch; first == second {
		t.Errorf("epochs of two logs = %q and %q, want them to differ", first, second)
	}
}
