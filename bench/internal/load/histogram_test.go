package load

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogramQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var halves [2]Histogram
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(random.ExpFloat64() * float64(time.Millisecond))
		halves[i%2].Add(d)
		all = append(all, d)
	}
	h := &halves[0]
	h.Merge(&halves[1])
	slices.Sort(all)
	for _, q := range []float64{0.001, 0.5, 0.9, 0.99, 0.999, 1} {
		exact := all[int(q*float64(len(all)))-1]
		got := h.Quantile(q)
		if got < exact || float64(got) > float64(exact)*1.016+1 {
			t.Errorf("Quantile(%v) = %v, want %v or at most 1.6 %% more", q, got, exact)
		}
	}
	if h.Count() != 10_000 {
		t.Errorf("Count() = %d, want 10000", h.Count())
	}
}

func TestHistogramExtremes(t *testing.T) {
	var h Histogram
	if got := h.Quantile(0.5); got != 0 {
		t.Errorf("Quantile(0.5) of nothing = %v, want 0", got)
	}
	h.Add(-time.Second)
	if got := h.Quantile(1); got != 0 {
		t.Errorf("Quantile(1) of a negative duration = %v, want 0", got)
	}
	h.Add(1<<63 - 1)
	if got := h.Quantile(1); got != 1<<63-1 {
		t.Errorf("Quantile(1) = %d, want the longest duration there is", got)
	}
}

// TestBucketBounds checks that each bucket ends where the next one begins.
func TestBucketBounds(t *testing.T) {
	var h Histogram
	for i := range len(h.counts) - 1 {
		end := highest(i)
		if bucket(end) != i || bucket(end+1) != i+1 {
			t.Fatalf("%d is in bucket %d and %d in %d, want %d and %d", end, bucket(end), end+1, bucket(end+1), i, i+1)
		}
	}
}
