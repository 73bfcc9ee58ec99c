package report

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
)

// Section is what a scenario is called, and what it measured.
type Section struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Report is a whole comparison.
type Report struct {
	Machine Machine `json:"machine"`
	Rounds  int     `json:"rounds"`
	// Floor names the variant that the others' processor time is divided by.
	Floor    string    `json:"floor"`
	Sections []Section `json:"scenarios"`
	Targets  []Target  `json:"targets"`
	Figures  []Figures `json:"figures"`
	// Failures says what could not be measured, and why.
	Failures []string `json:"failures,omitempty"`
}

// Conclude fills in the ratios to the floor, and what was measured of the targets.
func (r *Report) Conclude() {
	type key struct {
		scenario           string
		round, subscribers int
	}
	floor := make(map[key]float64)
	for _, f := range r.Figures {
		if f.Variant == r.Floor {
			floor[key{f.Scenario, f.Round, f.Subscribers}] = f.ServerMicros
		}
	}
	for i := range r.Figures {
		f := &r.Figures[i]
		if cost := floor[key{f.Scenario, f.Round, f.Subscribers}]; cost > 0 {
			f.FloorRatio = f.ServerMicros / cost
		}
	}
	for i := range r.Targets {
		r.Targets[i].measure(r)
	}
}

// Write writes results.json, results.md and, if there is a curve, curve.svg.
func (r *Report) Write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	write := func(name string, content []byte) error {
		return os.WriteFile(filepath.Join(dir, name), content, 0o644)
	}
	err = errors.Join(write("results.json", append(data, '\n')), write("results.md", r.Markdown()))
	if plot := r.Curve(); plot != nil {
		err = errors.Join(err, write("curve.svg", plot))
	}
	return err
}

// Wrong returns how many messages were lost, duplicated, reordered or broke the
// chain of sequences, in all figures together.
func (r *Report) Wrong() uint64 {
	var wrong uint64
	for _, f := range r.Figures {
		wrong += f.wrong()
	}
	return wrong
}

func (f Figures) wrong() uint64 { return f.Lost + f.Duplicated + f.Reordered + f.Broken }

// of returns the figures of a scenario, by variant in the order in which they
// were measured, and by number of subscribers.
func (r *Report) of(scenario string) [][]Figures {
	type group struct {
		variant     string
		subscribers int
	}
	var order []group
	groups := make(map[group][]Figures)
	for _, f := range r.Figures {
		if f.Scenario != scenario {
			continue
		}
		g := group{f.Variant, f.Subscribers}
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], f)
	}
	var all [][]Figures
	for _, g := range order {
		all = append(all, groups[g])
	}
	return all
}

// Median returns the middle value, or the mean of the middle two. It is 0 for no
// values.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// median returns the median of one of the figures.
func median(figures []Figures, of func(Figures) float64) float64 {
	var values []float64
	for _, f := range figures {
		values = append(values, of(f))
	}
	return Median(values)
}

// mid returns the medians of all that a table shows, and the sums of what must
// not happen.
func mid(figures []Figures) Figures {
	m := figures[0]
	m.PerSecond = median(figures, func(f Figures) float64 { return f.PerSecond })
	m.Achieved = median(figures, func(f Figures) float64 { return f.Achieved })
	m.FloorRatio = median(figures, func(f Figures) float64 { return f.FloorRatio })
	m.ServerMicros = median(figures, func(f Figures) float64 { return f.ServerMicros })
	m.GeneratorMicros = median(figures, func(f Figures) float64 { return f.GeneratorMicros })
	m.P50 = median(figures, func(f Figures) float64 { return f.P50 })
	m.P99 = median(figures, func(f Figures) float64 { return f.P99 })
	m.P999 = median(figures, func(f Figures) float64 { return f.P999 })
	m.IdleKiB = median(figures, func(f Figures) float64 { return f.IdleKiB })
	m.LiveSeconds = median(figures, func(f Figures) float64 { return f.LiveSeconds })
	m.PeakMiB = median(figures, func(f Figures) float64 { return f.PeakMiB })
	m.SpentCores = median(figures, func(f Figures) float64 { return f.SpentCores })
	m.ClosedMillis = median(figures, func(f Figures) float64 { return f.ClosedMillis })
	m.AnsweredCalls = median(figures, func(f Figures) float64 { return f.AnsweredCalls })
	m.RefusedCalls = median(figures, func(f Figures) float64 { return f.RefusedCalls })
	m.QuietP99 = median(figures, func(f Figures) float64 { return f.QuietP99 })
	for _, f := range figures[1:] {
		m.Deliveries += f.Deliveries
		m.Lost += f.Lost
		m.Duplicated += f.Duplicated
		m.Reordered += f.Reordered
		m.Broken += f.Broken
	}
	return m
}
