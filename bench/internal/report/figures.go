// Package report holds what was measured, and makes of it medians, ratios, a
// table in Markdown and a plot.
package report

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
	// ServerMicros and GeneratorMicros are the microseconds of processor time
	// that the server and the load generator used per delivery, or per event
	// when published.
	ServerMicros    float64 `json:"serverMicros,omitempty"`
	GeneratorMicros float64 `json:"generatorMicros,omitempty"`
	// P50, P99 and P999 are quantiles of the latency in milliseconds.
	P50  float64 `json:"p50Millis,omitempty"`
	P99  float64 `json:"p99Millis,omitempty"`
	P999 float64 `json:"p999Millis,omitempty"`
	// IdleKB is the memory per idle subscriber, in units of 1,000 bytes.
	IdleKB float64 `json:"idleKB,omitempty"`

	Lost       uint64 `json:"lost"`
	Duplicated uint64 `json:"duplicated"`
	Reordered  uint64 `json:"reordered"`
	// Broken counts events whose previous was not the sequence seen before.
	Broken uint64 `json:"broken"`
}
