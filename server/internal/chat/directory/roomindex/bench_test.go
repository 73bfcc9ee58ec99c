package roomindex_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory/roomindex"
)

const many = 100_000

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func name(i int) string { return fmt.Sprintf("room-%06d", i%many) }

func filled() *roomindex.Index {
	x := roomindex.New("lobby")
	for i := range many {
		x.SetHeads(chat.RoomHead{Room: name(i * 7919), Last: uint64(i + 1), Time: start.Add(time.Duration(i) * time.Millisecond), Counted: 1})
	}
	return x
}

// BenchmarkMemory measures what a room without a profile costs.
func BenchmarkMemory(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		x := filled()
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(x.Len()), "B/room")
	}
}

func BenchmarkPage(b *testing.B) {
	x := filled()
	at, _ := x.Find(name(many / 2))
	position := positionOf(at)
	for _, limit := range []int{2, 100} {
		b.Run(fmt.Sprintf("by=name/limit=%d", limit), func(b *testing.B) {
			for b.Loop() {
				x.ByName(at.Name, limit)
			}
		})
		b.Run(fmt.Sprintf("by=activity/limit=%d", limit), func(b *testing.B) {
			for b.Loop() {
				x.ByActivity(position, limit)
			}
		})
	}
}

func BenchmarkSetHeads(b *testing.B) {
	for _, active := range []int{1, 100, 10_000, many} {
		b.Run(fmt.Sprintf("active=%d", active), func(b *testing.B) {
			x := filled()
			names := make([]string, active)
			for i := range names {
				names[i] = name(i * 31)
			}
			for i := 0; b.Loop(); i++ {
				x.SetHeads(chat.RoomHead{Room: names[i%active], Last: uint64(many + i + 1), Time: start.Add(time.Duration(many+i/40) * time.Millisecond)})
			}
		})
	}
}

func BenchmarkChanges(b *testing.B) {
	x := filled()
	for b.Loop() {
		x.Changes(x.Version()-100, 100)
	}
}

func positionOf(r chat.RoomInfo) *roomindex.Position {
	return &roomindex.Position{LastActivity: r.LastActivity, Name: r.Name}
}
