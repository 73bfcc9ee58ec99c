package hub_test

import (
	"fmt"
	"runtime"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

// BenchmarkNamedGuests has 5,000 guests with names of their own join a room, and measures what
// one costs: the time, and the memory with its feed.
func BenchmarkNamedGuests(b *testing.B) {
	const members = 5_000
	grown := 0
	for b.Loop() {
		b.StopTimer()
		store := memory.Open(memory.Config{})
		s := hub.New(hub.Config{Journal: store, State: store, Rooms: []string{"room"}})
		before := heap()
		feeds := make([]*testFeed, members)
		b.StartTimer()
		for i := range feeds {
			feeds[i] = newTestFeed(s, chat.Member{ID: fmt.Sprintf("%026d", i), Name: fmt.Sprint("Guest ", i*7919), Guest: true})
			join(b, feeds[i], hub.Start{Room: "room"})
		}
		b.StopTimer()
		grown += heap() - before
		for _, f := range feeds {
			f.Close()
		}
		runtime.KeepAlive(feeds)
		s.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*members), "µs/join")
	b.ReportMetric(float64(grown)/float64(b.N*members), "B/member")
}
