package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Markdown returns the report as a page.
func (r *Report) Markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Results\n\n%s. Medians of rounds (%d at most).\n", r.Machine, r.Rounds)
	b.WriteString("How to read this, and how it is measured: [README](../README.md).\n\n## Targets\n\n")
	var rows [][]string
	for _, t := range r.Targets {
		rows = append(rows, t.row())
	}
	rows = append(rows, r.verdict())
	table(&b, []string{"What", "Target", "Measured (lowest to highest round)", "Met"}, rows)
	if r.Floor != "" {
		fmt.Fprintf(&b, "\n“× floor” is the server's CPU divided by that of “%s” in the same round.\n", r.Floor)
	}
	if len(r.Failures) > 0 {
		b.WriteString("\n## Failures\n\n")
	}
	for _, failure := range r.Failures {
		fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(failure, "\n", " "))
	}
	for _, section := range r.Sections {
		r.section(&b, section)
	}
	return b.Bytes()
}

// verdict is the target that everything arrives.
func (r *Report) verdict() []string {
	var total Figures
	for _, f := range r.Figures {
		total.Deliveries += f.Deliveries
		total.Lost += f.Lost
		total.Duplicated += f.Duplicated
		total.Reordered += f.Reordered
		total.Broken += f.Broken
	}
	met := "yes"
	if total.wrong() > 0 {
		met = "no"
	}
	measured := fmt.Sprintf("%d, %d, %d, %d of %s deliveries", total.Lost, total.Duplicated, total.Reordered, total.Broken,
		thousands(float64(total.Deliveries)))
	return []string{"lost, duplicated, reordered, wrong `previous`", "0", measured, met}
}

// column is a column of a section's table.
type column struct {
	head string
	cell func(Figures) string
	// shown says whether there is anything to show.
	shown func(Figures) bool
}

func columns() []column {
	number := func(head, format string, of func(Figures) float64) column {
		return column{
			head:  head,
			cell:  func(f Figures) string { return fmt.Sprintf(format, of(f)) },
			shown: func(f Figures) bool { return of(f) > 0 },
		}
	}
	return []column{
		number("µs of server CPU", "%.2f", func(f Figures) float64 { return f.ServerMicros }),
		number("× floor", "%.2f", func(f Figures) float64 { return f.FloorRatio }),
		number("KiB", "%.1f", func(f Figures) float64 { return f.IdleKiB }),
		number("s until all are live", "%.2f", func(f Figures) float64 { return f.LiveSeconds }),
		number("peak MiB", "%.0f", func(f Figures) float64 { return f.PeakMiB }),
		number("cores spent", "%.3f", func(f Figures) float64 { return f.SpentCores }),
		number("ms until closed", "%.0f", func(f Figures) float64 { return f.ClosedMillis }),
		number("calls per second", "%.0f", func(f Figures) float64 { return f.AnsweredCalls }),
		number("of which refused", "%.0f", func(f Figures) float64 { return f.RefusedCalls }),
		number("connections", "%.0f", func(f Figures) float64 { return float64(f.Connections) }),
		number("refused", "%.0f", func(f Figures) float64 { return float64(f.Refused) }),
		{"per second", func(f Figures) string { return thousands(f.PerSecond) }, func(f Figures) bool { return f.PerSecond > 0 }},
		number("% of the rate", "%.0f", func(f Figures) float64 { return 100 * f.Achieved }),
		number("p50 ms", "%.2f", func(f Figures) float64 { return f.P50 }),
		number("p99 ms", "%.2f", func(f Figures) float64 { return f.P99 }),
		number("quiet p99 ms", "%.2f", func(f Figures) float64 { return f.QuietP99 }),
		number("p99.9 ms", "%.2f", func(f Figures) float64 { return f.P999 }),
		number("µs of generator CPU", "%.2f", func(f Figures) float64 { return f.GeneratorMicros }),
		{
			head:  "lost, duplicated, reordered",
			cell:  func(f Figures) string { return fmt.Sprintf("%d, %d, %d", f.Lost, f.Duplicated, f.Reordered) },
			shown: func(f Figures) bool { return f.Deliveries > 0 },
		},
	}
}

func (r *Report) section(b *bytes.Buffer, section Section) {
	groups := r.of(section.Name)
	if len(groups) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n%s.\n\n", section.Name, section.Title)
	if section.Name == curveScenario {
		b.WriteString("![µs of server CPU per delivery, over the number of subscribers](curve.svg)\n\n")
	}
	var medians []Figures
	sizes := make(map[int]bool)
	for _, figures := range groups {
		medians = append(medians, mid(figures))
		sizes[figures[0].Subscribers] = true
	}
	head := []string{"Variant"}
	if len(sizes) > 1 {
		head = append(head, "subscribers")
	}
	var shown []column
	for _, c := range columns() {
		if slices.ContainsFunc(medians, c.shown) {
			shown = append(shown, c)
			head = append(head, c.head)
		}
	}
	var rows [][]string
	for _, m := range medians {
		row := []string{m.Variant}
		if len(sizes) > 1 {
			row = append(row, thousands(float64(m.Subscribers)))
		}
		for _, c := range shown {
			cell := "–"
			if c.shown(m) {
				cell = c.cell(m)
			}
			row = append(row, cell)
		}
		rows = append(rows, row)
	}
	table(b, head, rows)
}

// table writes a table whose columns are right-aligned, but for the first.
func table(b *bytes.Buffer, head []string, rows [][]string) {
	fmt.Fprintf(b, "| %s |\n|---|%s\n", strings.Join(head, " | "), strings.Repeat("---:|", len(head)-1))
	for _, row := range rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

// thousands rounds to three digits and separates thousands.
func thousands(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	if len(digits) > 6 {
		return fmt.Sprintf("%.2f M", v/1e6)
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
