package presence_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"chatroom/server/internal/presence"
)

// shown has the size of what a chat shows of a member.
type shown struct {
	id, name string
	_        bool // whether it is a guest
}

func manyMembers(n int) []shown {
	members := make([]shown, n)
	for i := range members {
		// Scattered, as random ids are.
		members[i].id = fmt.Sprintf("%016x", uint64(i+1)*0x9E3779B97F4A7C15)
		members[i].name = "gopher"
	}
	return members
}

var benchMembers = []int{100, 1000, 10_000, 100_000}

// BenchmarkJoin has members join a room within 10 s, with a Tick after each, and
// reports what each costs and how many changes are announced.
func BenchmarkJoin(b *testing.B) {
	for _, n := range benchMembers {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			members := manyMembers(n)
			announced := 0
			b.ReportAllocs()
			for b.Loop() {
				r := presence.New[shown](presence.Config{})
				announced = enterAll(r, members, 10*time.Second)
			}
			perMember(b, n, "join")
			b.ReportMetric(float64(announced), "announced")
		})
	}
}

func enterAll(r *presence.Roster[shown], members []shown, within time.Duration) (announced int) {
	now := noon
	for _, m := range members {
		now = now.Add(within / time.Duration(len(members)))
		r.Enter(now, m.id, m)
		announced += len(r.Tick(now))
	}
	if due, ok := r.Due(); ok {
		announced += len(r.Tick(due))
	}
	return announced
}

func perMember(b *testing.B, n int, what string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/"+what)
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLeave loses all connections at one instant, and lets the grace pass.
func BenchmarkLeave(b *testing.B) {
	for _, n := range benchMembers {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			members := manyMembers(n)
			announced := 0
			for b.Loop() {
				b.StopTimer()
				r := presence.New[shown](presence.Config{})
				enterAll(r, members, 10*time.Second)
				now := noon.Add(time.Minute)
				b.StartTimer()
				for _, m := range members {
					r.Leave(now, m.id, false)
					r.Tick(now)
				}
				announced = len(r.Tick(now.Add(presence.DefaultGrace)))
				if !r.Empty() {
					b.Fatalf("Count() = %d after all left", r.Count())
				}
			}
			perMember(b, n, "leave")
			b.ReportMetric(float64(announced), "announced")
		})
	}
}

// BenchmarkReload loses one connection of a large room and gets it back.
func BenchmarkReload(b *testing.B) {
	for _, n := range benchMembers {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			members := manyMembers(n)
			r := presence.New[shown](presence.Config{})
			enterAll(r, members, 10*time.Second)
			now := noon.Add(time.Minute)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m := members[i%n]
				r.Leave(now, m.id, false)
				r.Enter(now, m.id, m)
				if announced := r.Tick(now); len(announced) > 0 {
					b.Fatalf("Tick() = %v, want nothing", announced)
				}
			}
		})
	}
}

// BenchmarkMembers reads a page of 100 from the middle of the room.
func BenchmarkMembers(b *testing.B) {
	for _, n := range benchMembers[1:] {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			r := presence.New[shown](presence.Config{})
			enterAll(r, manyMembers(n), 10*time.Second)
			page := make([]shown, 0, 100)
			b.ReportAllocs()
			for b.Loop() {
				page = page[:0]
				for _, m := range r.Members("7") {
					if page = append(page, m); len(page) == cap(page) {
						break
					}
				}
			}
			if len(page) < cap(page) {
				b.Fatalf("a page has %d members, want %d", len(page), cap(page))
			}
		})
	}
}

// BenchmarkMemory reports what a member costs besides its id and name: connected
// here, and in grace.
func BenchmarkMemory(b *testing.B) {
	const n = 10_000
	members := manyMembers(n)
	var connected, lost uint64
	for b.Loop() {
		before := heap()
		r := presence.New[shown](presence.Config{})
		enterAll(r, members, 10*time.Second)
		connected += heap() - before
		for _, m := range members {
			r.Leave(noon.Add(time.Minute), m.id, false)
		}
		lost += heap() - before
		runtime.KeepAlive(r)
	}
	b.ReportMetric(float64(connected)/float64(b.N*n), "B/member")
	b.ReportMetric(float64(lost)/float64(b.N*n), "B/lost")
	b.ReportMetric(0, "ns/op") // mostly the garbage collector's
	runtime.KeepAlive(members)
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
