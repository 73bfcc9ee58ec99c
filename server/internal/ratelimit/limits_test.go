package ratelimit

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"off": {}, "10/s:50": {10, time.Second, 50}, "6/m:1": {6, time.Minute, 1}, "1/h:1000000": {1, time.Hour, 1_000_000},
	} {
		got, err := ParseRate(text)
		if got != want || err != nil || got.String() != text {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10", "10/s", "10/d:5", "0/s:5", "10/s:0", "-1/s:5", "+1/s:5", "1.5/s:5", "10/s:5:5", "10/s:1000001", " 10/s:5", "off:1", "1/:1", "10:5/s", strings.Repeat("9", 100) + "/s:1"} {
		if got, err := ParseRate(text); err == nil || got != (Rate{}) || !strings.Contains(err.Error(), "10/s:50") || len(err.Error()) > 300 {
			t.Errorf("ParseRate(%q) = %v, %v, want an error that shows how", text, got, err)
		}
	}
}

func TestSet(t *testing.T) {
	limits, counts := Defaults()
	before := limits
	if err := limits.Set(&counts, "send.member=20/s:100, typing.room=off,connections.address=7,rooms.total=off"); err != nil {
		t.Fatalf("Set = %v, want nil", err)
	}
	want, wantCounts := Defaults()
	want[Send][Member], want[Typing][Room] = Rate{20, time.Second, 100}, Rate{}
	wantCounts[ConnectionsPerAddress], wantCounts[RoomsInTotal] = 7, 0
	if limits != want || counts != wantCounts || before == want {
		t.Errorf("Set has %v and %v, want %v and %v", limits, counts, want, wantCounts)
	}
	if err := limits.Set(&counts, "send.room=1/s:1,off,react.room=3/s:4,streams.total=5"); err != nil {
		t.Fatalf("Set = %v, want nil", err)
	}
	want, wantCounts = Limits{React: {Room: {3, time.Second, 4}}}, Counts{StreamsInTotal: 5}
	if limits != want || counts != wantCounts {
		t.Errorf("Set with off has %v and %v, want only what comes after it: %v and %v", limits, counts, want, wantCounts)
	}
	for text, want := range map[string]string{
		"":                      "must be off, or NAME=VALUE",
		"send.member":           "must be off, or NAME=VALUE",
		"send.member=20":        "10/s:50",
		"send=20/s:1":           `"send" is not known: must be one of send.member, send.address`,
		"list.room=1/s:1":       `"list.room" is not known: must be one of list.member, list.address`,
		"send.membr=1/s:1":      `"send.membr" is not known: did you mean send.member?`,
		"everything=1/s:1":      `"everything" is not known: docs/LIMITS.md lists all, such as send.member`,
		"connections.total=0":   "a number from 1 to 1000000",
		"connections.total=1/s": "a number from 1 to 1000000",
		"typing.room=off,":      "must be off, or NAME=VALUE",
	} {
		if err := limits.Set(&counts, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Set(%q) = %v, want an error with %q", text, err, want)
		}
	}
}

func TestParseRates(t *testing.T) {
	rates, err := ParseRates(map[string]string{"send": "20/s:100", "typing": "off"})
	if want := (map[Kind]Rate{Send: {20, time.Second, 100}, Typing: {}}); err != nil || !maps.Equal(rates, want) {
		t.Errorf("ParseRates = %v, %v, want %v", rates, err, want)
	}
	if rates, err := ParseRates(nil); rates != nil || err != nil {
		t.Errorf("ParseRates of none = %v, %v, want none", rates, err)
	}
	for name, rate := range map[string]string{"sends": "1/s:1", "send": "1", "send.member": "1/s:1"} {
		if rates, err := ParseRates(map[string]string{name: rate}); err == nil || rates != nil || !strings.Contains(err.Error(), "limit ") {
			t.Errorf("ParseRates of %s = %v, %v, want an error that names the limit", name, rates, err)
		}
	}
}

// What Table says can be given to Set, and means the defaults.
func TestTableIsWhatSetReads(t *testing.T) {
	var limits Limits
	var counts Counts
	rows := 0
	for line := range strings.Lines(Table()) {
		_, after, found := strings.Cut(line, "`-limits ")
		setting, _, _ := strings.Cut(after, "`")
		if !found {
			continue
		}
		rows++
		if err := limits.Set(&counts, setting); err != nil {
			t.Errorf("Set(%q) = %v, want nil", setting, err)
		}
	}
	wantLimits, wantCounts := Defaults()
	if limits != wantLimits || counts != wantCounts || rows != len(Names()) {
		t.Errorf("the %d rows of Table make %v and %v, want the defaults of %d limits", rows, limits, counts, len(Names()))
	}
}

func TestDefaultsLetAPageWork(t *testing.T) {
	limits, counts := Defaults()
	for k := range kinds {
		for s := range scopes {
			if r := limits[k][s]; (r == Rate{}) != !applies(k, s) {
				t.Errorf("the default of %s.%s is %s, want a rate exactly where one applies", k, s, r)
			}
		}
		if member, address := limits[k][Member], limits[k][Address]; member.Burst > address.Burst || member.perSecond() > address.perSecond() {
			t.Errorf("the default of %s is %s for a member and %s for an address, want no less for an address", k, member, address)
		}
	}
	if slices.Contains(counts[:], 0) {
		t.Errorf("the default counts are %v, want each to have a bound", counts)
	}
	// A client joins all the rooms of a feed at once, and does so again after a break.
	if burst := limits[Join][Member].Burst; burst < 2*100 {
		t.Errorf("a member can join %d rooms at once, want two times 100", burst)
	}
}

// The documentation has the table as it is.
func TestDocs(t *testing.T) {
	const path = "../../../docs/LIMITS.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "\n"+Table()) {
		t.Errorf("%s does not have the table of limits, want this in it:\n%s", path, Table())
	}
}
