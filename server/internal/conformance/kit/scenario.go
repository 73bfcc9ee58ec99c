package kit

import "slices"

// Scenario is something that happens to a client.
type Scenario struct {
	Name  string
	About string // what happens, and what a client must do
	run   func(r *run)
	needs string // what the driver may say that it cannot do
	ends  bool   // it does not end as others do: see finish
	// weight is about how many seconds it takes. Long ones are started first.
	weight int
}

// Starts is a scenario in which nothing happens. A driver that fails it would fail all.
var Starts = Scenario{
	Name:  "start",
	About: "The driver starts, reports that it is ready, and ends when it is told to.",
	run:   func(*run) {},
	ends:  true,
}

// Scenarios returns all scenarios.
func Scenarios() []Scenario {
	return slices.Concat(breaks, contents, delays, sends, tokens, cursors)
}
