package hub_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

// The memory of a service is bounded, whatever is read.
func TestMemoryIsBounded(t *testing.T) {
	const limit = 256 << 10
	h := newTestHub(t, hub.Config{MemoryBytes: limit}, memory.Config{})
	for i := range 40 {
		room := fmt.Sprint("room-", i)
		h.feed(t, alice, hub.Start{Room: room})
		for range 10 {
			at := h.send(t, room, strings.Repeat("a", 1000))
			h.post(t, gopher, room, chat.Edit{Target: at.Sequence, Text: strings.Repeat("b", 1000)})
		}
		if events := h.pageOf(t, room); len(events) != 20 {
			t.Fatalf("History = %d events, want 20", len(events))
		}
		if n := h.Stats().MemoryBytes; n > limit || i > 10 && n < limit/4 {
			t.Fatalf("MemoryBytes = %d after %d rooms, want most of %d at most", n, i+1, limit)
		}
	}
}

// The bound is true of the heap: large events, read by streams and pages in two forms.
func TestMemoryOfLargeEvents(t *testing.T) {
	const limit, rooms, events = 16 << 20, 10, 300
	h := newTestHub(t, hub.Config{MemoryBytes: limit}, memory.Config{Bytes: 1 << 20})
	before := heap()
	payload := bytes.Repeat([]byte("0123456789abcdef"), 1000)
	for i := range rooms {
		room := fmt.Sprint("room-", i)
		f := h.feed(t, alice, hub.Start{Room: room})
		for n := range events {
			h.post(t, gopher, room, chat.Custom{Type: "t", Payload: payload})
			if n%50 > 0 {
				continue
			}
			all := append(durable(drain(t, f, 64)), h.pageOf(t, room)...)
			for _, e := range all {
				for form := range chat.Form(2) {
					if _, err := e.Encoded(form, func() ([]byte, error) { return bytes.Clone(payload), nil }); err != nil {
						t.Fatalf("Encoded = %v, want nil", err)
					}
				}
			}
		}
	}
	if grown := heap() - before; grown > limit+4<<20 {
		t.Errorf("the heap has grown by %d KiB, want %d for events and little else", grown>>10, limit>>10)
	}
	if n := h.Stats().MemoryBytes; n > limit || n < limit/2 {
		t.Errorf("MemoryBytes = %d, want most of %d", n, limit)
	}
}

func heap() int {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// Feeds that fall out of a window which the memory has cut short miss nothing.
func TestFeedsWithLittleMemory(t *testing.T) {
	h := newTestHub(t, hub.Config{MemoryBytes: 8 << 10}, memory.Config{})
	f := h.feed(t, alice, hub.Start{Room: "room"}, hub.Start{Room: "other"})
	drain(t, f, 16)
	for range 5 {
		h.sendMany(t, "room", 40)
		target := h.send(t, "other", "secret").Sequence
		h.post(t, gopher, "other", chat.Deletion{Target: target})
		h.sendMany(t, "other", 40)
	}
	want := append(h.sequences(t, "room"), h.sequences(t, "other")...)
	got := make(map[uint64]bool)
	for _, sequence := range sequencesOf(drain(t, f, 16)) {
		got[sequence] = true
	}
	for _, sequence := range want {
		if !got[sequence] {
			t.Errorf("event %d did not come", sequence)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events came, want %d", len(got), len(want))
	}
}
