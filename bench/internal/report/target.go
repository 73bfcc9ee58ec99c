package report

import "fmt"

// Target is what a figure should be.
type Target struct {
	Scenario string `json:"scenario"`
	Variant  string `json:"variant"`
	// Peer is whose figure the variant's is divided by, within each round. Empty
	// means that the figure itself is meant.
	Peer   string  `json:"peer,omitempty"`
	AtMost float64 `json:"atMost"`
	// Measured is the median over the rounds; Rounds is how many there were, and
	// 0 if it was not measured.
	Measured float64 `json:"measured"`
	Rounds   int     `json:"rounds"`
	// Lowest and Highest are the extremes of the rounds.
	Lowest  float64 `json:"lowest"`
	Highest float64 `json:"highest"`
}

// figure is what targets are about: memory where it was measured, or else the
// server's processor time.
func figure(f Figures) float64 {
	if f.IdleKiB != 0 {
		return f.IdleKiB
	}
	return f.ServerMicros
}

// measure takes the ratio within each round.
func (t *Target) measure(r *Report) {
	rounds := make(map[int]map[string]float64)
	for _, f := range r.Figures {
		if f.Scenario != t.Scenario || figure(f) <= 0 {
			continue
		}
		if rounds[f.Round] == nil {
			rounds[f.Round] = make(map[string]float64)
		}
		rounds[f.Round][f.Variant] = figure(f)
	}
	var values []float64
	for _, round := range rounds {
		value, ok := round[t.Variant]
		if t.Peer != "" {
			peer, measured := round[t.Peer]
			value, ok = value/peer, ok && measured
		}
		if ok {
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

// Met returns whether the target was reached.
func (t Target) Met() bool { return t.Rounds > 0 && t.Measured <= t.AtMost }

// unit returns what follows a value.
func (t Target) unit() string {
	if t.Peer != "" {
		return " × " + t.Peer
	}
	return " KiB"
}

func (t Target) row() []string {
	measured, met := "not measured", "–"
	if t.Rounds > 0 {
		measured = fmt.Sprintf("%.2f (%.2f to %.2f)", t.Measured, t.Lowest, t.Highest)
		met = "no"
		if t.Met() {
			met = "yes"
		}
	}
	return []string{t.Scenario + ": " + t.Variant, fmt.Sprintf("≤ %.4g%s", t.AtMost, t.unit()), measured, met}
}
