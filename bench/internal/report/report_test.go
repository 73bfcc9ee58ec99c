package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{5, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := Median(test.values); got != test.want {
			t.Errorf("Median(%v) = %v, want %v", test.values, got, test.want)
		}
	}
}

// rounds is a machine that gets slower from round to round, with a service that
// always costs 0.9, 1.0 or 1.2 times as much as its peer.
func rounds() *Report {
	r := &Report{Rounds: 3, Floor: "theirs", Sections: []Section{{"rate", "A rate"}, {"idle", "Memory"}, {"curve", "A curve"}}}
	for i, ratio := range []float64{1.2, 0.9, 1.0} {
		cost := float64(10 * (i + 1))
		r.Figures = append(r.Figures,
			Figures{Scenario: "rate", Variant: "ours", Round: i + 1, ServerMicros: cost * ratio, Deliveries: 100},
			Figures{Scenario: "rate", Variant: "theirs", Round: i + 1, ServerMicros: cost, Deliveries: 100})
	}
	r.Figures = append(r.Figures, Figures{Scenario: "idle", Variant: "ours", Round: 1, IdleKiB: 50})
	for _, n := range []int{100, 1000, 15_000} {
		for _, variant := range []string{"ours", "theirs & <others>"} {
			r.Figures = append(r.Figures, Figures{Scenario: "curve", Variant: variant, Round: 1, Subscribers: n, ServerMicros: float64(n) / 500})
		}
	}
	return r
}

func TestTargets(t *testing.T) {
	tests := []struct {
		target   Target
		measured float64
		met      bool
	}{
		{Target{Scenario: "rate", Variant: "ours", Metric: ServerMicros, Peer: "theirs", AtMost: 1.05}, 1.0, true},
		{Target{Scenario: "rate", Variant: "ours", Metric: ServerMicros, Peer: "theirs", AtMost: 0.95}, 1.0, false},
		{Target{Scenario: "rate", Variant: "ours", Metric: ServerMicros, Peer: "nobody", AtMost: 9}, 0, false},
		{Target{Scenario: "rate", Variant: "ours", Metric: ServerMicros, AtLeast: 17}, 18, true},
		{Target{Scenario: "rate", Variant: "ours", Metric: ServerMicros, AtLeast: 19}, 18, false},
		{Target{Scenario: "rate", Variant: "ours", Metric: P99, AtMost: 19}, 0, false},
		{Target{Scenario: "idle", Variant: "ours", Metric: IdleKiB, AtMost: 48}, 50, false},
		{Target{Scenario: "idle", Variant: "ours", Metric: IdleKiB, AtMost: 50}, 50, true},
		{Target{Scenario: "curve", Variant: "ours", Metric: ServerMicros, Peer: "theirs & <others>", AtMost: 1}, 1, true},
		{Target{Scenario: "curve", Variant: "ours", Metric: ServerMicros, AtMost: 29}, 30, false},
		{Target{Scenario: "curve", Variant: "ours", Metric: ServerMicros, Spread: true, AtMost: 150}, 150, true},
		{Target{Scenario: "idle", Variant: "ours", Metric: IdleKiB, Spread: true, AtMost: 2}, 0, false},
	}
	for _, test := range tests {
		got := test.target
		got.measure(rounds())
		if got.Measured != test.measured || got.Met() != test.met {
			t.Errorf("%+v: measured %v, met %t; want %v, %t", test.target, got.Measured, got.Met(), test.measured, test.met)
		}
	}
}

func TestMidSums(t *testing.T) {
	got := mid([]Figures{{Lost: 1, P50: 3}, {Lost: 2, Broken: 4, P50: 1}, {Reordered: 5, Duplicated: 6, P50: 2}})
	if want := (Figures{Lost: 3, Broken: 4, Reordered: 5, Duplicated: 6, P50: 2}); got != want {
		t.Errorf("mid = %+v, want %+v", got, want)
	}
}

func TestCurveIsXML(t *testing.T) {
	decoder := xml.NewDecoder(strings.NewReader(string(rounds().Curve())))
	counts := make(map[string]int)
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			counts[start.Name.Local]++
		}
	}
	if counts["svg"] != 1 || counts["polyline"] != 2 || counts["circle"] != 6 {
		t.Errorf("the plot has %v, want 1 svg, 2 polylines and 6 circles", counts)
	}
	if plot := new(Report).Curve(); plot != nil {
		t.Errorf("a plot of nothing: %s", plot)
	}
}

func TestNiceStep(t *testing.T) {
	for most, want := range map[float64]float64{0: 1, 4.9: 1, 7: 2, 12: 5, 50: 10, 51: 20, 0.3: 0.1} {
		if got := niceStep(most); got < want*0.999 || got > want*1.001 {
			t.Errorf("niceStep(%v) = %v, want %v", most, got, want)
		}
	}
}

func TestWrite(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "results")
	r := rounds()
	r.Targets = []Target{{Scenario: "rate", Variant: "ours", Metric: ServerMicros, Peer: "theirs", AtMost: 1.05}}
	r.Failures = []string{"curve, ours: no\nroom"}
	r.Conclude()
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	read := new(Report)
	if err := json.Unmarshal(data, read); err != nil || len(read.Figures) != len(r.Figures) || read.Targets[0].Measured != 1 {
		t.Errorf("results.json holds %d figures and %+v, %v", len(read.Figures), read.Targets, err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "results.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| rate: ours, CPU | ≤ 1.05 × theirs | 1.00 (0.90 to 1.20) | yes |",
		"| lost, duplicated, reordered, wrong `previous` | 0 | 0, 0, 0, 0 of 600 deliveries | yes |",
		"| ours | 15,000 | 30.00 |",
		"| ours | 18.00 | 1.00 | 0, 0, 0 |",
		"curve.svg",
		"## Failures\n\n- curve, ours: no room\n",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("results.md does not contain %q:\n%s", want, page)
		}
	}
}

func TestThousands(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999.4: "999", 1000: "1,000", 123456: "123,456", 1234567: "1.23 M"} {
		if got := thousands(v); got != want {
			t.Errorf("thousands(%v) = %q, want %q", v, got, want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	m := ThisMachine(t.TempDir())
	if m.Cores < 1 || m.Go == "" || !strings.Contains(m.String(), "cores") {
		t.Errorf("ThisMachine = %+v", m)
	}
}
