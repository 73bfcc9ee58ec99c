package presence_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/presence"
)

var noon = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)

// script drives a roster as its owner does: a Tick after each call, and one
// whenever Due says. It records what is announced, and when.
type script struct {
	roster    *presence.Roster[string]
	now       time.Time
	announced []string
}

func (s *script) tick() {
	for _, change := range s.roster.Tick(s.now) {
		s.announced = append(s.announced, fmt.Sprintf("%v %s", s.now.Sub(noon), show(change)))
	}
}

func show(change presence.Change[string]) string {
	switch c := change.(type) {
	case presence.Joined[string]:
		return fmt.Sprintf("+%s %d", c.Member, c.Count)
	case presence.Left[string]:
		return fmt.Sprintf("-%s %d", c.Member, c.Count)
	case presence.Renamed[string]:
		return fmt.Sprintf("%s=%s %d", c.ID, c.Member, c.Count)
	case presence.Counted[string]:
		return fmt.Sprintf("%d", c.Count)
	case presence.Summary[string]:
		var names []string
		for _, m := range c.Sample {
			names = append(names, m.Member)
		}
		return fmt.Sprintf("+%d -%d %d [%s]", c.Joined, c.Left, c.Count, strings.Join(names, " "))
	}
	return fmt.Sprintf("%#v", change)
}

// enter takes "id" or "id=name".
func (s *script) enter(who ...string) {
	for _, w := range who {
		id, name, named := strings.Cut(w, "=")
		if !named {
			name = id
		}
		s.roster.Enter(s.now, id, name)
		s.tick()
	}
}

func (s *script) leave(ids ...string) { s.end(true, ids) }
func (s *script) lose(ids ...string)  { s.end(false, ids) }

func (s *script) end(explicit bool, ids []string) {
	for _, id := range ids {
		s.roster.Leave(s.now, id, explicit)
		s.tick()
	}
}

func (s *script) wait(d time.Duration) {
	end := s.now.Add(d)
	ticks := 0
	for due, ok := s.roster.Due(); ok && !due.After(end); due, ok = s.roster.Due() {
		s.now = due
		s.tick()
		if ticks++; ticks > 100 {
			panic(fmt.Sprintf("Due() = %v after %d ticks", due, ticks))
		}
	}
	s.now = end
}

func numbered(prefix string, from, to int) []string {
	var ids []string
	for i := from; i <= to; i++ {
		ids = append(ids, fmt.Sprintf("%s%d", prefix, i))
	}
	return ids
}

func TestAnnouncements(t *testing.T) {
	small := presence.Config{SummarizeAbove: 5, Sample: 2}
	for _, tt := range []struct {
		name   string
		config presence.Config
		script func(*script)
		want   []string
	}{
		{"each change of a small room at once", presence.Config{}, func(s *script) {
			s.enter("ann", "bob")
			s.wait(time.Second)
			s.leave("ann")
		}, []string{"0s +ann 1", "0s +bob 2", "1s -ann 1"}},
		{"a lost connection after the grace", presence.Config{}, func(s *script) {
			s.enter("ann")
			s.lose("ann")
			s.wait(time.Minute)
		}, []string{"0s +ann 1", "10s -ann 0"}},
		{"not a reload", presence.Config{}, func(s *script) {
			for range 5 {
				s.enter("ann")
				s.wait(time.Minute)
				s.lose("ann")
				s.wait(10*time.Second - 1)
			}
		}, []string{"0s +ann 1"}},
		{"grace begins anew with each loss", presence.Config{}, func(s *script) {
			s.enter("ann")
			s.lose("ann")
			s.wait(9 * time.Second)
			s.enter("ann")
			s.lose("ann")
			s.wait(time.Minute)
		}, []string{"0s +ann 1", "19s -ann 0"}},
		{"several connections as one member", presence.Config{}, func(s *script) {
			s.enter("ann", "ann", "ann")
			s.lose("ann")
			s.leave("ann")
			s.wait(time.Minute)
			s.leave("ann")
		}, []string{"0s +ann 1", "1m0s -ann 0"}},
		{"the last of several connections decides: lost", presence.Config{}, func(s *script) {
			s.enter("ann", "ann")
			s.leave("ann")
			s.lose("ann")
			s.wait(time.Minute)
		}, []string{"0s +ann 1", "10s -ann 0"}},
		{"the last of several connections decides: explicit", presence.Config{}, func(s *script) {
			s.enter("ann", "ann")
			s.lose("ann")
			s.leave("ann")
		}, []string{"0s +ann 1", "0s -ann 0"}},
		{"not a leave without an enter", presence.Config{}, func(s *script) {
			s.leave("ann", "")
			s.lose("ann", "")
			s.enter("ann")
			s.lose("ann", "ann")
			s.leave("ann")
			s.wait(time.Minute)
		}, []string{"0s +ann 1", "10s -ann 0"}},
		{"another name, with the same count", presence.Config{}, func(s *script) {
			s.enter("ann=ann", "ann=ann", "ann=anna")
			s.lose("ann", "ann", "ann")
			s.wait(time.Second)
			s.enter("ann=anne")
			s.leave("ann")
		}, []string{"0s +ann 1", "0s ann=anna 1", "1s ann=anne 1", "1s -anne 0"}},
		{"anonymous connections as counts, the first at once", presence.Config{}, func(s *script) {
			s.enter("", "", "")
			s.wait(time.Minute)
			s.leave("", "")
		}, []string{"0s 1", "1s 3", "1m0s 2"}},
		{"not anonymous connections that reload", presence.Config{}, func(s *script) {
			s.enter("", "")
			s.wait(time.Second)
			s.lose("", "")
			s.wait(9 * time.Second)
			s.enter("")
			s.wait(time.Minute)
			s.lose("")
			s.wait(time.Minute)
		}, []string{"0s 1", "1s 2", "11s 1", "1m20s 0"}},
		{"anonymous connections with the change of a member", presence.Config{}, func(s *script) {
			s.enter("", "", "ann")
			s.wait(time.Minute)
		}, []string{"0s 1", "0s +ann 3"}},
		{"summaries of a large room, at most once a second", small, func(s *script) {
			s.enter(numbered("m", 1, 9)...)
			s.wait(time.Minute)
			s.leave("m1")
			s.enter("m10", "m11", "m12")
			s.wait(time.Second)
		}, []string{"0s +m1 1", "0s +m2 2", "0s +m3 3", "0s +m4 4", "0s +m5 5",
			"0s +1 -0 6 [m6]", "1s +3 -0 9 [m7 m8]",
			"1m0s +0 -1 8 []", "1m1s +3 -0 11 [m10 m11]"}},
		{"not who joins and leaves between two summaries", small, func(s *script) {
			s.enter(numbered("m", 1, 6)...)
			for range 100 {
				s.enter("eve", "")
				s.leave("eve", "")
				s.leave("m1")
				s.enter("m1")
			}
			s.wait(time.Minute)
		}, []string{"0s +m1 1", "0s +m2 2", "0s +m3 3", "0s +m4 4", "0s +m5 5", "0s +1 -0 6 [m6]"}},
		{"a few changed names in a large room, at most once a second", small, func(s *script) {
			s.enter(numbered("m", 1, 6)...)
			s.enter("m1=a")
			s.wait(time.Second)
			s.enter("m1=b", "m2=c", "m3=d", "m7")
			s.wait(time.Minute)
		}, []string{"0s +m1 1", "0s +m2 2", "0s +m3 3", "0s +m4 4", "0s +m5 5", "0s +1 -0 6 [m6]",
			"1s m1=a 6", "2s +1 -0 7 [m7]", "2s m1=b 7", "2s m2=c 7"}},
		{"summaries until a fifth has left", small, func(s *script) {
			s.enter(numbered("m", 1, 6)...)
			s.wait(time.Minute)
			s.leave("m1") // 5: not above the bound any more, but more than four fifths of it
			s.wait(time.Second)
			s.enter("m1")
			s.wait(time.Second)
			s.leave("m1", "m2") // 4 is four fifths
			s.wait(time.Minute)
			s.enter("m1") // and 5 is not above the bound
		}, []string{"0s +m1 1", "0s +m2 2", "0s +m3 3", "0s +m4 4", "0s +m5 5", "0s +1 -0 6 [m6]",
			"1m0s +0 -1 5 []", "1m1s +1 -0 6 [m1]", "1m2s +0 -1 5 []", "1m3s +0 -1 4 []", "2m2s +m1 5"}},
		{"one summary when almost all leave", small, func(s *script) {
			s.enter(numbered("m", 1, 5)...)
			s.enter(numbered("n", 1, 95)...)
			s.wait(time.Minute)
			s.lose(numbered("m", 1, 5)...)
			s.lose(numbered("n", 1, 94)...)
			s.wait(time.Minute)
			s.leave("n95")
		}, []string{"0s +m1 1", "0s +m2 2", "0s +m3 3", "0s +m4 4", "0s +m5 5", "0s +1 -0 6 [n1]",
			"1s +94 -0 100 [n2 n3]", "1m10s +0 -99 1 []", "2m0s -n95 0"}},
		{"summaries of anonymous connections", small, func(s *script) {
			s.enter(slices.Repeat([]string{""}, 8)...)
			s.wait(time.Minute)
			s.leave(slices.Repeat([]string{""}, 8)...)
			s.wait(time.Minute)
			s.enter("")
		}, []string{"0s 1", "1s +7 -0 8 []", "1m0s +0 -1 7 []", "1m1s +0 -7 0 []", "2m0s 1"}},
		{"a clock that is set back", presence.Config{}, func(s *script) {
			s.enter("ann")
			s.lose("ann")
			s.wait(4 * time.Second)
			s.tick()
			s.now = s.now.Add(-time.Hour)
			s.tick()
			s.wait(5 * time.Second)
			s.enter("bob")
			s.wait(time.Second)
		}, []string{"0s +ann 1", "-59m51s +bob 2", "-59m50s -ann 1"}},
		{"times that are out of order", presence.Config{}, func(s *script) {
			s.enter("ann")
			s.lose("ann")
			for range 1000 {
				s.now = s.now.Add(5 * time.Second)
				s.tick()
				s.now = s.now.Add(-5 * time.Second)
				s.tick()
			}
			s.wait(time.Minute)
		}, []string{"0s +ann 1", "10s -ann 0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &script{roster: presence.New[string](tt.config), now: noon}
			tt.script(s)
			if !slices.Equal(s.announced, tt.want) {
				t.Errorf("announced %q, want %q", s.announced, tt.want)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	s := &script{roster: presence.New[string](presence.Config{}), now: noon}
	check := func(when string, want bool) {
		t.Helper()
		if got := s.roster.Empty(); got != want {
			t.Errorf("Empty() = %t %s, want %t", got, when, want)
		}
	}
	check("at first", true)
	s.enter("ann", "")
	check("with members", false)
	s.lose("ann", "")
	check("in grace", false)
	s.wait(10*time.Second - 1)
	check("at the end of the grace", false)
	s.wait(1)
	check("after the grace", true)
	if due, ok := s.roster.Due(); ok {
		t.Errorf("Due() = %v in an empty room, want none", due)
	}
	s.enter("ann")
	s.roster.Leave(s.now, "ann", true)
	check("before the leave is announced", false)
	s.tick()
	check("after the leave is announced", true)
}

func TestMembersInPages(t *testing.T) {
	s := &script{roster: presence.New[string](presence.Config{}), now: noon}
	s.enter(numbered("m", 1000, 1999)...)
	s.lose("m1500")                        // in grace
	s.leave(numbered("m", 1600, 1699)...)  // not present, though not announced yet
	s.roster.Enter(s.now, "", "anonymous") // counted only
	var got []string
	for after, more := "", true; more; {
		more = false
		page := 0
		for id := range s.roster.Members(after) {
			if page++; page > 7 {
				more = true
				break
			}
			got, after = append(got, id), id
		}
	}
	want := append(numbered("m", 1000, 1599), numbered("m", 1700, 1999)...)
	if !slices.Equal(got, want) {
		t.Errorf("pages of Members = %q, want %q", got, want)
	}
	if got, want := s.roster.Count(), 901; got != want {
		t.Errorf("Count() = %d, want %d", got, want)
	}
}
