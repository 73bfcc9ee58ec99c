package report

import "fmt"

// Metric is one of the figures.
type Metric string

// The metrics that targets are about.
const (
	ServerMicros Metric = "serverMicros"
	PerSecond    Metric = "perSecond"
	Achieved     Metric = "achieved"
	P99          Metric = "p99Millis"
	IdleKiB      Metric = "idleKiB"
	LiveSeconds  Metric = "liveSeconds"
	PeakMiB      Metric = "peakMiB"
	SpentCores   Metric = "spentCores"
	ClosedMillis Metric = "closedMillis"
	// P99Growth is P99 divided by QuietP99.
	P99Growth Metric = "p99Growth"
)

// metrics holds how each is shown and where it is.
var metrics = map[Metric]struct {
	name, unit string
	of         func(Figures) float64
}{
	ServerMicros: {"CPU", " µs", func(f Figures) float64 { return f.ServerMicros }},
	PerSecond:    {"rate", " per s", func(f Figures) float64 { return f.PerSecond }},
	Achieved:     {"share of the rate", "", func(f Figures) float64 { return f.Achieved }},
	P99:          {"p99", " ms", func(f Figures) float64 { return f.P99 }},
	IdleKiB:      {"memory", " KiB", func(f Figures) float64 { return f.IdleKiB }},
	LiveSeconds:  {"time until all are live", " s", func(f Figures) float64 { return f.LiveSeconds }},
	PeakMiB:      {"peak memory", " MiB", func(f Figures) float64 { return f.PeakMiB }},
	SpentCores:   {"cores spent", "", func(f Figures) float64 { return f.SpentCores }},
	ClosedMillis: {"time until closed", " ms", func(f Figures) float64 { return f.ClosedMillis }},
	P99Growth: {"p99", " × without the attack", func(f Figures) float64 {
		if f.QuietP99 == 0 {
			return 0
		}
		return f.P99 / f.QuietP99
	}},
}

// Target is what a figure should be: at most, or at least, a number.
type Target struct {
	Scenario string `json:"scenario"`
	Variant  string `json:"variant"`
	Metric   Metric `json:"metric"`
	// Peer is whose figure the variant's is divided by, within each round and for
	// the same number of subscribers. Empty means that the figure itself is meant.
	Peer string `json:"peer,omitempty"`
	// Spread means the variant's highest figure divided by its lowest, over the
	// numbers of subscribers of a round.
	Spread  bool    `json:"spread,omitempty"`
	AtMost  float64 `json:"atMost,omitempty"`
	AtLeast float64 `json:"atLeast,omitempty"`
	// Measured is the median over the rounds; of a round with several numbers of
	// subscribers, the worst counts. Rounds is how many there were, and 0 if it was
	// not measured.
	Measured float64 `json:"measured"`
	Rounds   int     `json:"rounds"`
	// Lowest and Highest are the extremes of the rounds.
	Lowest  float64 `json:"lowest"`
	Highest float64 `json:"highest"`
}

// measure fills in what was measured.
func (t *Target) measure(r *Report) {
	var values []float64
	for round := range r.Rounds {
		if value, ok := t.inRound(r, round+1); ok {
			values = append(values, value)
		}
	}
	t.Rounds = len(values)
	if t.Rounds == 0 {
		return
	}
	t.Measured, t.Lowest, t.Highest = Median(values), values[0], values[0]
	for _, v := range values {
		t.Lowest, t.Highest = min(t.Lowest, v), max(t.Highest, v)
	}
}

// inRound returns the value of one round.
func (t *Target) inRound(r *Report, round int) (value float64, ok bool) {
	mine, peers := t.values(r, round, t.Variant), t.values(r, round, t.Peer)
	var low, high float64
	for subscribers, v := range mine {
		if t.Peer != "" {
			peer := peers[subscribers]
			if peer == 0 {
				continue
			}
			v /= peer
		}
		if !ok {
			low, high, ok = v, v, true
		}
		low, high = min(low, v), max(high, v)
	}
	switch {
	case t.Spread && len(mine) > 1:
		return high / low, true
	case t.AtLeast > 0:
		return low, ok
	default:
		return high, ok && !t.Spread
	}
}

// values returns a variant's figures of one round, by number of subscribers. What
// was not measured, and what took less processor time than can be told, is left
// out.
func (t *Target) values(r *Report, round int, variant string) map[int]float64 {
	values := make(map[int]float64)
	for _, f := range r.Figures {
		if f.Scenario != t.Scenario || f.Variant != variant || f.Round != round {
			continue
		}
		if v := metrics[t.Metric].of(f); v > 0 {
			values[f.Subscribers] = v
		}
	}
	return values
}

// Met returns whether the target was reached.
func (t Target) Met() bool {
	return t.Rounds > 0 && (t.AtMost == 0 || t.Measured <= t.AtMost) && t.Measured >= t.AtLeast
}

func (t Target) row() []string {
	sign, bound := "≤", t.AtMost
	if t.AtLeast > 0 {
		sign, bound = "≥", t.AtLeast
	}
	unit := metrics[t.Metric].unit
	switch {
	case t.Peer != "":
		unit = " × " + t.Peer
	case t.Spread:
		unit = " × between sizes"
	}
	measured, met := "not measured", "–"
	if t.Rounds > 0 {
		measured, met = figure(t.Measured), "no"
		if t.Rounds > 1 {
			measured += fmt.Sprintf(" (%s to %s)", figure(t.Lowest), figure(t.Highest))
		}
		if t.Met() {
			met = "yes"
		}
	}
	what := fmt.Sprintf("%s: %s, %s", t.Scenario, t.Variant, metrics[t.Metric].name)
	return []string{what, sign + " " + figure(bound) + unit, measured, met}
}

// figure shows small values with two digits after the point, and large ones with
// none.
func figure(v float64) string {
	if v >= 1000 {
		return thousands(v)
	}
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
