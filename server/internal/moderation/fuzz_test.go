package moderation

import (
	"slices"
	"testing"

	"chatroom/server/internal/policy"
	"chatroom/server/internal/store/memory"
)

// FuzzPageTokens asks for pages after arbitrary tokens. They are pages of the room, in order,
// and nothing of another one.
func FuzzPageTokens(f *testing.F) {
	for _, seed := range []string{"", "..", "../other/", "\x00", "\xff", "7fffffffffffffff-a", "member/x", "%2e", "/"} {
		f.Add(seed)
	}
	store := memory.Open(memory.Config{})
	m, err := Open(f.Context(), Config{State: store, Denials: new(policy.Denials), Changed: func(policy.Denial) {}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		m.Close()
		_ = store.Close()
	})
	for _, room := range []string{"room", "other", "room-2"} {
		for range 3 {
			if err := m.Record(f.Context(), Act{Action: Delete, Room: room, By: room}); err != nil {
				f.Fatal(err)
			}
		}
	}
	whole, _, err := m.Audit(f.Context(), "room", "", 10)
	if err != nil || len(whole) != 3 {
		f.Fatalf("Audit = %v, %v, want 3 acts", whole, err)
	}
	f.Fuzz(func(t *testing.T, token string) {
		acts, next, err := m.Audit(t.Context(), "room", token, 2)
		if err != nil || len(acts) > 2 || next != "" && len(acts) != 2 {
			t.Fatalf("Audit after %q = %v, %q, %v, want a page", token, acts, next, err)
		}
		for _, a := range acts {
			if a.By != "room" {
				t.Fatalf("Audit after %q has %+v of another room", token, a)
			}
		}
		if len(acts) > 0 && !slices.Contains(whole, acts[0]) {
			t.Fatalf("Audit after %q has %+v, which is none of the acts", token, acts[0])
		}
		if _, _, err := m.List(t.Context(), "room", token, 2); err != nil {
			t.Fatalf("List after %q = %v, want nil", token, err)
		}
	})
}
