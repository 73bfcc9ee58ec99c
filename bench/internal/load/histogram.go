package load

import (
	"math/bits"
	"time"
)

// Each power of two of nanoseconds is split into 1<<precision parts, so a
// quantile is at most 1.6 % too high.
const precision = 6

// Histogram counts durations. The zero value is empty.
type Histogram struct {
	counts [(64 - precision) << precision]uint64
	total  uint64
}

// Add counts d; a negative one counts as zero.
func (h *Histogram) Add(d time.Duration) {
	h.counts[bucket(uint64(max(d, 0)))]++
	h.total++
}

// Merge counts what other has counted.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
}

// Count returns how many durations were added.
func (h *Histogram) Count() uint64 { return h.total }

// Quantile returns a duration that the share q of all durations does not exceed,
// 0 if there are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank := uint64(q * float64(h.total))
	if float64(rank) < q*float64(h.total) {
		rank++
	}
	var seen uint64
	for i, n := range h.counts {
		if seen += n; seen >= rank && seen > 0 {
			return time.Duration(highest(i))
		}
	}
	return 0
}

// bucket returns the index of the part that v falls into.
func bucket(v uint64) int {
	if v < 1<<precision {
		return int(v)
	}
	shift := bits.Len64(v) - 1 - precision
	return shift<<precision + int(v>>shift)
}

// highest returns the highest value in the i-th part.
func highest(i int) uint64 {
	if i < 1<<(precision+1) {
		return uint64(i)
	}
	shift := i>>precision - 1
	return uint64(i-shift<<precision+1)<<shift - 1
}
