package jetstream

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"chatroom/server/internal/chat"
)

var text = bytes.Repeat([]byte("x"), 250)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// BenchmarkAppend has senders append to rooms, each waiting for its answer.
func BenchmarkAppend(b *testing.B) {
	for _, cluster := range []bool{false, true} {
		for _, tt := range []struct{ senders, rooms int }{{1, 100}, {64, 100}, {64, 10_000}} {
			b.Run(fmt.Sprintf("cluster=%t/senders=%d/rooms=%d", cluster, tt.senders, tt.rooms), func(b *testing.B) {
				benchmarkAppend(b, cluster, tt.senders, tt.rooms)
			})
		}
	}
}

func benchmarkAppend(b *testing.B, cluster bool, senders, rooms int) {
	c := Config{Log: quiet()}
	if cluster {
		servers := startCluster(b)
		c.URL, c.Replicas = servers.fresh(b), members
	} else {
		c.URL = startNATS(b).fresh(b)
	}
	s := open(b, c)
	var n atomic.Int64
	var running sync.WaitGroup
	b.ResetTimer()
	for range senders {
		running.Go(func() {
			for i := n.Add(1); i <= int64(b.N); i = n.Add(1) {
				e := chat.Entry{Room: fmt.Sprint("room-", i%int64(rooms)), Key: fmt.Sprint(i), Payload: text, Counted: true}
				if _, _, err := chat.Append(b.Context(), s, e); err != nil {
					b.Errorf("Append = %v, want nil", err)
				}
			}
		})
	}
	running.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// BenchmarkRead reads pages of rooms whose events are mixed with those of others.
func BenchmarkRead(b *testing.B) {
	const rooms, each = 200, 500
	url := startNATS(b).fresh(b)
	s := open(b, Config{URL: url, Log: quiet()})
	var answered sync.WaitGroup
	for i := range rooms * each {
		answered.Add(1)
		e := chat.Entry{Room: fmt.Sprint("room-", i%rooms), Key: fmt.Sprint(i), Payload: text, Counted: true}
		s.Submit(b.Context(), e, func(chat.Appended) { answered.Done() })
	}
	answered.Wait()
	room := func() string { return fmt.Sprint("room-", rand.IntN(rooms)) }
	for name, read := range map[string]func(s *Store) error{
		"newest 50": func(s *Store) error {
			_, err := s.ReadBack(b.Context(), room(), ^uint64(0), 50)
			return err
		},
		"random 50": func(s *Store) error {
			_, err := s.ReadBack(b.Context(), room(), uint64(rand.IntN(rooms*each)), 50)
			return err
		},
		"forward 500": func(s *Store) error {
			_, err := s.Read(b.Context(), room(), 0, 500)
			return err
		},
		"count": func(s *Store) error {
			_, err := s.Count(b.Context(), room(), uint64(rand.IntN(rooms*each)), "ann", 100)
			return err
		},
		"head": func(s *Store) error {
			_, err := s.Head(b.Context(), room())
			return err
		},
		"rooms 100": func(s *Store) error {
			_, err := s.Rooms(b.Context(), room(), 100)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := read(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	// Each time the index is empty.
	b.Run("first newest 50", func(b *testing.B) {
		for b.Loop() {
			s.mu.Lock()
			for _, r := range s.rooms {
				r.forget(s.at + 1)
			}
			s.mu.Unlock()
			if _, err := s.ReadBack(b.Context(), room(), ^uint64(0), 50); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkDelete deletes eight events at a time, among 20,000, and erases them.
func BenchmarkDelete(b *testing.B) {
	const events, atOnce = 20_000, 8
	for _, cluster := range []bool{false, true} {
		b.Run(fmt.Sprintf("cluster=%t", cluster), func(b *testing.B) {
			c := Config{Log: quiet()}
			if cluster {
				servers := startCluster(b)
				c.URL, c.Replicas = servers.fresh(b), members
			} else {
				c.URL = startNATS(b).fresh(b)
			}
			s := open(b, c)
			all := appendAll(b, s, "room", events)
			rand.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
			var running sync.WaitGroup
			deleted := 0
			for b.Loop() {
				for range atOnce {
					target := all[deleted%events]
					deleted++
					running.Go(func() {
						e := chat.Entry{Room: "room", Key: fmt.Sprint("delete ", target), Relation: chat.Erases, Target: target}
						if _, _, err := chat.Append(b.Context(), s, e); err != nil {
							b.Errorf("Append = %v, want nil", err)
						}
					})
				}
				running.Wait()
				if _, err := s.Scrub(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(deleted)/b.Elapsed().Seconds(), "deletions/s")
		})
	}
}
