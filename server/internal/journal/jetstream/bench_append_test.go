package jetstream

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var payload = make([]byte, 128)

// Acknowledged appends of concurrent senders, each of which waits for its answer.
func BenchmarkAppend(b *testing.B) {
	for _, fsync := range []bool{true, false} {
		for _, rooms := range []int{1, 1000} {
			for _, senders := range []int{1, 8, 64, 256} {
				b.Run(fmt.Sprintf("fsync=%t/rooms=%d/senders=%d", fsync, rooms, senders), func(b *testing.B) {
					benchmarkAppend(b, Config{Dir: b.TempDir(), NoFsync: !fsync}, rooms, senders)
				})
			}
		}
	}
}

func benchmarkAppend(b *testing.B, c Config, rooms, senders int) {
	j, err := Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	defer j.Close()
	var took latencies
	var next atomic.Int64
	tickets := make(chan struct{})
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for range tickets {
				n := next.Add(1)
				start := time.Now()
				if _, _, err := j.Append(b.Context(), "room-"+strconv.Itoa(int(n)%rooms), strconv.FormatInt(n, 10), payload); err != nil {
					b.Error(err)
				}
				took.add(time.Since(start))
			}
		})
	}
	for b.Loop() {
		tickets <- struct{}{}
	}
	close(tickets)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	took.report(b)
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
