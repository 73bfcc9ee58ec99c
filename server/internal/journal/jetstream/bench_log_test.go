package jetstream

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

const benchRooms = 1000

// benchEvents is how many events the log of a benchmark has. CHATROOM_BENCH_EVENTS
// replaces it: figures are for 1000000, which take half a minute to make.
func benchEvents(b *testing.B) int {
	text := os.Getenv("CHATROOM_BENCH_EVENTS")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < benchRooms {
		b.Fatalf("CHATROOM_BENCH_EVENTS=%q, want a number from %d", text, benchRooms)
	}
	return n
}

func ignore([]chat.Stored) {}

// What a log costs that has many events, spread over 1,000 rooms: to be opened,
// and to be read backward in pages of 50.
func BenchmarkLog(b *testing.B) {
	c := Config{Dir: filepath.Join(b.TempDir(), "events")}
	makeLog(b, c, benchEvents(b))
	index := filepath.Join(blocksOf(c.Dir), "index.db")

	// The server reads all that was stored within the window, to know its keys.
	c.Window = time.Second
	b.Run("Open", func(b *testing.B) { benchmarkOpen(b, c, func() {}) })
	b.Run("Open/without-index", func(b *testing.B) {
		benchmarkOpen(b, c, func() {
			if err := os.Remove(index); err != nil {
				b.Fatal(err)
			}
		})
	})
	c.Window = 0
	b.Run("Open/all-within-the-window", func(b *testing.B) { benchmarkOpen(b, c, func() {}) })
	for _, listened := range []bool{false, true} {
		name := "ReadBack"
		if listened {
			name = "ReadBack/listened-to"
		}
		b.Run(name, func(b *testing.B) { benchmarkReadBack(b, c, listened) })
	}
}

func makeLog(b *testing.B, c Config, events int) {
	c.NoFsync = true
	j, err := Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	const appenders = 256
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for i := a; i < events; i += appenders {
				if _, _, err := j.Append(b.Context(), benchRoom(i%benchRooms), strconv.Itoa(i), payload); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := j.Close(); err != nil {
		b.Fatal(err)
	}
}

func benchRoom(i int) string { return "room-" + strconv.Itoa(i) }

func benchmarkOpen(b *testing.B, c Config, before func()) {
	var took latencies
	// The window that counts is the one under which the log was open before.
	j, err := Open(b.Context(), c)
	if err == nil {
		err = j.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		before()
		debug.FreeOSMemory()
		b.StartTimer()
		start := time.Now()
		j, err := Open(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := j.Head(b.Context(), benchRoom(0)); err != nil {
			b.Fatal(err)
		}
		took.add(time.Since(start))
		b.StopTimer()
		debug.FreeOSMemory()
		b.ReportMetric(resident(b), "RSS-MB")
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	took.report(b)
}

// resident returns how much memory the process uses, in MB, 0 where that is not
// to be had from /proc.
func resident(b *testing.B) float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	pages, err := strconv.Atoi(string(bytes.Fields(text)[1]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(pages*os.Getpagesize()) / 1e6
}

func benchmarkReadBack(b *testing.B, c Config, listened bool) {
	j, err := Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	places := make([][]uint64, benchRooms)
	for r := range places {
		events, err := j.Read(b.Context(), benchRoom(r), 0, math.MaxInt)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			places[r] = append(places[r], e.Sequence)
		}
		if listened {
			stop, err := j.Tail(b.Context(), benchRoom(r), ignore)
			if err != nil {
				b.Fatal(err)
			}
			defer stop()
		}
	}
	for name, from := range map[string]func(room int) uint64{
		"newest": func(int) uint64 { return math.MaxUint64 },
		"random": func(room int) uint64 { return places[room][rand.IntN(len(places[room]))] },
	} {
		b.Run(name, func(b *testing.B) {
			var took latencies
			for b.Loop() {
				room := rand.IntN(benchRooms)
				before := from(room)
				start := time.Now()
				if page, err := j.ReadBack(b.Context(), benchRoom(room), before, 50); err != nil {
					b.Fatal(len(page), err)
				}
				took.add(time.Since(start))
			}
			took.report(b)
		})
	}
}
