package presence_test

import (
	"slices"
	"testing"
	"time"

	"chatroom/server/internal/presence"
)

type report = presence.Report[string]

func seen(at time.Time, who ...string) []presence.Sighting[string] {
	var all []presence.Sighting[string]
	for _, w := range who {
		all = append(all, presence.Sighting[string]{ID: w, Member: w, Since: at})
	}
	return all
}

func TestMergeTold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script func(*script)
		want   []string
	}{
		{"members of other nodes", func(s *script) {
			s.merge("east", report{Version: 1, Here: seen(noon, "ann", "bob")})
			s.merge("east", report{Version: 2, Left: []string{"ann"}, Lost: []string{"bob"}})
			s.wait(time.Minute)
		}, []string{"0s +ann 1", "0s +bob 2", "0s -ann 1", "10s -bob 0"}},
		{"one member on several nodes", func(s *script) {
			s.enter("ann")
			s.merge("east", report{Version: 1, Here: seen(noon, "ann")})
			s.merge("west", report{Version: 1, Here: seen(noon, "ann")})
			s.leave("ann")
			s.merge("east", report{Version: 2, Left: []string{"ann"}})
			s.wait(time.Minute)
			s.merge("west", report{Version: 2, Left: []string{"ann"}})
		}, []string{"0s +ann 1", "1m0s -ann 0"}},
		{"a change of node not at all", func(s *script) {
			s.merge("east", report{Version: 1, Here: seen(noon, "ann"), Anonymous: 1})
			s.wait(time.Second)
			s.merge("east", report{Version: 2, Lost: []string{"ann"}})
			s.wait(9 * time.Second)
			s.enter("ann", "")
			s.wait(time.Minute)
		}, []string{"0s +ann 2"}},
		{"a lost node after the grace", func(s *script) {
			s.merge("east", report{Version: 1, Here: seen(noon, "ann", "bob", "cyd"), Anonymous: 3})
			s.merge("west", report{Version: 1, Here: seen(noon, "bob")})
			s.wait(time.Minute)
			s.drop("east")
			s.drop("east")
			s.drop("north")
			s.wait(time.Second)
			s.enter("cyd", "")
			s.wait(time.Minute)
		}, []string{"0s +ann 4", "0s +bob 5", "0s +cyd 6", "1m10s -ann 3"}},
		{"whom a whole report lacks, after the grace", func(s *script) {
			s.merge("east", report{Version: 1, Here: seen(noon, "ann", "bob")})
			s.merge("east", report{Version: 9, Whole: true, Here: seen(noon, "bob", "cyd")})
			s.wait(time.Minute)
		}, []string{"0s +ann 1", "0s +bob 2", "0s +cyd 3", "10s -ann 2"}},
		{"of two names the later one", func(s *script) {
			name := func(name string, at time.Time) []presence.Sighting[string] {
				return []presence.Sighting[string]{{ID: "ann", Member: name, Since: at}}
			}
			s.merge("east", report{Version: 1, Here: name("ann", noon.Add(2))})
			s.merge("west", report{Version: 1, Here: name("ana", noon.Add(1))})
			s.merge("west", report{Version: 2, Here: name("anna", noon.Add(3))})
			s.merge("east", report{Version: 2, Whole: true, Here: name("ann", noon.Add(2))})
			s.enter("ann=anne") // whatever the other clocks say
			s.merge("east", report{Version: 3, Lost: []string{"ann"}})
			s.merge("west", report{Version: 3, Lost: []string{"ann"}})
			s.leave("ann")
			s.merge("east", report{Version: 4, Here: name("ann", time.Time{})})
		}, []string{"0s +ann 1", "0s ann=anna 1", "0s ann=anne 1", "0s -anne 0", "0s +ann 1"}},
		{"somebody without an id not at all", func(s *script) {
			s.merge("east", report{Version: 1, Here: seen(noon, ""), Lost: []string{"", "bob"}, Anonymous: -1})
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{roster: presence.New[string](presence.Config{}), now: noon}
			tt.script(s)
			if !slices.Equal(s.told, tt.want) {
				t.Errorf("told %q, want %q", s.told, tt.want)
			}
		})
	}
}

func TestMergeInOrder(t *testing.T) {
	s := &script{roster: presence.New[string](presence.Config{}), now: noon}
	for _, tt := range []struct {
		report report
		want   bool
		count  int
	}{
		{report{Version: 2, Here: seen(noon, "ann")}, false, 0},                           // the first one is missing
		{report{Version: 3, Whole: true, Here: seen(noon, "ann", "bob")}, true, 2},        // and asked for
		{report{Version: 3, Here: seen(noon, "cyd")}, true, 2},                            // again
		{report{Version: 2, Left: []string{"ann"}}, true, 2},                              // late
		{report{Version: 2, Whole: true}, true, 2},                                        // late
		{report{Version: 5, Left: []string{"ann"}}, false, 2},                             // one is missing
		{report{Version: 4, Here: seen(noon, "cyd"), Anonymous: 2}, true, 5},              // here it is
		{report{Version: 5, Left: []string{"ann"}, Anonymous: 2}, true, 4},                // once more
		{report{Version: 9, Whole: true, Here: seen(noon, "cyd"), Anonymous: 2}, true, 4}, // bob is in grace
	} {
		if got := s.merge("east", tt.report); got != tt.want || s.roster.Count() != tt.count {
			t.Errorf("Merge(%+v) = %t, Count() = %d, want %t, %d", tt.report, got, s.roster.Count(), tt.want, tt.count)
		}
	}
	s.drop("east")
	if s.merge("east", report{Version: 10}) {
		t.Errorf("Merge() = true after Drop, want a whole report to be needed")
	}
}
