package durability

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// deletionAnswer is how a deletion was answered.
type deletionAnswer int

const (
	notDeleted deletionAnswer = iota // no deletion was sent
	unanswered                       // the connection broke
	refused                          // nothing is stored
	delayed                          // it holds, but the text may still be in the files
	erased
)

// deletions is a room of one member, which sends messages and deletes them.
type deletions struct {
	room  string
	token string

	mu    sync.Mutex                // guards below
	texts map[uint64]string         // of the messages, by sequence
	fates map[uint64]deletionAnswer // of their deletions
}

func newDeletions(t *testing.T, s *harness.Service) *deletions {
	t.Helper()
	token, _ := s.SignIn(t, "Ada")
	return &deletions{room: "erased", token: token, texts: make(map[uint64]string), fates: make(map[uint64]deletionAnswer)}
}

// spread calls do with the numbers below n, from several goroutines.
func spread(n int, do func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
}

// wordsPattern matches the beginning of each text, which no other has.
var wordsPattern = regexp.MustCompile(`words-[0-9a-f]{16}`)

// send sends one message of about size bytes.
func (d *deletions) send(ctx context.Context, v harness.Client, size int) error {
	words := fmt.Sprintf("words-%016x", rand.Uint64())
	request := harness.TextRequest(d.room, words+strings.Repeat(" more", size/5))
	request.Id = words[:20]
	response, err := v.Send(ctx, request)
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.texts[response.GetSequence()] = words
	return nil
}

// fill sends n messages.
func (d *deletions) fill(ctx context.Context, t *testing.T, s *harness.Service, n int) {
	t.Helper()
	v := harness.ConnectOver(harness.H2CClient)(t, s, d.token)
	spread(n, func(i int) {
		if err := d.send(ctx, v, 10*(i%40)); err != nil {
			t.Errorf("Send: %v", err)
		}
	})
}

// delete sends the deletion of a message, and notes the answer.
func (d *deletions) delete(ctx context.Context, v harness.Client, sequence uint64) deletionAnswer {
	_, err := v.Send(ctx, &chatv1.SendRequest{
		Room: d.room, Id: fmt.Sprint("delete-", sequence),
		Body: &chatv1.SendRequest_Deletion{Deletion: &chatv1.Deletion{Target: sequence}},
	})
	answer := erased
	switch {
	case isDelayed(err):
		answer = delayed
	case connect.IsWireError(err):
		answer = refused
	case err != nil:
		answer = unanswered
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fates[sequence] = answer
	return answer
}

func isDelayed(err error) bool {
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok {
		return false
	}
	for _, detail := range coded.Details() {
		if value, err := detail.Value(); err == nil {
			if info, ok := value.(*errdetails.ErrorInfo); ok && info.GetReason() == "ERASURE_DELAYED" {
				return true
			}
		}
	}
	return false
}

// with returns the messages whose deletions have a fate.
func (d *deletions) with(f deletionAnswer) []uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	var sequences []uint64
	for sequence := range d.texts {
		if d.fates[sequence] == f {
			sequences = append(sequences, sequence)
		}
	}
	return sequences
}

// check compares the room with how deletions were answered, and returns the messages
// that it shows as deleted.
func (d *deletions) check(ctx context.Context, t *testing.T, s *harness.Service) map[uint64]bool {
	t.Helper()
	messages, deleted := d.read(ctx, t, s)
	d.mu.Lock()
	defer d.mu.Unlock()
	for sequence, words := range d.texts {
		text, found := messages[sequence]
		if found && !strings.HasPrefix(text, words) {
			t.Errorf("message %d is %q, want %q", sequence, text, words)
		}
		if found == deleted[sequence] {
			t.Errorf("message %d is there: %t, and so is its deletion; its sender was answered %d", sequence, found, d.fates[sequence])
		}
		switch d.fates[sequence] {
		case notDeleted, refused:
			if !found {
				t.Errorf("message %d is gone, but nothing was deleted", sequence)
			}
		case delayed, erased:
			if found {
				t.Errorf("message %d is there, but was deleted", sequence)
			}
		}
	}
	return deleted
}

// read returns the messages of the room, and the targets of its deletions.
func (d *deletions) read(ctx context.Context, t *testing.T, s *harness.Service) (messages map[uint64]string, deleted map[uint64]bool) {
	t.Helper()
	messages, deleted = make(map[uint64]string), make(map[uint64]bool)
	c := harness.RPCClient(t, s)
	newest, err := c.ListEvents(ctx, &chatv1.ListEventsRequest{Room: d.room, Limit: 1})
	if err != nil {
		t.Fatalf("ListEvents: %v", err)
	}
	cursor := &chatv1.Cursor{Epoch: newest.GetEpoch()}
	for more := true; more; {
		page, err := c.ListEvents(ctx, &chatv1.ListEventsRequest{
			Room: d.room, Limit: 500, Page: &chatv1.ListEventsRequest_After{After: cursor},
		})
		if err != nil {
			t.Fatalf("ListEvents after %v: %v", cursor, err)
		}
		for _, e := range page.GetEvents() {
			if deletion := e.GetDeletion(); deletion != nil {
				deleted[deletion.GetTarget()] = true
			} else {
				messages[e.GetSequence()] = e.GetMessage().GetText()
			}
		}
		cursor, more = page.GetNext(), page.GetMore()
	}
	return messages, deleted
}

// inFiles returns which of some messages have left text in the data directory.
func (d *deletions) inFiles(t *testing.T, data string, sequences []uint64) []uint64 {
	t.Helper()
	words := make(map[string]bool)
	for _, text := range contents(t, data) {
		for _, word := range wordsPattern.FindAll(text, -1) {
			words[string(word)] = true
		}
	}
	if len(words) == 0 {
		t.Fatal("no text is in any file: deleted ones would not be found either")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var left []uint64
	for _, sequence := range sequences {
		if words[d.texts[sequence]] {
			left = append(left, sequence)
		}
	}
	return left
}

// forget leaves out the messages of which it is not known whether they are deleted:
// that was checked.
func (d *deletions) forget() {
	for _, sequence := range d.with(unanswered) {
		d.mu.Lock()
		delete(d.texts, sequence)
		d.mu.Unlock()
	}
}
