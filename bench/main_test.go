package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chatroom/bench/internal/report"
	"chatroom/bench/internal/scenario"
)

// TestMain is a peer or an attacker when it is started as one, as main is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "peer" || os.Args[1] == "attack") {
		main()
		os.Exit(0) // and not the tests once more
	}
	goleak.VerifyTestMain(m)
}

// TestQuick runs the whole comparison, as small as it gets, with the service as
// it is in this repository.
func TestQuick(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the service and takes half a minute")
	}
	dir := t.TempDir()
	var page bytes.Buffer
	if err := run(t.Context(), []string{"-quick", "-out", dir, "-data", t.TempDir()}, &page, t.Output()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if err != nil {
		t.Fatal(err)
	}
	var results report.Report
	if err := json.Unmarshal(data, &results); err != nil {
		t.Fatal(err)
	}
	measured := make(map[string]uint64)
	for _, f := range results.Figures {
		measured[f.Scenario+"/"+f.Variant] += f.Deliveries + f.Messages + uint64(f.Subscribers)
	}
	for _, s := range scenario.Quick() {
		for _, v := range s.Variants() {
			if measured[s.Name()+"/"+v.Name] == 0 {
				t.Errorf("%s of %s has no figures", s.Name(), v.Name)
			}
		}
	}
	for _, target := range results.Targets {
		if target.Rounds != 1 && target.Metric != report.ServerMicros && target.Metric != report.SpentCores { // which may be less than a tick
			t.Errorf("the target %+v was not measured", target)
		}
	}
}

// TestTargetsAreMeasured checks that the names in targets exist.
func TestTargetsAreMeasured(t *testing.T) {
	names := make(map[string]bool)
	for _, s := range scenario.All() {
		for _, v := range s.Variants() {
			names[s.Name()+"/"+v.Name] = true
		}
	}
	for _, target := range scenario.Targets() {
		if !names[target.Scenario+"/"+target.Variant] || target.Peer != "" && !names[target.Scenario+"/"+target.Peer] {
			t.Errorf("the target %+v is about something that is not measured", target)
		}
	}
}

func TestFlags(t *testing.T) {
	for _, bad := range []string{"-rounds 0", "-only (", "-colour blue", "rate"} {
		if _, err := parse(strings.Fields(bad), io.Discard); err == nil {
			t.Errorf("parse(%q) succeeds", bad)
		}
	}
	for flags, out := range map[string]string{"": "results", "-quick": "", "-only rate": "", "-quick -out x": "x"} {
		p, err := parse(strings.Fields(flags), io.Discard)
		if err != nil || p.out != out {
			t.Errorf("parse(%q) writes to %q, %v, want %q", flags, p.out, err, out)
		}
	}
}

func TestOnlyWithoutMatch(t *testing.T) {
	p := &plan{rounds: 1, quick: true, only: regexp.MustCompile("nothing/like it")}
	if _, err := p.measure(t.Context(), &scenario.Lab{Dir: t.TempDir()}, io.Discard); err == nil {
		t.Error("measuring nothing succeeds")
	}
}
