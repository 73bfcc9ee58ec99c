package jetstream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

var payload = make([]byte, 128)

// Appends of concurrent senders to one room and to many, under fsync and without.
func BenchmarkAppend(b *testing.B) {
	for _, fsync := range []bool{true, false} {
		for _, senders := range []int{1, 8, 64, 256} {
			b.Run(fmt.Sprintf("fsync=%t/senders=%d", fsync, senders), func(b *testing.B) {
				j, err := Open(b.Context(), Config{Dir: b.TempDir(), NoFsync: !fsync})
				if err != nil {
					b.Fatal(err)
				}
				defer j.Close()
				var next atomic.Int64
				b.SetParallelism(max(1, senders/2))
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						n := next.Add(1)
						if _, _, err := j.Append(b.Context(), "room-"+strconv.Itoa(int(n%16)), strconv.FormatInt(n, 10), payload); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

func BenchmarkReadBack(b *testing.B) {
	j, err := Open(b.Context(), Config{Dir: b.TempDir(), NoFsync: true})
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	const rooms, events = 1000, 200_000
	done := make(chan error, 64)
	for w := range 64 {
		go func() {
			for i := w; i < events; i += 64 {
				if _, _, err := j.Append(b.Context(), "room-"+strconv.Itoa(i%rooms), strconv.Itoa(i), payload); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 64 {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	places := make(map[int][]uint64)
	for r := range rooms {
		events, err := j.Read(b.Context(), "room-"+strconv.Itoa(r), 0, 10_000)
		if err != nil {
			b.Fatal(err)
		}
		for _, e := range events {
			places[r] = append(places[r], e.Sequence)
		}
	}
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		r := rand.IntN(rooms)
		if page, err := j.ReadBack(b.Context(), "room-"+strconv.Itoa(r), places[r][rand.IntN(len(places[r]))], 50); err != nil {
			b.Fatal(len(page), err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}
