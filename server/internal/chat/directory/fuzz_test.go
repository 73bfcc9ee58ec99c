package directory_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

// FuzzPageToken asks for pages after arbitrary tokens, and with arbitrary cursors. The answer
// is a page, or an error of the field.
func FuzzPageToken(f *testing.F) {
	for _, seed := range []string{"", "lobby", "0/lobby", "1700000000000/lobby", "-1/lobby", "9223372036854775807/z", "9223372036854775808/z", "/", "+1/a", "1/", "a/b"} {
		f.Add(seed, true, "epoch", uint64(1))
		f.Add(seed, false, "", ^uint64(0))
	}
	store := memory.Open(memory.Config{})
	d := directory.New(directory.Config{
		Journal: store, State: store, Encoding: eventpb.Encoding{}, Rooms: []string{"a", "b", "lobby", "z"}, Log: slog.New(slog.DiscardHandler),
		ProfileChanged: func(*chat.Event) {},
	})
	f.Cleanup(func() {
		d.Close()
		_ = store.Close()
	})
	if _, _, err := chat.Append(f.Context(), store, chat.Entry{Room: "lobby", Key: "1", Counted: true}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, token string, byActivity bool, epoch string, sequence uint64) {
		q := directory.Query{After: token, Limit: 2, Seen: map[string]chat.Cursor{"lobby": {Epoch: epoch, Sequence: sequence}}}
		if byActivity {
			q.Order = directory.ByActivity
		}
		page, err := d.List(t.Context(), q)
		if err != nil {
			field, ok := errors.AsType[*chat.FieldError](err)
			if !ok || field.Field != "page_token" || token != "" && strings.Contains(err.Error(), token) && len(token) > 40 {
				t.Fatalf("List after %q = %v, want an error of page_token", token, err)
			}
			return
		}
		if len(page.Rooms) > q.Limit {
			t.Fatalf("List after %q has %d rooms, want at most %d", token, len(page.Rooms), q.Limit)
		}
		if page.Next == "" {
			return
		}
		q.After = page.Next
		if next, err := d.List(t.Context(), q); err != nil || len(next.Rooms) == 0 {
			t.Fatalf("List after %q, the token of a page = %v, %v, want rooms", page.Next, next, err)
		}
	})
}
