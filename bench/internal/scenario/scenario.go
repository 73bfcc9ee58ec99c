package scenario

import (
	"context"
	"syscall"
	"time"

	"chatroom/bench/internal/report"
)

// Scenario is one kind of measurement.
type Scenario interface {
	// Name is a word.
	Name() string
	// Title says what is measured, in a sentence without a full stop.
	Title() string
	// Variants are what is measured.
	Variants() []Variant
	// Rounds returns in how many of the rounds asked for it is measured.
	Rounds(asked int) int
	// Measure measures a variant once. Figures that come with an error are what
	// was found until then.
	Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error)
}

// Floor is the variant that the others are divided by.
const Floor = rawTCP

// All returns the whole comparison. What can't be batched comes first: a sender
// that waits for each answer is how most rooms are used.
func All() []Scenario {
	const warmup = time.Second / 2
	return []Scenario{
		fanout{name: "rate-20", variants: delivering(), subscribers: 1000, perSecond: 20, warmup: warmup, duration: 4 * time.Second},
		fanout{name: "rate-100", variants: everyone(), subscribers: 1000, perSecond: 100, warmup: warmup, duration: 5 * time.Second / 2},
		fanout{name: "one-sender", variants: delivering(), subscribers: 1000, warmup: warmup, duration: 3 * time.Second / 2},
		fanout{name: "window-16", variants: delivering(), subscribers: 1000, window: 16, warmup: warmup, duration: 3 * time.Second / 2},
		fanout{name: "window-256", variants: delivering(), subscribers: 1000, window: 256, warmup: warmup, duration: 3 * time.Second / 2},
		fanout{name: "shared", variants: sharing(2000), subscribers: 2000, perSecond: 50, warmup: warmup, duration: 3 * time.Second},
		curve{subscribers: fitting(100, 1000, 3000, 10_000, 15_000), perSecond: 20_000, duration: 3 * time.Second},
		busy{large: 10_000, small: 10, largePerSecond: 2, smallPerSecond: 50, warmup: warmup, duration: 3 * time.Second},
		idle{subscribers: []int{2500, 3000, 3600, 4200, 5000}, settle: time.Second},
		herd{subscribers: 10_000, events: 1000, missed: 100},
		rooms{rooms: 10_000, window: 64, warmup: warmup, duration: 3 * time.Second},
		flood{subscribers: 10, perSecond: 100, duration: 3 * time.Second},
		callFlood{subscribers: 10, perSecond: 60, duration: 4 * time.Second},
		send{clients: 64, rooms: []int{100, 5000}, warmup: 2 * warmup, duration: 3 * time.Second},
		publish{clients: 64, window: 256, warmup: warmup, duration: 2 * time.Second},
	}
}

// Quick returns the smallest comparison that measures everything once.
func Quick() []Scenario {
	const moment = 100 * time.Millisecond
	return []Scenario{
		fanout{name: "rate-20", variants: delivering(), subscribers: 50, perSecond: 20, warmup: moment, duration: moment},
		fanout{name: "rate-100", variants: everyone(), subscribers: 50, perSecond: 100, warmup: moment, duration: moment},
		fanout{name: "one-sender", variants: delivering(), subscribers: 50, warmup: moment, duration: moment},
		fanout{name: "window-16", variants: delivering(), subscribers: 50, window: 16, warmup: moment, duration: moment},
		fanout{name: "window-256", variants: delivering(), subscribers: 50, window: 256, warmup: moment, duration: moment},
		fanout{name: "shared", variants: sharing(50), subscribers: 50, perSecond: 50, warmup: moment, duration: moment},
		curve{subscribers: []int{20, 60}, perSecond: 2000, duration: moment},
		busy{large: 60, small: 5, largePerSecond: 20, smallPerSecond: 50, warmup: moment, duration: moment},
		idle{subscribers: []int{100, 200}, settle: moment},
		herd{subscribers: 60, events: 50, missed: 20},
		rooms{rooms: 100, window: 16, warmup: moment, duration: moment},
		flood{subscribers: 5, perSecond: 100, duration: 6 * moment},
		callFlood{subscribers: 5, perSecond: 60, duration: 6 * moment},
		send{clients: 8, rooms: []int{10, 20}, warmup: moment, duration: moment},
		publish{clients: 8, window: 64, warmup: moment, duration: moment},
	}
}

// fitting returns the numbers of subscribers for which there are file
// descriptors, with some to spare.
func fitting(subscribers ...int) []int {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return subscribers
	}
	for i, n := range subscribers {
		if uint64(n)+1000 > limit.Cur {
			return subscribers[:i]
		}
	}
	return subscribers
}
