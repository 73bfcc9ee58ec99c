package messages

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/testenv"
)

// filesWith returns the files of a directory that contain a text.
func filesWith(t *testing.T, data, text string) []string {
	t.Helper()
	var with []string
	harness.Must(t, filepath.WalkDir(data, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Type() == os.ModeSocket {
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
func TestDeletedTextIsInNoFile(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	var all []string
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				n := s.JoinPair(harness.Context(t), t, d, m, fmt.Sprintf("erases-%d-%d", i, m))
				all = append(all, checkErases(t, n, data)...)
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

// checkErases returns the texts that it has deleted.
func checkErases(t *testing.T, n *harness.Pair, data string) []string {
	t.Helper()
	var texts []string
	for range 4 {
		texts = append(texts, rand.Text())
	}
	n.SendMessage(t, n.Ben, &chatv1.Message{Text: texts[3]})
	target := n.SendMessage(t, n.Ada, &chatv1.Message{Text: texts[0]})
	n.SendAndReceive(t, n.Ada, harness.EditRequest(n.Room, n.NewID(), target, texts[1]))
	n.SendAndReceive(t, n.Ben, harness.ReactionRequest(n.Room, n.NewID(), target, "👍", false))
	n.SendAndReceive(t, n.Ada, harness.EditRequest(n.Room, n.NewID(), target, texts[2]))
	for _, text := range texts {
		if len(filesWith(t, data, text)) == 0 {
			t.Fatalf("no file contains %q before the deletion: the check would not find it after", text)
		}
	}
	n.Ada.MustSend(t, harness.DeletionRequest(n.Room, n.NewID(), target))
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
func TestEditsRacingADeletionAreErased(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := harness.Start(t, harness.InDir(data), func(c *service.Config) { c.NoFsync = true })
	ctx := harness.Context(t)
	n := s.JoinPair(ctx, t, harness.ConnectHTTP2, harness.ViaSend, "race")
	for round := range testenv.Rounds(20, 100) {
		text := rand.Text()
		target := n.Ada.MustSend(t, harness.MessageRequest(n.Room, n.NewID(), &chatv1.Message{Text: text})).GetSequence()
		var racing sync.WaitGroup
		id := n.NewID()
		for i := range 4 {
			racing.Go(func() { _, _ = n.Ada.Send(ctx, harness.EditRequest(n.Room, fmt.Sprintf("%s-%d", id, i), target, text)) })
		}
		if _, err := n.Ada.Send(ctx, harness.DeletionRequest(n.Room, id, target)); err != nil {
			t.Errorf("delete: %v", err)
		}
		racing.Wait()
		if with := filesWith(t, data, text); len(with) > 0 {
			t.Fatalf("round %d: deleted, and %q is in %q", round, text, with)
		}
	}
}
