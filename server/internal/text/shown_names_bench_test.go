package text

import (
	"fmt"
	"runtime"
	"testing"
)

// BenchmarkShownNames shows 10,000 members with names of their own, one after the other, and
// measures what each takes.
func BenchmarkShownNames(b *testing.B) {
	const members = 10_000
	names := make([]string, members)
	for i := range names {
		names[i] = fmt.Sprint("Guest ", i*7919)
	}
	reserved := NewReserved(DefaultReserved())
	heap := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		return stats.HeapAlloc
	}
	var grown uint64
	for b.Loop() {
		b.StopTimer()
		before := heap()
		b.StartTimer()
		p := NewShownNames(reserved)
		for _, name := range names {
			p.Check(name)
			p.Add(p.Disambiguate(name, 40))
		}
		b.StopTimer()
		grown += heap() - before
		runtime.KeepAlive(p)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*members), "µs/member")
	b.ReportMetric(float64(grown)/float64(b.N*members), "B/member")
}
