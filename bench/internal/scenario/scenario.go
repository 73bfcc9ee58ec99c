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
	// Title says what is measured, for people.
	Title() string
	// Variants are what is measured.
	Variants() []Variant
	// Again says whether it is worth measuring in each round.
	Again() bool
	// Measure measures a variant once. Figures that come with an error are what
	// was found until then.
	Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error)
}

// All returns the whole comparison.
func All() []Scenario {
	const warmup = time.Second / 2
	return []Scenario{
		fanout{name: "rate", subscribers: 1000, perSecond: 100, warmup: warmup, duration: 4 * time.Second},
		fanout{name: "saturate", subscribers: 1000, window: 16, warmup: warmup, duration: 2 * time.Second},
		idle{subscribers: []int{2500, 3000, 3600, 4200, 5000}, settle: 3 * time.Second / 2},
		curve{subscribers: fitting(100, 300, 1000, 3000, 10_000, 15_000), perSecond: 20_000, duration: 3 * time.Second},
		rooms{rooms: 10_000, window: 64, warmup: warmup, duration: 4 * time.Second},
		publish{clients: 64, window: 256, duration: 3 * time.Second},
	}
}

// Quick returns the smallest comparison that measures everything once.
func Quick() []Scenario {
	const moment = 200 * time.Millisecond
	return []Scenario{
		fanout{name: "rate", subscribers: 50, perSecond: 100, warmup: moment, duration: moment},
		fanout{name: "saturate", subscribers: 50, window: 16, warmup: moment, duration: moment},
		idle{subscribers: []int{100, 200}, settle: moment},
		curve{subscribers: []int{20, 60}, perSecond: 2000, duration: moment},
		rooms{rooms: 100, window: 16, warmup: moment, duration: moment},
		publish{clients: 8, window: 64, duration: moment},
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
