package hub_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

// gaps returns a text for each event whose Previous a receiver would take for missing.
func gaps(events []*chat.Event, last uint64) (all []string) {
	for _, e := range events {
		if e.Previous > last {
			all = append(all, fmt.Sprintf("%d comes after %d, but says that %d was before it", e.Sequence, last, e.Previous))
		}
		last = e.Sequence
	}
	return all
}

// durable returns the stored events among items.
func durable(items []chat.Item) (events []*chat.Event) {
	for _, item := range items {
		if e, ok := item.(*chat.Event); ok && e.Sequence > 0 {
			events = append(events, e)
		}
	}
	return events
}

// Once a deletion is answered, no reader is given the message or an edit of it, wherever
// it stands: in the window of the topic, or behind it, or in the middle of it.
func TestDeletionHidesFromSlowReaders(t *testing.T) {
	for _, window := range []int{1, 2, 3, 4, 5, 6, 1024} {
		for taken := range 6 {
			h := newTestHub(t, hub.Config{Window: window}, memory.Config{})
			slow := h.feed(t, gopher, hub.Start{Room: "room"})
			drain(t, slow, 16)
			h.post(t, bob, "room", chat.Message{Text: "before"})
			target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
			h.post(t, alice, "room", chat.Edit{Target: target, Text: "still a secret"})
			h.post(t, bob, "room", chat.Message{Text: "between"})
			h.post(t, alice, "room", chat.Edit{Target: target, Text: "the last secret"})
			var seen []*chat.Event
			if taken > 0 {
				buf := make([]chat.Item, taken)
				n, err := slow.Next(t.Context(), buf)
				if err != nil {
					t.Fatalf("Next = %v, want nil", err)
				}
				seen = durable(buf[:n])
			}
			h.post(t, alice, "room", chat.Deletion{Target: target})
			h.post(t, bob, "room", chat.Message{Text: "after"})
			rest := durable(drain(t, slow, 2))
			for _, e := range rest {
				if targetOf(e) == target {
					t.Errorf("window %d, %d taken: after the deletion came %+v", window, taken, e)
				}
			}
			all := slices.Concat(seen, rest)
			if gaps := gaps(all, 0); gaps != nil || len(all) == 0 || all[len(all)-1].Sequence != 7 {
				t.Errorf("window %d, %d taken: events %v, gaps %q, want all up to 7 without gaps", window, taken, len(all), gaps)
			}
		}
	}
}

// The same on a node that learns of the deletion by its tail.
func TestDeletionOnAnotherNode(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	other := h.another(t)
	slow := other.feed(t, gopher, hub.Start{Room: "room"})
	drain(t, slow, 16)
	target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
	if events := other.pageOf(t, "room"); len(events) != 1 {
		t.Fatalf("the page = %+v, want the message", events)
	}
	h.post(t, alice, "room", chat.Edit{Target: target, Text: "still a secret"})
	h.post(t, alice, "room", chat.Deletion{Target: target})
	if events := durable(drain(t, slow, 16)); len(events) != 1 || events[0].Sequence != 3 || gaps(events, 0) != nil {
		t.Errorf("a slow reader has %+v, gaps %q, want the deletion alone", events, gaps(events, 0))
	}
	if events := other.pageOf(t, "room"); len(events) != 1 || events[0].Sequence != 3 {
		t.Errorf("the page = %+v, want the deletion alone", events)
	}
}

// A store may answer before it calls its tails, even with what is deleted.
func TestDeletionIsAnsweredBeforeItIsPublished(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	f := h.feed(t, gopher, hub.Start{Room: "room"})
	drain(t, f, 16)
	h.post(t, bob, "room", chat.Message{Text: "before"})
	published := h.post(t, alice, "room", chat.Message{Text: "published"}).At.Sequence
	release := h.journal.hold()
	late := h.post(t, alice, "room", chat.Message{Text: "not published yet"}).At.Sequence
	h.post(t, alice, "room", chat.Edit{Target: late, Text: "nor this"})
	h.post(t, alice, "room", chat.Deletion{Target: published})
	h.post(t, alice, "room", chat.Deletion{Target: late})
	if got := sequencesOf(drain(t, f, 16)); !slices.Equal(got, []uint64{1}) {
		t.Errorf("events before the tail has the deletion = %v, want the first", got)
	}
	release()
	events := durable(drain(t, f, 16))
	if len(events) != 2 || gaps(events, 1) != nil {
		t.Errorf("events after = %+v, gaps %q, want the two deletions", events, gaps(events, 1))
	}
}

// The set of what is hidden ends with the window: it must not grow for ever.
func TestHiddenMessagesEndWithTheWindow(t *testing.T) {
	h := newTestHub(t, hub.Config{Window: 4}, memory.Config{})
	h.feed(t, gopher, hub.Start{Room: "room"})
	for range 20 {
		target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
		deletion := chat.Post{Room: "room", ID: fmt.Sprint("deletion of ", target), Body: chat.Deletion{Target: target}}
		for range 2 { // the second one is a retry
			if _, err := h.Send(t.Context(), alice, deletion); err != nil {
				t.Fatalf("Send = %v, want nil", err)
			}
		}
		if n := h.Hidden("room"); n < 1 || n > 4 {
			t.Fatalf("%d messages are hidden, want those of the window", n)
		}
	}
	h.sendMany(t, "room", 4)
	if n := h.Hidden("room"); n != 0 {
		t.Errorf("%d messages are hidden beyond the window, want 0", n)
	}
}

// A page that was read before a deletion was stored has nothing of it afterwards.
func TestDeletionWhileAPageIsRead(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	before := h.post(t, bob, "room", chat.Message{Text: "before"}).At.Sequence
	target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
	after := h.post(t, bob, "room", chat.Message{Text: "after"}).At.Sequence
	h.journal.afterRead = func() { h.post(t, alice, "room", chat.Deletion{Target: target}) }
	events := h.pageOf(t, "room")
	if len(events) != 2 || events[0].Sequence != before || events[1].Sequence != after || gaps(events, 0) != nil {
		t.Errorf("the page = %+v, gaps %q, want what is left, without a gap", events, gaps(events, 0))
	}
}

func isDelayed(err error, cause error) (*chat.ErasureDelayedError, bool) {
	delayed, ok := errors.AsType[*chat.ErasureDelayedError](err)
	return delayed, ok && (cause == nil || errors.Is(err, cause))
}

// A deletion that can't be erased holds all the same: the sender's error says exactly that,
// reading does not depend on it, and the service tries until it is done.
func TestErasureIsDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		h := newTestHub(t, hub.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, memory.Config{})
		f := h.feed(t, gopher, hub.Start{Room: "room"})
		drain(t, f, 16)
		h.post(t, bob, "room", chat.Message{Text: "before"})
		target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
		h.post(t, alice, "room", chat.Edit{Target: target, Text: "still a secret"})
		h.journal.failing("Scrub")
		deletion := chat.Post{Room: "room", ID: "deletion", Body: chat.Deletion{Target: target}}
		_, err := h.Send(t.Context(), alice, deletion)
		delayed, ok := isDelayed(err, errBroken)
		if !ok || delayed.Receipt.At.Sequence != 4 || delayed.Receipt.Duplicate || delayed.Receipt.Time.IsZero() {
			t.Fatalf("Send of a deletion = %v, want an ErasureDelayedError at 4", err)
		}
		if events := h.pageOf(t, "room"); len(events) != 2 || gaps(events, 0) != nil {
			t.Errorf("the page = %+v, want what is left, without a gap", events)
		}
		if got := sequencesOf(drain(t, f, 16)); !slices.Equal(got, []uint64{1, 4}) {
			t.Errorf("a stream has %v, want what is left", got)
		}
		_, err = h.Send(t.Context(), alice, deletion)
		if delayed, ok := isDelayed(err, errBroken); !ok || !delayed.Receipt.Duplicate || delayed.Receipt.At.Sequence != 4 {
			t.Errorf("Send of the deletion again = %v, want an ErasureDelayedError of a duplicate", err)
		}
		<-time.After(20 * time.Second)
		synctest.Wait()
		stats := h.Stats().Erasure
		if stats.Pending == 0 || stats.Erased != 0 || stats.Failures < 4 || stats.Failures > 8 {
			t.Errorf("Stats after 20 s = %+v, want pending erasures and several failures", stats)
		}
		h.journal.failing("")
		<-time.After(time.Minute)
		synctest.Wait()
		if stats := h.Stats().Erasure; stats.Pending != 0 || stats.Erased != 2 {
			t.Errorf("Stats a minute after the repair = %+v, want the message and its edit erased, and none pending", stats)
		}
		receipt, err := h.Send(t.Context(), alice, deletion)
		if err != nil || !receipt.Duplicate || receipt.At.Sequence != 4 || receipt.Time.IsZero() {
			t.Errorf("Send of the deletion once more = %+v, %v, want a duplicate", receipt, err)
		}
		for _, want := range []string{"can't be erased", "works again"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log has nothing of %q:\n%s", want, log.String())
			}
		}
	})
}

// A service finishes what an earlier one has left.
func TestErasureIsFinishedAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.Open(memory.Config{})
		for key, e := range []chat.Entry{{}, {Relation: chat.Erases, Target: 1}} {
			e.Room, e.Key = "room", fmt.Sprint(key)
			if _, _, err := chat.Append(t.Context(), store, e); err != nil {
				t.Fatalf("Append = %v, want nil", err)
			}
		}
		var log lockedBuffer
		s := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
		defer s.Close()
		synctest.Wait()
		if stats := s.Stats().Erasure; stats.Erased != 1 || stats.Pending != 0 {
			t.Errorf("Stats = %+v, want one event erased", stats)
		}
		if !strings.Contains(log.String(), "events=1") {
			t.Errorf("the log has not the number of events:\n%s", log.String())
		}
	})
}

// Deletions that come while the files are written are erased together, next.
func TestErasuresShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		synctest.Wait()
		var targets []uint64
		for _, at := range h.sendMany(t, "room", 21) {
			targets = append(targets, at.Sequence)
		}
		scrubs := 0
		h.journal.duringScrub = func(context.Context) error {
			scrubs++
			<-time.After(time.Second)
			return nil
		}
		start := time.Now()
		var wg sync.WaitGroup
		remove := func(target uint64) {
			wg.Go(func() {
				post := chat.Post{Room: "room", ID: fmt.Sprint("deletion of ", target), Body: chat.Deletion{Target: target}}
				if _, err := h.Send(t.Context(), gopher, post); err != nil {
					t.Errorf("Send = %v, want nil", err)
				}
			})
		}
		remove(targets[0])
		synctest.Wait()
		for _, target := range targets[1:] {
			remove(target)
		}
		wg.Wait()
		if scrubs != 2 || time.Since(start) != 2*time.Second {
			t.Errorf("21 deletions took %d scrubs and %v, want 2 and 2s", scrubs, time.Since(start))
		}
	})
}

// A sender who does not wait until the text is erased receives an error that says that the deletion holds,
// and so are those whom the end of the service, or a disk that hangs, leaves waiting.
func TestErasureIsNotWaitedFor(t *testing.T) {
	for name, tt := range map[string]struct {
		end   func(h *testHub, cancel func())
		cause error
	}{
		"the caller goes":    {func(_ *testHub, cancel func()) { cancel() }, context.Canceled},
		"the service closes": {func(h *testHub, _ func()) { h.Close() }, chat.ErrClosed},
		"the disk hangs":     {func(*testHub, func()) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newTestHub(t, hub.Config{}, memory.Config{})
				target := h.send(t, "room", "secret").Sequence
				synctest.Wait()
				h.journal.duringScrub = func(ctx context.Context) error {
					<-ctx.Done()
					return ctx.Err()
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Second, func() { tt.end(h, cancel) })
				deletion := chat.Post{Room: "room", ID: "deletion", Body: chat.Deletion{Target: target}}
				_, err := h.Send(ctx, gopher, deletion)
				if delayed, ok := isDelayed(err, tt.cause); !ok || delayed.Receipt.At.Sequence != 2 {
					t.Errorf("Send = %v, want an ErasureDelayedError for %v", err, tt.cause)
				}
			})
		})
	}
}

// An edit of a message that is deleted meanwhile is refused.
func TestEditDuringDeletion(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	for name, body := range map[string]func(target uint64) chat.Body{
		"an edit":    func(target uint64) chat.Body { return chat.Edit{Target: target, Text: "still a secret"} },
		"a reaction": func(target uint64) chat.Body { return chat.Reaction{Target: target, Emoji: "👍"} },
	} {
		target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
		h.journal.beforeSubmit = func() { h.post(t, alice, "room", chat.Deletion{Target: target}) }
		if _, err := h.Send(t.Context(), alice, chat.Post{Room: "room", ID: name, Body: body(target)}); !errors.Is(err, chat.ErrUnknownTarget) {
			t.Errorf("Send of %s, overtaken by the deletion = %v, want %v", name, err, chat.ErrUnknownTarget)
		}
	}
	for _, e := range h.stored(t, "room") {
		if _, ok := e.Body.(chat.Deletion); !ok {
			t.Errorf("the journal holds %+v, want the deletions alone", e)
		}
	}
}

// A target that is stored only after it was checked is someone else's: guessing
// sequences must not get around the check.
func TestTargetsCantBeGuessed(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.post(t, bob, "room", chat.Message{Text: "before"})
	for _, body := range []chat.Body{chat.Deletion{Target: 2}, chat.Edit{Target: 3, Text: "forged"}} {
		var target uint64
		h.journal.beforeSubmit = func() { target = h.post(t, bob, "room", chat.Message{Text: "bob's"}).At.Sequence }
		_, err := h.Send(t.Context(), alice, chat.Post{Room: "room", ID: fmt.Sprintf("%T", body), Body: body})
		if !errors.Is(err, chat.ErrUnknownTarget) {
			t.Errorf("Send(%+v), whose target %d was stored after the check = %v, want %v", body, target, err, chat.ErrUnknownTarget)
		}
	}
	if got := len(h.stored(t, "room")); got != 3 {
		t.Errorf("the journal holds %d events, want the 3 messages", got)
	}
}

// Retries are answered as the first attempts were, also when the target is gone; what
// is no retry is refused.
func TestRetriesAfterADeletion(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
	posts := []chat.Post{
		{Room: "room", ID: "reply", Body: chat.Message{Text: "hm", ReplyTo: target}},
		{Room: "room", ID: "reaction", Body: chat.Reaction{Target: target, Emoji: "👍"}},
		{Room: "room", ID: "edit", Body: chat.Edit{Target: target, Text: "edited"}},
		{Room: "room", ID: "deletion", Body: chat.Deletion{Target: target}},
	}
	var first []chat.Receipt
	for _, post := range posts {
		receipt, err := h.Send(t.Context(), alice, post)
		if err != nil {
			t.Fatalf("Send(%+v) = %v, want nil", post, err)
		}
		first = append(first, receipt)
	}
	for i, post := range posts {
		if again, err := h.Send(t.Context(), alice, post); err != nil || !again.Duplicate || again.At != first[i].At {
			t.Errorf("Send(%+v) again = %+v, %v, want a duplicate of %+v", post, again, err, first[i])
		}
		if _, err := h.Send(t.Context(), bob, post); !errors.Is(err, chat.ErrUnknownTarget) {
			t.Errorf("Send(%+v) by another = %v, want %v", post, err, chat.ErrUnknownTarget)
		}
		post.ID += " again"
		if _, err := h.Send(t.Context(), alice, post); !errors.Is(err, chat.ErrUnknownTarget) {
			t.Errorf("Send(%+v) with another id = %v, want %v", post, err, chat.ErrUnknownTarget)
		}
	}
}
