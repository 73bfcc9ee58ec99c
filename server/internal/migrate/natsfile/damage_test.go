package natsfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chatroom/server/internal/migrate/natsfile"
	"chatroom/server/internal/migrate/natsfile/natstest"
	"chatroom/server/internal/testenv"
)

// stopped returns a store of several blocks whose server has stopped, and what is in it.
func stopped(t *testing.T) (store string, want []natsfile.Message) {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 7))
	store = t.TempDir()
	n := natstest.Start(t, store)
	config := randomConfig(random)
	config.MaxBytes = 120_000
	if _, err := n.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	churn(t, n, random, 400, make(map[uint64]bool))
	want = retained(t, n)
	n.Stop()
	return store, want
}

func blocks(t *testing.T, store string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(streamDir(store), "msgs", "*.blk"))
	if err != nil || len(paths) < 3 {
		t.Fatalf("Glob = %q, %v, want at least 3 blocks", paths, err)
	}
	return paths
}

func removeIndex(t *testing.T, store string) {
	t.Helper()
	if err := os.Remove(filepath.Join(streamDir(store), "msgs", "index.db")); err != nil {
		t.Fatal(err)
	}
}

// subset checks that what is read was stored, unchanged and in order.
func subset(t *testing.T, got, want []natsfile.Message) {
	t.Helper()
	for i := range got {
		for len(want) > 0 && want[0].Sequence < got[i].Sequence {
			want = want[1:]
		}
		if len(want) == 0 || !same(got[i], want[0]) {
			t.Fatalf("read %s, which was not stored", at(got, i))
		}
	}
}

// A bit that has flipped in a block is noticed wherever it is. It costs the message that
// it is in, and no other.
func TestFlippedBits(t *testing.T) {
	store, want := stopped(t)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range testenv.Rounds(25, 100) {
		path := blocks(t, store)[random.IntN(len(blocks(t, store)))]
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		bit := random.IntN(8 * len(text))
		t.Run(fmt.Sprintf("%d %s bit %d", i, filepath.Base(path), bit), func(t *testing.T) {
			flipped := append([]byte(nil), text...)
			flipped[bit/8] ^= 1 << (bit % 8)
			damaged := copyDir(t, store)
			if err := os.WriteFile(filepath.Join(streamDir(damaged), "msgs", filepath.Base(path)), flipped, 0o600); err != nil {
				t.Fatal(err)
			}
			s, got := read(t, damaged)
			if len(s.Damage) == 0 {
				t.Error("Damage is empty, want the damaged record in it")
			}
			subset(t, got, want)
			if len(got) < len(want)-1 {
				t.Errorf("read %d messages, want at least %d", len(got), len(want)-1)
			}
		})
	}
}

// A block that is cut short is noticed. Without an index, as after a crash, only a cut
// between two records of the newest block is not: that may never have been longer.
func TestTruncatedBlocks(t *testing.T) {
	store, want := stopped(t)
	random := rand.New(rand.NewPCG(3, 4))
	for i := range testenv.Rounds(25, 100) {
		paths := blocks(t, store)
		path := paths[random.IntN(len(paths))]
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		size := random.Int64N(info.Size())
		t.Run(fmt.Sprintf("%d %s to %d bytes", i, filepath.Base(path), size), func(t *testing.T) {
			damaged := copyDir(t, store)
			if err := os.Truncate(filepath.Join(streamDir(damaged), "msgs", filepath.Base(path)), size); err != nil {
				t.Fatal(err)
			}
			s, got := read(t, damaged)
			if len(s.Damage) == 0 {
				t.Error("Damage is empty, want what is missing in it")
			}
			subset(t, got, want)
		})
	}
}

func TestMissingBlocks(t *testing.T) {
	store, want := stopped(t)
	for _, path := range blocks(t, store) {
		damaged := copyDir(t, store)
		name := filepath.Base(path)
		if err := os.Remove(filepath.Join(streamDir(damaged), "msgs", name)); err != nil {
			t.Fatal(err)
		}
		s, got := read(t, damaged)
		if len(s.Damage) == 0 || !strings.Contains(strings.Join(s.Damage, "\n"), name+" is missing") {
			t.Errorf("without %s Damage = %q, want that it is missing", name, s.Damage)
		}
		subset(t, got, want)
	}
}

// The index only repeats what the blocks say.
func TestWithoutIndex(t *testing.T) {
	store, want := stopped(t)
	for name, change := range map[string]func(path string) error{
		"missing": os.Remove,
		"flipped": func(path string) error {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text[len(text)/2] ^= 1
			return os.WriteFile(path, text, 0o600)
		},
		"empty": func(path string) error { return os.Truncate(path, 0) },
	} {
		damaged := copyDir(t, store)
		if err := change(filepath.Join(streamDir(damaged), "msgs", "index.db")); err != nil {
			t.Fatal(err)
		}
		s, got := read(t, damaged)
		if s.Complete || len(s.Damage) > 0 || len(got) < len(want) {
			t.Errorf("index.db %s: Complete = %t, Damage = %q, %d messages, want false, none, at least %d", name, s.Complete, s.Damage, len(got), len(want))
		}
	}
}

// A record that a killed server has not completed is not damage.
func TestCutOffRecord(t *testing.T) {
	store, want := stopped(t)
	removeIndex(t, store)
	paths := blocks(t, store)
	newest := paths[0]
	for _, path := range paths {
		if len(path) > len(newest) || len(path) == len(newest) && path > newest {
			newest = path
		}
	}
	text, err := os.ReadFile(newest)
	if err != nil {
		t.Fatal(err)
	}
	for _, added := range []int{1, 21, 22, 40} {
		if err := os.WriteFile(newest, slices.Concat(text, text[:added]), 0o600); err != nil {
			t.Fatal(err)
		}
		s, got := read(t, store)
		if s.CutOff != added || len(s.Damage) > 0 || len(got) < len(want) {
			t.Errorf("with %d bytes of a record: CutOff = %d, Damage = %q, %d messages, want %d, none, at least %d", added, s.CutOff, s.Damage, len(got), added, len(want))
		}
	}
}

func TestDamagedConfig(t *testing.T) {
	store, want := stopped(t)
	for _, name := range []string{"meta.inf", "meta.sum"} {
		damaged := copyDir(t, store)
		path := filepath.Join(streamDir(damaged), name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text[len(text)/2] ^= 1
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, got := read(t, damaged)
		if len(s.Damage) != 1 || s.Config.Name != "" || len(got) != len(want) {
			t.Errorf("%s damaged: Damage = %q, Config = %+v, %d messages, want one, none and %d", name, s.Damage, s.Config, len(got), len(want))
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := natsfile.Open(t.Context(), filepath.Join(t.TempDir(), "TEST")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Open without a stream = %v, want %v", err, fs.ErrNotExist)
	}
	store, _ := stopped(t)
	if err := os.WriteFile(filepath.Join(streamDir(store), "meta.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := natsfile.Open(t.Context(), streamDir(store)); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("Open of an encrypted stream = %v, want an error that says so", err)
	}
}
