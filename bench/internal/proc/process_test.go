package proc

import (
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestParseCPU(t *testing.T) {
	const stat = "4242 (a (very) odd name) S 1 2 3 4 5 6 7 8 9 10 150 25 0 0 20 0 5 0 100 200 300\n"
	got, err := parseCPU([]byte(stat))
	if want := 1750 * time.Millisecond; got != want || err != nil {
		t.Errorf("parseCPU(%q) = %v, %v, want %v", stat, got, err, want)
	}
	for _, bad := range []string{"", "1 (x) S 1 2", "1 (x) S 1 2 3 4 5 6 7 8 9 10 a b c"} {
		if _, err := parseCPU([]byte(bad)); err == nil {
			t.Errorf("parseCPU(%q) succeeds", bad)
		}
	}
}

func TestParseMemory(t *testing.T) {
	status := []byte("Name:\tx\nVmHWM:\t    9000 kB\nVmRSS:\t    1234 kB\nRssAnon: 1 kB\n")
	for field, want := range map[string]int64{"VmRSS": 1234 << 10, "VmHWM": 9000 << 10} {
		if got, err := parseMemory(status, field); got != want || err != nil {
			t.Errorf("parseMemory(%s) = %d, %v, want %d", field, got, err, want)
		}
	}
	if _, err := parseMemory(status, "VmSwap"); err == nil {
		t.Error("parseMemory of a field that is not there succeeds")
	}
}

func TestProcess(t *testing.T) {
	p, err := Start(t.Context(), "/bin/sh", "-c", "echo open http://127.0.0.1:1234/; read line")
	if err != nil {
		t.Fatal(err)
	}
	if p.Address != "127.0.0.1:1234" {
		t.Errorf("Address = %q, want 127.0.0.1:1234", p.Address)
	}
	if rss, err := p.RSS(); rss == 0 || err != nil {
		t.Errorf("RSS() = %d, %v, want more than nothing", rss, err)
	}
	if _, err := p.CPU(); err != nil {
		t.Error(err)
	}
	_ = p.Stop() // the shell does not handle SIGTERM
	if _, err := p.RSS(); err == nil {
		t.Error("the process is still there after Stop")
	}
}

func TestKill(t *testing.T) {
	p, err := Start(t.Context(), "/bin/sh", "-c", "trap '' TERM; echo open http://127.0.0.1:1234/; while read line; do :; done")
	if err != nil {
		t.Fatal(err)
	}
	if peak, err := p.PeakRSS(); peak == 0 || err != nil {
		t.Errorf("PeakRSS() = %d, %v, want more than nothing", peak, err)
	}
	if err := p.Kill(); err != nil {
		t.Error(err)
	}
	if _, err := p.RSS(); err == nil {
		t.Error("the process is still there after Kill")
	}
}

func TestProcessThatFails(t *testing.T) {
	_, err := Start(t.Context(), "/bin/sh", "-c", "echo no room left >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "no room left") {
		t.Errorf("Start = %v, want what the process said", err)
	}
}

func TestTail(t *testing.T) {
	var last tail
	_, _ = last.Write([]byte(strings.Repeat("a", 5000)))
	_, _ = last.Write([]byte("the end"))
	if s := last.String(); len(s) != 4<<10 || !strings.HasSuffix(s, "the end") {
		t.Errorf("the tail holds %d bytes that end in %q", len(s), s[len(s)-7:])
	}
}

func TestOwnCPU(t *testing.T) {
	before := OwnCPU()
	for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
	}
	if used := OwnCPU() - before; used <= 0 {
		t.Errorf("20 ms of work took %v of processor time", used)
	}
}
