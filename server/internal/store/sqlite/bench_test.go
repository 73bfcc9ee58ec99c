//go:build unix

package sqlite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// benchEvents is how many events a store has before what is measured begins:
// CHATROOM_BENCH_EVENTS, or 20,000.
func benchEvents(b *testing.B) int {
	text := os.Getenv("CHATROOM_BENCH_EVENTS")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		b.Fatalf("CHATROOM_BENCH_EVENTS: %v", err)
	}
	return n
}

var benchPayload = make([]byte, 128)

// fillStore appends n events to rooms, without waiting for each.
func fillStore(b testing.TB, s *Store, n, rooms int) {
	var answered sync.WaitGroup
	var failed atomic.Pointer[error]
	for i := range n {
		answered.Add(1)
		e := chat.Entry{
			Room: "room-" + strconv.Itoa(i%rooms), Key: "fill-" + strconv.Itoa(i), Payload: benchPayload,
			Counted: true, Author: "author-" + strconv.Itoa(i%7),
		}
		s.Submit(b.Context(), e, func(a chat.Appended) {
			if a.Err != nil {
				failed.Store(&a.Err)
			}
			answered.Done()
		})
	}
	answered.Wait()
	if err := failed.Load(); err != nil {
		b.Fatal(*err)
	}
}

// latencies are what calls of several goroutines took.
type latencies struct {
	mu   sync.Mutex // guards below
	took []time.Duration
}

func (l *latencies) add(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.took = append(l.took, d)
}

func (l *latencies) report(b *testing.B) {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.took)
	for _, percent := range []int{50, 99} {
		at := l.took[(len(l.took)-1)*percent/100]
		b.ReportMetric(float64(at.Nanoseconds())/1000, fmt.Sprintf("p%d-µs", percent))
	}
}

// processTime returns what the process has used of the processors.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Acknowledged appends of concurrent senders, each of which waits for its answer.
func BenchmarkAppend(b *testing.B) {
	events := benchEvents(b)
	for _, bm := range []struct{ senders, rooms, events int }{
		{1, 100, 0}, {64, 100, 0}, {64, 10_000, 0}, {64, 100, events}, {64, 1000, events}, {64, 10_000, events},
	} {
		b.Run(fmt.Sprintf("senders=%d/rooms=%d/events=%d", bm.senders, bm.rooms, bm.events), func(b *testing.B) {
			s := start(b, Config{})
			defer s.Close()
			fillStore(b, s, bm.events, bm.rooms)
			benchmarkAppend(b, s, bm.rooms, bm.senders)
		})
	}
}

// Appends to rooms that are full: each evicts an event.
func BenchmarkAppendFull(b *testing.B) {
	for _, rooms := range []int{100, 1000} {
		b.Run(fmt.Sprintf("senders=64/rooms=%d", rooms), func(b *testing.B) {
			events := benchEvents(b)
			s := start(b, Config{RoomEvents: events / rooms})
			defer s.Close()
			fillStore(b, s, events, rooms)
			benchmarkAppend(b, s, rooms, 64)
		})
	}
}

func benchmarkAppend(b *testing.B, s *Store, rooms, senders int) {
	var took latencies
	var next atomic.Int64
	var wg sync.WaitGroup
	tickets := make(chan struct{}, senders)
	for range senders {
		wg.Go(func() {
			for range tickets {
				n := int(next.Add(1))
				start := time.Now()
				e := chat.Entry{
					Room: "room-" + strconv.Itoa(rand.IntN(rooms)), Key: strconv.Itoa(n), Payload: benchPayload,
					Counted: true, Author: "author-" + strconv.Itoa(n%7),
				}
				if _, _, err := chat.Append(b.Context(), s, e); err != nil {
					b.Error(err)
				}
				took.add(time.Since(start))
			}
		})
	}
	used := processTime()
	for b.Loop() {
		tickets <- struct{}{}
	}
	close(tickets)
	wg.Wait()
	b.ReportMetric(float64(processTime()-used)/float64(b.N)/1000, "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	took.report(b)
}

// Pages of 50 events, the newest and at random places, and 500 events forward.
func BenchmarkReadBack(b *testing.B) {
	const rooms = 1000
	events := benchEvents(b)
	s := start(b, Config{})
	defer s.Close()
	fillStore(b, s, events, rooms)
	for _, bm := range []struct {
		name string
		read func(room string) ([]chat.Stored, error)
	}{
		{"newest", func(room string) ([]chat.Stored, error) { return s.ReadBack(b.Context(), room, maxSequence, 50) }},
		{"random", func(room string) ([]chat.Stored, error) {
			return s.ReadBack(b.Context(), room, uint64(rand.IntN(events)), 50)
		}},
		{"forward500", func(room string) ([]chat.Stored, error) { return s.Read(b.Context(), room, 0, 500) }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			var took latencies
			for b.Loop() {
				start := time.Now()
				if _, err := bm.read("room-" + strconv.Itoa(rand.IntN(rooms))); err != nil {
					b.Fatal(err)
				}
				took.add(time.Since(start))
			}
			took.report(b)
		})
	}
	b.Run("memory", func(b *testing.B) {
		for b.Loop() {
			debug.FreeOSMemory()
		}
		b.ReportMetric(float64(residentBytes(b))/(1<<20), "RSS-MiB")
	})
}

// residentBytes returns the resident set size of the process.
func residentBytes(b *testing.B) int {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		b.Skip("the resident set size is not known on ", runtime.GOOS)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		b.Fatal(err)
	}
	return pages * os.Getpagesize()
}

// A hundred rooms' unread events, as a list of rooms asks for them.
func BenchmarkCount(b *testing.B) {
	const rooms = 1000
	events := benchEvents(b)
	s := start(b, Config{})
	defer s.Close()
	fillStore(b, s, events, rooms)
	for _, limit := range []int{100, 1000} {
		b.Run(fmt.Sprintf("rooms=100/limit=%d", limit), func(b *testing.B) {
			used := processTime()
			for b.Loop() {
				for i := range 100 {
					if _, err := s.Count(b.Context(), "room-"+strconv.Itoa(i*7), uint64(rand.IntN(events)), "author-1", limit); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(processTime()-used)/float64(b.N)/1000, "cpu-µs/op")
		})
	}
}

// Opening a store all of whose events are within the dedup window, as a crash
// leaves it.
func BenchmarkOpen(b *testing.B) {
	s := start(b, Config{})
	fillStore(b, s, benchEvents(b), 1000)
	dir := b.TempDir()
	copyFiles(b, s.config.Dir, dir) // while it is in use: as SIGKILL leaves it
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		copied := b.TempDir()
		copyFiles(b, dir, copied)
		used := processTime()
		b.StartTimer()
		s := start(b, Config{Dir: copied})
		b.StopTimer()
		b.ReportMetric(float64(processTime()-used)/1e6, "cpu-ms")
		debug.FreeOSMemory()
		b.ReportMetric(float64(residentBytes(b))/(1<<20), "RSS-MiB")
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// Deletions that are answered once they are in no file, 8 in flight, while 64
// senders append.
func BenchmarkErase(b *testing.B) {
	for _, senders := range []int{0, 64} {
		b.Run(fmt.Sprintf("inflight=8/senders=%d", senders), func(b *testing.B) {
			s := start(b, Config{})
			defer s.Close()
			fillStore(b, s, max(benchEvents(b), 2*b.N), 100)
			benchmarkErase(b, s, senders)
		})
	}
}

func benchmarkErase(b *testing.B, s *Store, senders int) {
	var appends, erasures latencies
	stop := make(chan struct{})
	var wg, erasing sync.WaitGroup
	for i := range senders {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				start := time.Now()
				e := chat.Entry{Room: "room-" + strconv.Itoa(n%100), Key: fmt.Sprintf("load-%d-%d", i, n), Payload: benchPayload}
				if _, _, err := chat.Append(b.Context(), s, e); err != nil {
					b.Error(err)
					return
				}
				appends.add(time.Since(start))
			}
		})
	}
	targets := make(chan int, 8)
	for range 8 {
		erasing.Go(func() {
			for n := range targets {
				start := time.Now()
				e := chat.Entry{
					Room: "room-" + strconv.Itoa(n%100), Key: "erase-" + strconv.Itoa(n),
					Relation: chat.Erases, Target: uint64(n + 1),
				}
				if _, _, err := chat.Append(b.Context(), s, e); err != nil {
					b.Error(err)
				}
				if _, err := s.Scrub(b.Context()); err != nil {
					b.Error(err)
				}
				erasures.add(time.Since(start))
			}
		})
	}
	for n := 0; b.Loop(); n++ {
		targets <- n
	}
	close(targets)
	erasing.Wait()
	close(stop)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "erasures/s")
	erasures.report(b)
	if senders > 0 {
		slices.Sort(appends.took)
		b.ReportMetric(float64(len(appends.took))/b.Elapsed().Seconds(), "appends/s")
		b.ReportMetric(float64(appends.took[len(appends.took)*99/100].Nanoseconds())/1000, "append-p99-µs")
	}
}
