package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/service"
)

// filesWith returns the files of a directory that contain a text.
func filesWith(t *testing.T, data, text string) []string {
	t.Helper()
	var with []string
	must(t, filepath.WalkDir(data, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(text)) {
			with = append(with, path)
		}
		if os.IsNotExist(err) {
			return nil // the log tidies up
		}
		return err
	}))
	return with
}

// What was deleted is in no file any more when the deletion is answered: neither
// the message, nor any of its edits. What was not deleted is.
func TestLifeErases(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := serve(t, inDir(data))
	var all []string
	for i, d := range lifeDoors {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				n := s.settle(bounded(t), t, d, m, fmt.Sprintf("erases-%d-%d", i, m))
				all = append(all, n.testErases(t, data)...)
			})
		}
	}
	s.Stop(t)
	for _, text := range all {
		if with := filesWith(t, data, text); len(with) > 0 {
			t.Errorf("the service has stopped, and %q is in %q", text, with)
		}
	}
}

// testErases returns the texts that it has deleted.
func (n *neighbours) testErases(t *testing.T, data string) []string {
	t.Helper()
	var texts []string
	for range 4 {
		texts = append(texts, rand.Text())
	}
	n.says(t, n.ben, &chatv1.Message{Text: texts[3]})
	target := n.says(t, n.ada, &chatv1.Message{Text: texts[0]})
	n.does(t, n.ada, editing(n.room, n.id(), target, texts[1]))
	n.does(t, n.ben, reacting(n.room, n.id(), target, "👍", false))
	n.does(t, n.ada, editing(n.room, n.id(), target, texts[2]))
	for _, text := range texts {
		if len(filesWith(t, data, text)) == 0 {
			t.Fatalf("no file contains %q before the deletion: the check would not find it after", text)
		}
	}
	n.ada.do(t, deleting(n.room, n.id(), target))
	for _, text := range texts[:3] {
		if with := filesWith(t, data, text); len(with) > 0 {
			t.Errorf("the deletion was answered, and %q is in %q", text, with)
		}
	}
	if len(filesWith(t, data, texts[3])) == 0 {
		t.Errorf("what was not deleted is gone")
	}
	return texts[:3]
}

// An edit that meets the deletion of its message is erased with it, whichever of
// the two is answered first.
func TestLifeErasesRacingEdits(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := serve(t, inDir(data), func(c *service.Config) { c.NoFsync = true })
	ctx := bounded(t)
	n := s.settle(ctx, t, doors[1], bySend, "race")
	for round := range 100 {
		text := rand.Text()
		target := n.ada.do(t, post(n.room, n.id(), &chatv1.Message{Text: text})).GetSequence()
		var racing sync.WaitGroup
		id := n.id()
		for i := range 4 {
			racing.Go(func() { _, _ = n.ada.Send(ctx, editing(n.room, fmt.Sprintf("%s-%d", id, i), target, text)) })
		}
		if _, err := n.ada.Send(ctx, deleting(n.room, id, target)); err != nil {
			t.Errorf("delete: %v", err)
		}
		racing.Wait()
		if with := filesWith(t, data, text); len(with) > 0 {
			t.Fatalf("round %d: deleted, and %q is in %q", round, text, with)
		}
	}
}

// A restart changes nothing of what there is to be seen, and a deletion that was
// answered is known to be one.
func TestLifeGoesOn(t *testing.T) {
	t.Parallel()
	for _, d := range []door{doors[0], doors[6], doors[7]} {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			s := serve(t, inDir(data))
			token, ada := s.enter(t, "ada")
			n := s.settle(bounded(t), t, d, bySend, "life")
			n.ada = s.moveAs(bounded(t), t, d, bySend, token, &chatv1.Subscription{Room: n.room})
			n.ada.member = ada
			n.names[ada.GetId()] = "ada"
			n.live(t)
			slip := n.says(t, n.ada, &chatv1.Message{Text: "another slip"})
			deletion := n.ada.do(t, deleting(n.room, "another", slip))
			s.Stop(t)

			ctx := bounded(t)
			s = serve(t, inDir(data))
			n.s = s
			n.ada = s.moveAs(ctx, t, d, bySend, token, &chatv1.Subscription{Room: n.room})
			n.ada.member = ada
			n.laterSees(ctx, t, d, bySend)
			again := n.ada.do(t, deleting(n.room, "another", slip))
			if !again.GetDuplicate() || again.GetSequence() != deletion.GetSequence() {
				t.Errorf("a deletion of before the restart, retried, was answered %v, want the duplicate of %v", again, deletion)
			}
			n.ada.do(t, editing(n.room, "own", n.says(t, n.ada, &chatv1.Message{Text: "after"}), "still my own"))
		})
	}
}
