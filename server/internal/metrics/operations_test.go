package metrics

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const operationsDir = "../../../docs/operations"

// families are the labels of all metrics, by name.
func families(t *testing.T) map[string][]string {
	t.Helper()
	m := New(slog.New(slog.DiscardHandler))
	m.Add(filled())
	all, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string][]string{"up": nil} // of Prometheus itself
	for _, f := range all {
		var names []string
		for _, metric := range f.GetMetric() {
			for _, pair := range metric.GetLabel() {
				names = append(names, pair.GetName())
			}
		}
		labels[f.GetName()] = names
		if f.GetMetric()[0].GetHistogram() != nil {
			labels[f.GetName()+"_bucket"] = append(names, "le")
			labels[f.GetName()+"_sum"], labels[f.GetName()+"_count"] = names, names
		}
	}
	return labels
}

// What an expression of PromQL names: metrics, with the labels that it selects by.
var (
	selectors = regexp.MustCompile(`\b((?:chatroom|go|process)_[a-z0-9_]+|up)\b(?:\{([^}]*)\})?`)
	matchers  = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"[^"]*"`)
	groupings = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// target labels are added by Prometheus.
var targetLabels = []string{"job", "instance"}

// checkQuery returns the metrics in a query, and what is wrong with it: metrics and labels
// that do not exist, and brackets that do not match.
func checkQuery(known map[string][]string, query string) (names, problems []string) {
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	var open []rune
	pairs := map[rune]rune{')': '(', ']': '[', '}': '{'}
	for _, r := range query {
		if strings.ContainsRune("([{", r) {
			open = append(open, r)
		}
		if opening := pairs[r]; opening != 0 {
			if len(open) == 0 || open[len(open)-1] != opening {
				problem("brackets do not match")
				return nil, problems
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		problem("brackets are not closed")
	}
	var available []string
	for _, found := range selectors.FindAllStringSubmatch(query, -1) {
		labels, ok := known[found[1]]
		if !ok {
			problem("the metric %s does not exist", found[1])
			continue
		}
		names, available = append(names, found[1]), append(available, labels...)
		for _, matcher := range matchers.FindAllStringSubmatch(found[2], -1) {
			if !slices.Contains(labels, matcher[1]) && !slices.Contains(targetLabels, matcher[1]) {
				problem("%s has no label %s", found[1], matcher[1])
			}
		}
	}
	for _, grouping := range groupings.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(grouping[1], ",") {
			if label = strings.TrimSpace(label); !slices.Contains(available, label) && !slices.Contains(targetLabels, label) {
				problem("it groups by the label %s, which no metric in it has", label)
			}
		}
	}
	if len(names) == 0 {
		problem("it names no metric")
	}
	return names, problems
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(operationsDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The dashboard uses metrics that exist, and shows all of the service's own.
func TestDashboard(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "grafana.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	known, used := families(t), make(map[string]bool)
	for _, panel := range dashboard.Panels {
		if len(panel.Targets) == 0 {
			t.Errorf("panel %q shows nothing", panel.Title)
		}
		for _, target := range panel.Targets {
			names, problems := checkQuery(known, target.Expr)
			for _, p := range problems {
				t.Errorf("panel %q: %s: %s", panel.Title, target.Expr, p)
			}
			for _, name := range names {
				used[strings.TrimSuffix(name, "_bucket")] = true
			}
		}
	}
	for name := range known {
		base := name
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			base = strings.TrimSuffix(base, suffix)
		}
		if strings.HasPrefix(name, namespace) && !used[base] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// rule is an alert rule.
type rule struct {
	Alert, Expr         string
	Labels, Annotations map[string]string
}

// alerts returns the alert rules.
func alerts(t *testing.T) (rules []rule) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []rule
		}
	}
	if err := yaml.Unmarshal(read(t, "alerts.yaml"), &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		rules = append(rules, group.Rules...)
	}
	return rules
}

// The alert rules use metrics that exist, and say what to do.
func TestAlerts(t *testing.T) {
	known, seen := families(t), make(map[string]bool)
	for _, rule := range alerts(t) {
		_, problems := checkQuery(known, rule.Expr)
		for _, p := range problems {
			t.Errorf("alert %s: %s: %s", rule.Alert, rule.Expr, p)
		}
		if rule.Alert == "" || seen[rule.Alert] || rule.Annotations["summary"] == "" || rule.Annotations["action"] == "" || rule.Labels["severity"] == "" {
			t.Errorf("alert %q must have a name of its own, a severity, a summary and an action: %+v", rule.Alert, rule)
		}
		seen[rule.Alert] = true
	}
	if len(seen) == 0 {
		t.Error("there are no alerts")
	}
}

// What the checks are for is found.
func TestCheckQuery(t *testing.T) {
	known := families(t)
	for _, wrong := range []string{
		"chatroom_nothing", `chatroom_ready{cause="store"}`, "sum by (room) (chatroom_streams)", "rate(chatroom_calls_total[5m]", "sum(1)",
	} {
		if _, problems := checkQuery(known, wrong); len(problems) == 0 {
			t.Errorf("checkQuery(%q) finds nothing", wrong)
		}
	}
}

// docs/OPERATIONS.md lists all metrics of the service, and no others, with labels that they have. It
// says of each alert which failures it tells of.
func TestMetricsAreDocumented(t *testing.T) {
	data := read(t, "../OPERATIONS.md")
	known := families(t)
	documented := make(map[string]bool)
	for _, found := range regexp.MustCompile("`((?:chatroom|process|go)_[a-z0-9_]+)[^`]*`").FindAllStringSubmatch(string(data), -1) {
		documented[found[1]] = true
		_, problems := checkQuery(known, strings.Trim(found[0], "`"))
		for _, p := range problems {
			t.Errorf("docs/OPERATIONS.md has %s: %s", found[0], p)
		}
	}
	_, failures, _ := strings.Cut(string(data), "\n## Failures\n")
	var rules []string
	for _, rule := range alerts(t) {
		if rules = append(rules, rule.Alert); !strings.Contains(failures, "`"+rule.Alert+"`") {
			t.Errorf("docs/OPERATIONS.md does not say of which failures %s tells", rule.Alert)
		}
	}
	for _, found := range regexp.MustCompile("`(Chatroom[A-Z][A-Za-z0-9]+)`").FindAllStringSubmatch(failures, -1) {
		if !slices.Contains(rules, found[1]) {
			t.Errorf("docs/OPERATIONS.md names the alert %s, which does not exist", found[1])
		}
	}
	for name := range known {
		if strings.HasPrefix(name, namespace) && !documented[name] && !strings.HasSuffix(name, "_bucket") && !strings.HasSuffix(name, "_sum") && !strings.HasSuffix(name, "_count") {
			t.Errorf("docs/OPERATIONS.md lacks %s", name)
		}
	}
}
