package jetstream

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// What it takes to erase an event: the block that it is in, of a size, is written
// anew.
func BenchmarkErase(b *testing.B) {
	for _, fsync := range []bool{true, false} {
		for _, size := range []int{128, 64 << 10} {
			b.Run(fmt.Sprintf("fsync=%t/payload=%d", fsync, size), func(b *testing.B) {
				c := Config{Dir: filepath.Join(b.TempDir(), "events"), NoFsync: !fsync}
				j, err := Open(b.Context(), c)
				if err != nil {
					b.Fatal(err)
				}
				defer j.Close()
				var took latencies
				payload := make([]byte, size)
				add := func(n int) (all []uint64) {
					for range n {
						at, _, err := j.Append(b.Context(), "room", fmt.Sprint(time.Now().UnixNano()), payload)
						if err != nil {
							b.Fatal(err)
						}
						all = append(all, at.Sequence)
					}
					return all
				}
				all := add(max(130, 2000/size)) // a whole block of the large ones
				for b.Loop() {
					b.StopTimer()
					all = append(all, add(1)...)
					sequence := all[0]
					all = all[1:]
					b.StartTimer()
					start := time.Now()
					if err := j.Erase(b.Context(), "room", sequence); err != nil {
						b.Fatal(err)
					}
					took.add(time.Since(start))
				}
				took.report(b)
			})
		}
	}
}

// A page of 50 with as many erased events in its middle, by the order in which they
// were erased.
func BenchmarkReadOverErased(b *testing.B) {
	for _, order := range []string{"none", "oldest first", "newest first", "every other"} {
		c := Config{Dir: filepath.Join(b.TempDir(), "events"), NoFsync: true}
		j, err := Open(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		for i := range 101 {
			if _, _, err := j.Append(b.Context(), "room", strconv.Itoa(i), payload); err != nil {
				b.Fatal(err)
			}
		}
		for i := range 50 {
			sequence := map[string]int{"oldest first": 26 + i, "newest first": 75 - i, "every other": 2 * (i + 1)}[order]
			if err := j.Erase(b.Context(), "room", uint64(sequence)); err != nil {
				b.Fatal(err)
			}
		}
		b.Run("Read/"+order, func(b *testing.B) {
			var took latencies
			for b.Loop() {
				start := time.Now()
				if page, err := j.Read(b.Context(), "room", 0, 50); err != nil || len(page) != 50 {
					b.Fatal(len(page), err)
				}
				took.add(time.Since(start))
			}
			took.report(b)
		})
		b.Run("ReadBack/"+order, func(b *testing.B) {
			var took latencies
			for b.Loop() {
				start := time.Now()
				if page, err := j.ReadBack(b.Context(), "room", math.MaxUint64, 50); err != nil || len(page) != 50 {
					b.Fatal(len(page), err)
				}
				took.add(time.Since(start))
			}
			took.report(b)
		})
		if err := j.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
