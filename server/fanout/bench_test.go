package fanout_test

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"chatroom/server/fanout"
)

var benchSubscribers = []int{1, 10, 100, 1000, 10_000}

// BenchmarkDeliver publishes one value and waits until all subscribers have taken
// it: each delivery includes a wake-up. The topic passes pointers, so the size of the
// value should not matter.
func BenchmarkDeliver(b *testing.B) {
	for _, subscribers := range benchSubscribers {
		for _, size := range []struct {
			name  string
			bytes int
		}{{"16B", 16}, {"128B", 128}, {"4KiB", 4 << 10}} {
			b.Run(fmt.Sprintf("subscribers=%d/size=%s", subscribers, size.name), func(b *testing.B) {
				deliver(b, subscribers, 1, make([]byte, size.bytes))
			})
		}
		b.Run(fmt.Sprintf("subscribers=%d/size=pointer", subscribers), func(b *testing.B) {
			deliver(b, subscribers, 1, new([128]byte))
		})
	}
}

// BenchmarkDeliverBurst publishes 16 values one by one before it waits, as under
// load: a subscriber takes several values per wake-up.
func BenchmarkDeliverBurst(b *testing.B) {
	for _, subscribers := range benchSubscribers {
		b.Run(fmt.Sprintf("subscribers=%d", subscribers), func(b *testing.B) {
			deliver(b, subscribers, 16, make([]byte, 128))
		})
	}
}

// deliver measures rounds of burst values to subscribers with a goroutine each.
func deliver[T any](b *testing.B, subscribers, burst int, value T) {
	topic := fanout.New(fanout.Config[T]{})
	var missing atomic.Int64 // deliveries of this round
	round := make(chan struct{}, 1)
	var readers sync.WaitGroup
	for range subscribers {
		sub := topic.Subscribe()
		readers.Go(func() {
			defer sub.Close()
			buf := make([]T, 16)
			for range sub.Ready() {
				n, err := sub.Take(buf)
				if err != nil {
					return
				}
				if n > 0 && missing.Add(int64(-n)) == 0 {
					round <- struct{}{}
				}
			}
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		missing.Store(int64(subscribers * burst))
		for range burst {
			if err := topic.Publish(value); err != nil {
				b.Fatalf("Publish() = %v, want nil", err)
			}
		}
		<-round
	}
	deliveries := float64(b.N) * float64(subscribers*burst)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/deliveries, "ns/delivery")
	topic.Close()
	readers.Wait()
}

// BenchmarkPublish measures Publish alone: no subscriber waits to be woken.
func BenchmarkPublish(b *testing.B) {
	for _, stuck := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("stuck=%d", stuck), func(b *testing.B) {
			topic := fanout.New(fanout.Config[[]byte]{})
			for range stuck {
				topic.Subscribe()
			}
			value := make([]byte, 128)
			b.ReportAllocs()
			for b.Loop() {
				if err := topic.Publish(value); err != nil {
					b.Fatalf("Publish() = %v, want nil", err)
				}
			}
		})
	}
}

// BenchmarkIdleMemory reports the memory of a waiting subscriber, including its ready
// channel and its slot in the topic.
func BenchmarkIdleMemory(b *testing.B) {
	const subscribers = 10_000
	subs := make([]*fanout.Subscription[[]byte], subscribers)
	var used uint64
	for b.Loop() {
		topic := fanout.New(fanout.Config[[]byte]{})
		before := heap()
		for i := range subs {
			subs[i] = topic.Subscribe()
		}
		used += heap() - before
		clear(subs)
	}
	b.ReportMetric(float64(used)/float64(b.N*subscribers), "B/subscriber")
	b.ReportMetric(0, "ns/op") // mostly garbage collection
}

func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// BenchmarkPublishBudget measures Publish with a budget that is never exhausted, and
// with one that is always exhausted, so that each value displaces the oldest one of
// all topics.
func BenchmarkPublishBudget(b *testing.B) {
	for _, topics := range []int{1, 100, 10_000} {
		for _, bytes := range []int64{1 << 40, 1 << 20} {
			b.Run(fmt.Sprintf("topics=%d/bytes=%d", topics, bytes), func(b *testing.B) {
				budget := fanout.NewBudget(bytes)
				all := make([]*fanout.Topic[[]byte], topics)
				for i := range all {
					all[i] = fanout.New(fanout.Config[[]byte]{
						Budget: budget,
						Size:   func(v []byte) int64 { return int64(len(v)) },
					})
				}
				value := make([]byte, 128)
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if err := all[i%topics].Publish(value); err != nil {
						b.Fatalf("Publish() = %v, want nil", err)
					}
					i++
				}
			})
		}
	}
}

// BenchmarkWindowMemory reports the memory of the full windows of ten topics with
// values of 16 KiB, without a budget and with a budget of 32 MiB.
func BenchmarkWindowMemory(b *testing.B) {
	for _, budgeted := range []bool{false, true} {
		b.Run(fmt.Sprintf("budget=%t", budgeted), func(b *testing.B) {
			config := fanout.Config[[]byte]{}
			if budgeted {
				config.Budget = fanout.NewBudget(32 << 20)
				config.Size = func(v []byte) int64 { return int64(len(v)) }
			}
			var used uint64
			for b.Loop() {
				before := heap()
				topics := make([]*fanout.Topic[[]byte], 10)
				for i := range topics {
					topics[i] = fanout.New(config)
				}
				for i := range 20_000 {
					if err := topics[i%len(topics)].Publish(make([]byte, 16<<10)); err != nil {
						b.Fatalf("Publish() = %v, want nil", err)
					}
				}
				used += heap() - before
				for _, topic := range topics {
					topic.Close()
				}
			}
			b.ReportMetric(float64(used)/float64(b.N)/(1<<20), "MiB")
			b.ReportMetric(0, "ns/op") // mostly garbage collection
		})
	}
}
