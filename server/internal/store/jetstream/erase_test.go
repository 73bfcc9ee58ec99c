package jetstream

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"chatroom/server/internal/chat"
)

// secret is a payload that is found in files.
func secret(i, size int) []byte {
	return append(fmt.Appendf(nil, "secret-%d-", i), bytes.Repeat([]byte("."), size)...)
}

// secretsIn returns which of the secrets are in the files of a directory.
func secretsIn(t *testing.T, dir string, secrets []int) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was replaced meanwhile
		}
		for _, i := range secrets {
			if bytes.Contains(text, secret(i, 0)) {
				all = append(all, fmt.Sprintf("%d in %s", i, filepath.Base(path)))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// appendEvent appends an event and returns its sequence.
func appendEvent(t testing.TB, s *Store, e chat.Entry) uint64 {
	t.Helper()
	at, duplicate, err := chat.Append(t.Context(), s, e)
	if err != nil || duplicate {
		t.Fatalf("Append(%q) = %v, %t, %v, want a new event", e.Key, at, duplicate, err)
	}
	return at.Sequence
}

// A server of its own has nothing that was erased in its files, wherever it was.
func TestScrubOverwrites(t *testing.T) {
	t.Parallel()
	const events = 60
	servers := startNATS(t)
	s := open(t, Config{URL: servers.fresh(t)})
	var all []uint64
	for i := range events {
		all = append(all, appendEvent(t, s, chat.Entry{Room: "room", Key: fmt.Sprint(i), Payload: secret(i, 200<<10)}))
	}
	var gone, kept []int
	for i := range events {
		if i%3 == 0 {
			kept = append(kept, i)
			continue
		}
		gone = append(gone, i)
		appendEvent(t, s, chat.Entry{Room: "room", Key: fmt.Sprint("erase ", i), Relation: chat.Erases, Target: all[i]})
	}
	dir := servers.options[0].StoreDir
	if n := len(secretsIn(t, dir, gone)); n != len(gone) {
		t.Fatalf("before Scrub, %d of %d secrets are in the files: nothing is shown", n, len(gone))
	}
	if n, err := s.Scrub(t.Context()); err != nil || n != len(gone) {
		t.Errorf("Scrub() = %d, %v, want %d", n, err, len(gone))
	}
	if left := secretsIn(t, dir, gone); len(left) > 0 {
		t.Errorf("after Scrub the files hold %v", left)
	}
	if found := secretsIn(t, dir, kept); len(found) != len(kept) {
		t.Errorf("after Scrub the files hold %v of what is kept, want all %d", found, len(kept))
	}
}

// What a node has left undone, as when it was killed, is erased by another.
func TestScrubByAnotherNode(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	url := servers.fresh(t)
	s := open(t, Config{URL: url})
	target := appendEvent(t, s, chat.Entry{Room: "room", Key: "message", Payload: secret(1, 100)})
	appendEvent(t, s, chat.Entry{Room: "room", Key: "edit", Payload: secret(2, 100), Relation: chat.Revises, Target: target})
	appendEvent(t, s, chat.Entry{Room: "room", Key: "deletion", Relation: chat.Erases, Target: target})
	closed(t, s)
	other := open(t, Config{URL: url})
	if n, err := other.Scrub(t.Context()); err != nil || n != 2 {
		t.Errorf("Scrub() = %d, %v, want 2", n, err)
	}
	if left := secretsIn(t, servers.options[0].StoreDir, []int{1, 2}); len(left) > 0 {
		t.Errorf("after Scrub the files hold %v", left)
	}
}

// An edit that is stored after the deletion of its target, by a node that had not
// heard of it, is hidden and erased as the target is.
func TestLateEdit(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	url := servers.fresh(t)
	s, other := open(t, Config{URL: url}), open(t, Config{URL: url})
	target := appendEvent(t, s, chat.Entry{Room: "room", Key: "message", Payload: secret(1, 100)})
	deletion := appendEvent(t, s, chat.Entry{Room: "room", Key: "deletion", Relation: chat.Erases, Target: target})
	if _, err := s.Scrub(t.Context()); err != nil {
		t.Fatalf("Scrub() = %v, want nil", err)
	}
	edit := chat.Entry{Room: "room", Key: "edit", Payload: secret(2, 100), Relation: chat.Revises, Target: target}
	ack, err := s.js.PublishMsg(t.Context(), encode(edit, roomCounts{}, 1))
	if err != nil {
		t.Fatal(err)
	}
	for _, node := range []*Store{other, s} {
		if got := sequences(t, node, "room"); len(got) != 1 || got[0] != deletion {
			t.Errorf("Read = %d, want %d alone", got, deletion)
		}
		if head, err := node.Head(t.Context(), "room"); err != nil || head.Last != deletion || head.First != deletion {
			t.Errorf("Head = %+v, %v, want %d alone, not %d", head, err, deletion, ack.Sequence)
		}
	}
	if n, err := other.Scrub(t.Context()); err != nil || n != 1 {
		t.Errorf("Scrub() = %d, %v, want 1", n, err)
	}
	if left := secretsIn(t, servers.options[0].StoreDir, []int{1, 2}); len(left) > 0 {
		t.Errorf("after Scrub the files hold %v", left)
	}
}
