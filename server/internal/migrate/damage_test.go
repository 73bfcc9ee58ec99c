package migrate

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/migrate/formertest"
	"chatroom/server/internal/testenv"
)

// filesOf returns the paths of the files below a directory that are not empty.
func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Size() > 0 {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// change changes a file without changing its time, as failing media do.
func change(t *testing.T, path string, with func([]byte) []byte) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, with(text), 0o600)
	}
	if err == nil {
		err = os.Chtimes(path, time.Time{}, info.ModTime())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// contentOf is what a former store holds, to be compared.
func contentOf(t *testing.T, f *Former) (all []string) {
	t.Helper()
	for _, room := range events(t, f) {
		for _, e := range room {
			all = append(all, fmt.Sprintf("%s %d %t %x %q %s", e.Room, e.Sequence, e.Erased, e.KeyDigest, e.Payload, e.Time))
		}
	}
	for _, r := range f.Records {
		all = append(all, fmt.Sprintf("%s %q", r.Key, r.Value))
	}
	slices.Sort(all)
	return all
}

// Whatever is wrong with any file is either found, or makes no difference.
func TestDamage(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	dir, _ := formertest.Load(t, "stopped")
	intact := openFormer(t, dir)
	want := contentOf(t, intact)
	damages := map[string]func([]byte) []byte{
		"flip a bit": func(text []byte) []byte {
			text[random.IntN(len(text))] ^= 1 << random.IntN(8)
			return text
		},
		"cut": func(text []byte) []byte { return text[:random.IntN(len(text))] },
		"overwrite with zeros": func(text []byte) []byte {
			at := random.IntN(len(text))
			clear(text[at:min(len(text), at+512)])
			return text
		},
		"empty": func([]byte) []byte { return nil },
	}
	found, harmless := 0, 0
	for name, damage := range damages {
		for range testenv.Rounds(8, 30) {
			dir, _ := formertest.Load(t, "stopped")
			paths := filesOf(t, dir)
			path := paths[random.IntN(len(paths))]
			change(t, path, damage)
			f := openFormer(t, dir)
			got := contentOf(t, f)
			switch {
			case len(f.Findings) > 0 && f.Epoch != "":
				t.Errorf("%s in %s: Epoch = %q in spite of %q, want a new one", name, path, f.Epoch, f.Findings)
			case len(f.Findings) > 0:
				found++
			case !reflect.DeepEqual(got, want) || f.Next != intact.Next || f.Epoch != intact.Epoch && !f.Replaced:
				t.Errorf("%s in %s: nothing is found, and %d events and records are read, want the %d that were stored", name, path, len(got), len(want))
			default:
				harmless++
			}
		}
	}
	t.Logf("%d times damage was found, %d times it made no difference", found, harmless)
}

func TestMissingFiles(t *testing.T) {
	dir, _ := formertest.Load(t, "stopped")
	want := contentOf(t, openFormer(t, dir))
	for _, path := range filesOf(t, dir) {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		damaged, _ := formertest.Load(t, "stopped")
		if err := os.Remove(filepath.Join(damaged, name)); err != nil {
			t.Fatal(err)
		}
		f := openFormer(t, damaged)
		if got := contentOf(t, f); len(f.Findings) == 0 && !reflect.DeepEqual(got, want) {
			t.Errorf("without %s nothing is found, and %d events and records are read, want %d", name, len(got), len(want))
		}
	}
}

// An event that is missing in the middle of a room is found by the event after it, also
// if no record of any file is damaged.
func TestMissingEvent(t *testing.T) {
	dir, want := formertest.Load(t, "killed")
	all := want.Rooms["lobby"].Events
	missing := all[len(all)-8].Sequence // retention does not explain it so near the end
	for _, path := range filesOf(t, openFormer(t, dir).blocks) {
		change(t, path, func(text []byte) []byte { return cutRecord(text, missing) })
	}
	f := openFormer(t, dir)
	if len(f.Findings) != 1 || !strings.HasPrefix(f.Findings[0], fmt.Sprintf(`room "lobby": event %d is missing`, missing)) {
		t.Errorf("Findings = %q, want that event %d is missing", f.Findings, missing)
	}
}

// cutRecord removes the record of a message from a block. What is not a block stays.
func cutRecord(text []byte, sequence uint64) []byte {
	for at := 0; at+30 <= len(text); {
		size := int(binary.LittleEndian.Uint32(text[at:]) &^ (1 << 31))
		if size < 30 || at+size > len(text) {
			break
		}
		if binary.LittleEndian.Uint64(text[at+4:]) == sequence {
			return slices.Delete(text, at, at+size)
		}
		at += size
	}
	return text
}

// A log that was restored from a backup is whole, but is not the one that clients know.
func TestReplaced(t *testing.T) {
	dir, _ := formertest.Load(t, "stopped")
	blocks := openFormer(t, dir).blocks
	paths := filesOf(t, blocks)
	if err := os.Chtimes(paths[0], time.Time{}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if f := openFormer(t, dir); len(f.Findings) > 0 || !f.Replaced || f.Epoch != "" {
		t.Errorf("Findings, Replaced, Epoch = %q, %t, %q, want none, true and a new one", f.Findings, f.Replaced, f.Epoch)
	}
}

// A server that was started and has never opened its store leaves no events.
func TestFormerWithoutStore(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, datadir.FormerEventsName), 0o700); err != nil {
		t.Fatal(err)
	}
	if f := openFormer(t, dir); f.Next != 1 || len(f.Findings) > 0 || len(events(t, f)) > 0 {
		t.Errorf("Next, Findings = %d, %q, want 1 and none", f.Next, f.Findings)
	}
}
