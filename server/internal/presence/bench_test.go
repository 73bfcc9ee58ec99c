package presence_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"chatroom/server/internal/presence"
)

// shown is as big as what a chat shows of a member.
type shown struct {
	id, name string
	_        bool // whether it is a guest
}

func crowd(n int) []shown {
	members := make([]shown, n)
	for i := range members {
		// Scattered, as random ids are.
		members[i].id = fmt.Sprintf("%016x", uint64(i+1)*0x9E3779B97F4A7C15)
		members[i].name = "gopher"
	}
	return members
}

var benchMembers = []int{100, 1000, 10_000, 100_000}

// BenchmarkJoin lets members join a room within 10 s, with a Tick after each, and
// reports what each costs and how much the whole room is told.
func BenchmarkJoin(b *testing.B) {
	for _, n := range benchMembers {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			members := crowd(n)
			told := 0
			b.ReportAllocs()
			for b.Loop() {
				r := presence.New[shown](presence.Config{})
				told = enterAll(r, members, 10*time.Second)
			}
			perMember(b, n, "join")
			b.ReportMetric(float64(told), "told")
		})
	}
}

func enterAll(r *presence.Roster[shown], members []shown, within time.Duration) (told int) {
	now := noon
	for _, m := range members {
		now = now.Add(within / time.Duration(len(members)))
		r.Enter(now, m.id, m)
		told += len(r.Tick(now))
	}
	if due, ok := r.Due(); ok {
		told += len(r.Tick(due))
	}
	return told
}

func perMember(b *testing.B, n int, what string) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/"+what)
	b.ReportMetric(0, "ns/op")
}

// BenchmarkLeave loses all connections at one instant, and lets the grace pass.
func BenchmarkLeave(b *testing.B) {
	for _, n := range benchMembers {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			members := crowd(n)
			told := 0
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
				told = len(r.Tick(now.Add(presence.DefaultGrace)))
				if !r.Empty() {
					b.Fatalf("Count() = %d after all left", r.Count())
				}
			}
			perMember(b, n, "leave")
			b.ReportMetric(float64(told), "told")
		})
	}
}

// BenchmarkDrop loses another node with all members.
func BenchmarkDrop(b *testing.B) {
	for _, n := range benchMembers {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			report := presence.Report[shown]{Version: 1, Whole: true}
			for _, m := range crowd(n) {
				report.Here = append(report.Here, presence.Sighting[shown]{ID: m.id, Member: m, Since: noon})
			}
			for b.Loop() {
				b.StopTimer()
				r := presence.New[shown](presence.Config{})
				r.Merge(noon, "east", report)
				r.Tick(noon)
				b.StartTimer()
				r.Drop(noon.Add(time.Minute), "east")
				r.Tick(noon.Add(time.Minute + presence.DefaultGrace))
			}
			perMember(b, n, "leave")
		})
	}
}

// BenchmarkReload loses one connection of a crowd and gets it back.
func BenchmarkReload(b *testing.B) {
	for _, n := range benchMembers {
		b.Run(fmt.Sprintf("members=%d", n), func(b *testing.B) {
			members := crowd(n)
			r := presence.New[shown](presence.Config{})
			enterAll(r, members, 10*time.Second)
			now := noon.Add(time.Minute)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				m := members[i%n]
				r.Leave(now, m.id, false)
				r.Enter(now, m.id, m)
				if told := r.Tick(now); len(told) > 0 {
					b.Fatalf("Tick() = %v, want nothing", told)
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
			enterAll(r, crowd(n), 10*time.Second)
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
	members := crowd(n)
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
