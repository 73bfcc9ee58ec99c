package load

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestSequence(t *testing.T) {
	tests := map[string]struct {
		numbers                     []uint64
		lost, duplicated, reordered uint64
	}{
		"all of them":              {numbers: []uint64{5, 6, 7, 8, 9, 10}},
		"one lost":                 {numbers: []uint64{5, 6, 8, 9, 10}, lost: 1},
		"the first lost":           {numbers: []uint64{6, 7, 8, 9, 10}, lost: 1},
		"the last lost":            {numbers: []uint64{5, 6, 7, 8, 9}, lost: 1},
		"none came":                {lost: 6},
		"several lost":             {numbers: []uint64{5, 9}, lost: 4},
		"one doubled":              {numbers: []uint64{5, 6, 6, 7, 8, 9, 10}, duplicated: 1},
		"one from before":          {numbers: []uint64{4, 5, 6, 7, 8, 9, 10}, duplicated: 1},
		"two swapped":              {numbers: []uint64{5, 7, 6, 8, 9, 10}, reordered: 1},
		"one very late":            {numbers: []uint64{5, 7, 8, 9, 10, 6}, reordered: 1},
		"late, and doubled":        {numbers: []uint64{5, 7, 6, 6, 8, 9, 10}, reordered: 1, duplicated: 1},
		"the middle of a gap late": {numbers: []uint64{5, 10, 7}, lost: 3, reordered: 1},
		"everything backwards":     {numbers: []uint64{10, 9, 8, 7, 6, 5}, reordered: 5},
	}
	for name, test := range tests {
		s := NewSequence(5)
		for _, n := range test.numbers {
			s.Take(n)
		}
		got := Verdict{Lost: s.Lost(10), Duplicated: s.Duplicated, Reordered: s.Reordered}
		if want := (Verdict{Lost: test.lost, Duplicated: test.duplicated, Reordered: test.reordered}); got != want {
			t.Errorf("%s: %v gives %+v, want %+v", name, test.numbers, got, want)
		}
	}
}

// TestSequenceShuffled takes random numbers in random order, and compares with
// what a set says.
func TestSequenceShuffled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		const last = 40
		var numbers []uint64
		for n := uint64(1); n <= last; n++ {
			for range random.IntN(3) {
				numbers = append(numbers, n)
			}
		}
		random.Shuffle(len(numbers), func(i, j int) { numbers[i], numbers[j] = numbers[j], numbers[i] })
		s := NewSequence(1)
		seen := make(map[uint64]bool)
		var want Verdict
		var highest uint64
		for _, n := range numbers {
			if first := s.Take(n); first == seen[n] {
				t.Fatalf("Take(%d) of %v = %t, want %t", n, numbers, first, !first)
			}
			switch {
			case seen[n]:
				want.Duplicated++
			case n < highest:
				want.Reordered++
			}
			seen[n] = true
			highest = max(highest, n)
		}
		want.Lost = last - uint64(len(seen))
		if got := (Verdict{Lost: s.Lost(last), Duplicated: s.Duplicated, Reordered: s.Reordered}); got != want {
			t.Fatalf("%v gives %+v, want %+v", numbers, got, want)
		}
		if !slices.IsSortedFunc(s.missing, func(a, b span) int { return int(a.to) - int(b.from) }) {
			t.Fatalf("the spans %v are not in order", s.missing)
		}
	}
}
