// Package report holds what was measured, and makes of it medians, ratios, a
// table in Markdown and a plot.
package report

import "fmt"

// Figures are what one measurement of one variant found. Fields that the
// scenario does not measure are zero.
type Figures struct {
	Scenario    string  `json:"scenario"`
	Variant     string  `json:"variant"`
	Round       int     `json:"round"`
	Subscribers int     `json:"subscribers,omitempty"`
	Rooms       int     `json:"rooms,omitempty"`
	Messages    uint64  `json:"messages,omitempty"`
	Deliveries  uint64  `json:"deliveries,omitempty"`
	Seconds     float64 `json:"seconds,omitempty"`
	// PerSecond is deliveries per second, or events per second when published.
	PerSecond float64 `json:"perSecond,omitempty"`
	// Achieved is PerSecond divided by the rate that was asked for, where one was.
	Achieved float64 `json:"achieved,omitempty"`
	// ServerMicros and GeneratorMicros are the microseconds of processor time
	// that the server and the load generator used per delivery, or per event
	// when published.
	ServerMicros    float64 `json:"serverMicros,omitempty"`
	GeneratorMicros float64 `json:"generatorMicros,omitempty"`
	// FloorRatio is ServerMicros divided by those of the floor, of the same round
	// and number of subscribers.
	FloorRatio float64 `json:"floorRatio,omitempty"`
	// P50, P99 and P999 are quantiles of the latency in milliseconds.
	P50  float64 `json:"p50Millis,omitempty"`
	P99  float64 `json:"p99Millis,omitempty"`
	P999 float64 `json:"p999Millis,omitempty"`
	// IdleKiB is the memory per idle subscriber, in units of 1,024 bytes.
	IdleKiB float64 `json:"idleKiB,omitempty"`
	// LiveSeconds is the time from the start of the server until all subscribers
	// were live, PeakMiB the most memory that the server had resident.
	LiveSeconds float64 `json:"liveSeconds,omitempty"`
	PeakMiB     float64 `json:"peakMiB,omitempty"`
	// SpentCores is the share of a core that the server spent on an attack.
	// ClosedMillis is the time until the server closed its first connection; 0 if it
	// did not. Connections of the attacker were served, and Refused were not. QuietP99
	// is P99 without the attack.
	SpentCores   float64 `json:"spentCores,omitempty"`
	ClosedMillis float64 `json:"closedMillis,omitempty"`
	Connections  int     `json:"connections,omitempty"`
	Refused      int     `json:"refused,omitempty"`
	QuietP99     float64 `json:"quietP99Millis,omitempty"`
	// AnsweredCalls is how many calls of a flood were answered, and RefusedCalls how many
	// of them with an error, both per second.
	AnsweredCalls float64 `json:"answeredCalls,omitempty"`
	RefusedCalls  float64 `json:"refusedCalls,omitempty"`

	Lost       uint64 `json:"lost"`
	Duplicated uint64 `json:"duplicated"`
	Reordered  uint64 `json:"reordered"`
	// Broken counts events whose previous was not the sequence seen before.
	Broken uint64 `json:"broken"`
}

// Empty returns whether nothing was measured.
func (f *Figures) Empty() bool {
	return f.Deliveries == 0 && f.Messages == 0 && f.IdleKiB == 0 && f.wrong() == 0
}

// String returns the figures on one line.
func (f *Figures) String() string {
	line := fmt.Sprintf("%-10s %d  %-46s", f.Scenario, f.Round, f.Variant)
	if f.Subscribers > 0 {
		line += fmt.Sprintf(" %6d subscribers", f.Subscribers)
	}
	if f.IdleKiB != 0 {
		return line + fmt.Sprintf("  %.1f KiB each", f.IdleKiB)
	}
	if f.LiveSeconds != 0 {
		line += fmt.Sprintf("  all live after %.2f s, peak %.0f MiB", f.LiveSeconds, f.PeakMiB)
	} else {
		line += fmt.Sprintf("  %9.0f/s", f.PerSecond)
	}
	switch {
	case f.AnsweredCalls > 0:
		line += fmt.Sprintf("  %.3f cores spent on %.0f calls/s, %.0f refused, peak %.0f MiB, quiet p99 %.2f ms;",
			f.SpentCores, f.AnsweredCalls, f.RefusedCalls, f.PeakMiB, f.QuietP99)
	case f.Connections > 0:
		line += fmt.Sprintf("  %.3f cores spent, closed after %.0f ms, %d connections and %d refused, quiet p99 %.2f ms;",
			f.SpentCores, f.ClosedMillis, f.Connections, f.Refused, f.QuietP99)
	default:
		line += fmt.Sprintf("  %6.2f µs (generator %.2f)", f.ServerMicros, f.GeneratorMicros)
	}
	if f.P99 > 0 {
		line += fmt.Sprintf("  p50 %.2f p99 %.2f p99.9 %.2f ms", f.P50, f.P99, f.P999)
	}
	if wrong := f.wrong(); wrong > 0 {
		line += fmt.Sprintf("  LOST %d DUPLICATED %d REORDERED %d BROKEN %d", f.Lost, f.Duplicated, f.Reordered, f.Broken)
	}
	return line
}
