package ratelimit

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var addr4 = netip.MustParseAddr("192.0.2.1")

// limits with one rate.
func only(kind Kind, scope Scope, r Rate) Config {
	var c Config
	c.Limits[kind][scope] = r
	return c
}

func TestAllow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(only(Send, Member, Rate{10, time.Second, 3}))
		ada := Caller{Member: "ada", Address: addr4, Room: "lobby"}
		for i := range 3 {
			if refusal := l.Allow(Send, ada); refusal != nil {
				t.Fatalf("Allow, call %d = %v, want it to pass", i+1, refusal)
			}
		}
		want := Refusal{Send, Member, Rate{10, time.Second, 3}, 100 * time.Millisecond}
		for range 5 { // what is refused costs nothing
			if refusal := l.Allow(Send, ada); refusal == nil || *refusal != want {
				t.Fatalf("Allow past the burst = %+v, want %+v", refusal, want)
			}
		}
		for name, other := range map[string]Caller{"another member": {Member: "bob", Address: addr4}, "a caller without an id": {Address: addr4, Room: "lobby"}} {
			if refusal := l.Allow(Send, other); refusal != nil {
				t.Errorf("Allow of %s = %v, want it to pass", name, refusal)
			}
		}
		if refusal := l.Allow(Delete, ada); refusal != nil {
			t.Errorf("Allow of another kind = %v, want it to pass", refusal)
		}
		<-time.After(want.RetryAfter - time.Millisecond)
		if refusal := l.Allow(Send, ada); refusal == nil || refusal.RetryAfter != time.Millisecond {
			t.Errorf("Allow just before the wait is over = %v, want a wait of 1ms", refusal)
		}
		<-time.After(time.Millisecond)
		if refusal := l.Allow(Send, ada); refusal != nil {
			t.Errorf("Allow after the wait = %v, want it to pass", refusal)
		}
		<-time.After(time.Hour)
		if refusal := l.AllowN(Send, 100, ada); refusal != nil {
			t.Errorf("AllowN of more than the burst with a full bucket = %v, want it to pass", refusal)
		}
		if refusal := l.AllowN(Send, 100, ada); refusal == nil || refusal.RetryAfter != 300*time.Millisecond {
			t.Errorf("AllowN of more than the burst with an empty bucket = %v, want to wait until it is full", refusal)
		}
	})
}

// A request that one limit refuses takes nothing from the others.
func TestAllowIsAllOrNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := only(Send, Member, Rate{1, time.Minute, 1})
		c.Limits[Send][Address], c.Limits[Send][Room] = Rate{1, time.Second, 5}, Rate{1, time.Hour, 2}
		l := New(c)
		call := func(member string) *Refusal {
			return l.Allow(Send, Caller{Member: member, Address: addr4, Room: "lobby"})
		}
		if refusal := call("flood"); refusal != nil {
			t.Fatalf("Allow = %v, want it to pass", refusal)
		}
		for range 100 {
			if refusal := call("flood"); refusal == nil || refusal.Limit() != "send.member" || refusal.RetryAfter != time.Minute {
				t.Fatalf("Allow of the flood = %v, want the limit of the member", refusal)
			}
		}
		if refusal := call("bystander"); refusal != nil {
			t.Errorf("Allow of a bystander = %v, want the flood's refusals to have cost the room nothing", refusal)
		}
		if refusal := call("flood"); refusal == nil || refusal.Limit() != "send.room" || refusal.RetryAfter != time.Hour {
			t.Errorf("Allow past two limits = %v, want the one with the longer wait", refusal)
		}
	})
}

// Requests in several rooms pass together or not at all: while one room is full, a caller that
// tries again spends nothing of its own, and after the wait it passes.
func TestAllowRoomsIsAllOrNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c Config
		c.Limits[Join] = [scopes]Rate{{1, time.Hour, 6}, {1, time.Hour, 6}, {1, time.Second, 1}}
		l := New(c)
		ada, rooms := Caller{Member: "ada", Address: addr4, Room: "unused"}, []string{"a", "hot", "b"}
		if refusal := l.Allow(Join, Caller{Member: "bob", Room: "hot"}); refusal != nil {
			t.Fatalf("Allow = %v, want it to pass", refusal)
		}
		want := Refusal{Join, Room, Rate{1, time.Second, 1}, time.Second}
		for range 3 {
			if refusal := l.AllowRooms(Join, ada, rooms); refusal == nil || *refusal != want {
				t.Fatalf("AllowRooms = %v, want %v", refusal, &want)
			}
		}
		for _, room := range []string{"a", "b", "unused"} {
			if refusal := l.Allow(Join, Caller{Room: room}); refusal != nil {
				t.Errorf("Allow in room %q after the refusals = %v, want it to pass", room, refusal)
			}
		}
		for range 2 {
			<-time.After(want.RetryAfter)
			if refusal := l.AllowRooms(Join, ada, rooms); refusal != nil {
				t.Errorf("AllowRooms after the wait = %v, want it to pass", refusal)
			}
		}
		<-time.After(want.RetryAfter)
		if refusal := l.AllowRooms(Join, ada, rooms); refusal == nil || refusal.Scope != Member {
			t.Errorf("AllowRooms past the burst of the member = %v, want a refusal of the member", refusal)
		}
		if refusal := l.AllowRooms(Join, ada, nil); refusal != nil {
			t.Errorf("AllowRooms in no room = %v, want it to pass", refusal)
		}
	})
}

func TestAddressesCountByNetwork(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := Network(netip.MustParseAddr(a)); got != netip.MustParsePrefix(want) {
			t.Errorf("Network(%s) = %s, want %s", a, got, want)
		}
	}
	if got := Network(netip.Addr{}); got.IsValid() {
		t.Errorf("Network of no address = %s, want none", got)
	}
	l := New(only(SignIn, Address, Rate{1, time.Hour, 1}))
	for _, step := range []struct {
		addr    string
		refused bool
	}{
		{"2001:db8:1:2::1", false}, {"2001:db8:1:2:ffff::2", true}, {"2001:db8:1:3::1", false},
		{"192.0.2.1", false}, {"::ffff:192.0.2.1", true}, {"192.0.2.2", false},
	} {
		if got := l.Allow(SignIn, Caller{Address: netip.MustParseAddr(step.addr)}); (got != nil) != step.refused {
			t.Errorf("Allow from %s = %v, want refused = %t", step.addr, got, step.refused)
		}
	}
	for range 3 {
		if got := l.Allow(SignIn, Caller{}); got != nil {
			t.Errorf("Allow without an address = %v, want it to pass", got)
		}
	}
}

// A credential may carry rates of its own.
func TestOwnRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(only(Send, Member, Rate{1, time.Second, 1}))
		plain := Caller{Member: "bot"}
		more := Caller{Member: "bot", Rates: map[Kind]Rate{Send: {100, time.Second, 50}}}
		none := Caller{Member: "bot", Rates: map[Kind]Rate{Send: {}}}
		if refusal := l.Allow(Send, plain); refusal != nil {
			t.Errorf("Allow = %v, want it to pass", refusal)
		}
		<-time.After(time.Hour)
		if refusal := l.Allow(Send, more); refusal != nil {
			t.Errorf("Allow with a larger burst = %v, want it to pass", refusal)
		}
		<-time.After(500 * time.Millisecond)
		if refusal := l.AllowN(Send, 50, more); refusal != nil {
			t.Errorf("AllowN within the own burst = %v, want it to pass", refusal)
		}
		if refusal := l.Allow(Send, more); refusal == nil || refusal.RetryAfter != 10*time.Millisecond || refusal.Rate.Burst != 50 {
			t.Errorf("Allow past the own burst = %+v, want the own rate", refusal)
		}
		if refusal := l.Allow(Send, plain); refusal == nil || refusal.RetryAfter != time.Second {
			t.Errorf("Allow with another credential of the member = %v, want the tokens of one bucket", refusal)
		}
		for _, step := range []struct {
			wait   time.Duration
			caller Caller
			n      int
		}{{time.Hour, plain, 1}, {time.Second, more, 1}, {500 * time.Millisecond, more, 50}} {
			<-time.After(step.wait)
			if refusal := l.AllowN(Send, step.n, step.caller); refusal != nil {
				t.Errorf("AllowN(%d, %+v) after %s = %v, want the bucket to have grown with the credential", step.n, step.caller, step.wait, refusal)
			}
		}
		<-time.After(time.Hour)
		if first, second := l.Allow(Send, plain), l.Allow(Send, plain); first != nil || second == nil || second.RetryAfter != time.Second {
			t.Errorf("Allow twice with the first credential again = %v, %v, want its burst of 1", first, second)
		}
		<-time.After(time.Second)
		if first, second := l.Allow(Send, plain), l.Allow(Send, plain); first != nil || second == nil {
			t.Errorf("Allow twice a second later = %v, %v, want its rate of 1 a second", first, second)
		}
		for range 1000 {
			if refusal := l.Allow(Send, none); refusal != nil {
				t.Fatalf("Allow of a member without a limit = %v, want it to pass", refusal)
			}
		}
	})
}

func TestNilLimiterAllows(t *testing.T) {
	var l *Limiter
	if refusal := l.AllowN(Send, 1_000_000, Caller{Member: "m"}); refusal != nil {
		t.Errorf("AllowN of a nil limiter = %v, want it to pass", refusal)
	}
}

// model has a bucket for each key that ever was, and counts its tokens itself.
type model struct {
	limits Limits
	tokens map[string]float64
	at     map[string]time.Time
}

// allow says whether requests pass, and whether that is so close that rounding decides.
// pass takes the tokens.
func (m *model) allow(kind Kind, n int, c Caller, now time.Time) (allowed, close bool, pass func()) {
	allowed = true
	take := map[string]float64{}
	for scope, key := range map[Scope]string{Member: c.Member, Address: fmt.Sprint(c.Address), Room: c.Room} {
		r := m.limits[kind][scope]
		if key == "" || r == (Rate{}) {
			continue
		}
		key = fmt.Sprint(kind, scope, key)
		tokens := float64(r.Burst)
		if at, found := m.at[key]; found {
			tokens = min(tokens, m.tokens[key]+now.Sub(at).Seconds()*float64(r.Count)/r.Per.Seconds())
		}
		m.tokens[key], m.at[key] = tokens, now
		want := float64(min(n, r.Burst))
		take[key] = want
		allowed = allowed && tokens >= want
		close = close || math.Abs(tokens-want)/r.perSecond() < 2*tolerance
	}
	return allowed, close, func() {
		for key, n := range take {
			m.tokens[key] -= n
		}
	}
}

func TestAllowIsTheModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		var config Config
		for scope := range scopes {
			if rapid.Bool().Draw(t, "limited") {
				config.Limits[Send][scope] = Rate{rapid.IntRange(1, 5).Draw(t, "count"), time.Second, rapid.IntRange(1, 5).Draw(t, "burst")}
			}
		}
		l := New(config)
		m := &model{config.Limits, map[string]float64{}, map[string]time.Time{}}
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(1, 3000).Draw(t, "ms")) * time.Millisecond)
			},
			"allow": func(t *rapid.T) {
				c := Caller{
					Member:  rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "member"),
					Address: netip.AddrFrom4([4]byte{192, 0, 2, rapid.ByteRange(1, 3).Draw(t, "address")}),
					Room:    rapid.SampledFrom([]string{"r", "s"}).Draw(t, "room"),
				}
				n := rapid.IntRange(1, 6).Draw(t, "n")
				check := func() *Refusal {
					want, close, pass := m.allow(Send, n, c, now)
					refusal := l.allowAt(now, Send, request{n, &c})
					if got := refusal == nil; got != want && !close {
						t.Fatalf("AllowN(%d, %+v) = %v, want allowed = %t", n, c, refusal, want)
					}
					if refusal == nil {
						pass()
					}
					return refusal
				}
				if refusal := check(); refusal != nil && rapid.Bool().Draw(t, "retry") {
					now = now.Add(refusal.RetryAfter)
					if again := check(); again != nil {
						t.Fatalf("AllowN(%d, %+v) after a wait of %s = %v, want it to pass", n, c, refusal.RetryAfter, again)
					}
				}
			},
			"": func(t *rapid.T) {
				if len(l.entries) != len(l.buckets) {
					t.Fatalf("%d entries and %d keys, want as many", len(l.entries), len(l.buckets))
				}
				for i, b := range l.entries {
					if l.buckets[b.key] != i {
						t.Fatalf("the bucket of %+v is said to be at %d, and is at %d", b.key, l.buckets[b.key], i)
					}
				}
			},
		})
	})
}

// Full buckets go as others come, and there are never more than the bound.
func TestBucketsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := only(SignIn, Address, Rate{1, time.Second, 10})
		c.MaxBuckets = 1000
		l := New(c)
		from := func(i int) Caller {
			return Caller{Address: netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, byte(i >> 16), byte(i >> 8), byte(i)})}
		}
		empty := Caller{Address: addr4}
		if refusal := l.AllowN(SignIn, 10, empty); refusal != nil {
			t.Fatal(refusal)
		}
		for i := range 50_000 {
			if refusal := l.Allow(SignIn, from(i)); refusal != nil {
				t.Fatalf("Allow of address %d = %v, want a flood from many addresses not to lock any out", i, refusal)
			}
			if n := len(l.entries); n > 1000 {
				t.Fatalf("%d buckets after %d addresses, want at most 1000", n, i+1)
			}
		}
		if refusal := l.Allow(SignIn, empty); refusal == nil {
			t.Error("Allow of an address with an empty bucket passes after a flood of others, want the fuller ones to be dropped first")
		}
		<-time.After(time.Hour)
		for i := range 200 {
			_ = l.Allow(SignIn, from(1<<20+i))
		}
		if n := len(l.entries); n > 200 {
			t.Errorf("%d buckets an hour after the flood and 200 addresses later, want the full ones to be gone", n)
		}
	})
}

func TestSlots(t *testing.T) {
	counts := Counts{ConnectionsPerAddress: 2, ConnectionsInTotal: 3, RoomsPerMember: 1}
	s := NewSlots[string](&counts, ConnectionsPerAddress, ConnectionsInTotal)
	acquire := func(holder, want string) func() {
		t.Helper()
		release, err := s.Acquire(holder)
		got := ""
		if full, ok := errors.AsType[*FullError](err); ok {
			got = full.Limit
		}
		if got != want || (release == nil) != (want != "") {
			t.Fatalf("Acquire(%q) = %v, want the limit %q", holder, err, want)
		}
		return release
	}
	release := acquire("a", "")
	acquire("a", "")
	acquire("a", "connections.address")
	acquire("b", "")
	acquire("b", "connections.total")
	release()
	release() // the second time it does nothing
	acquire("b", "")
	acquire("c", "connections.total")
	if n := s.Held(); n != 3 {
		t.Errorf("Held = %d, want 3", n)
	}
	rooms := NewHolderSlots[string](&counts, RoomsPerMember)
	for _, member := range []string{"a", "b", "c", "d"} {
		if _, err := rooms.Acquire(member); err != nil {
			t.Errorf("Acquire(%q) = %v, want no bound in total", member, err)
		}
	}
	free := NewSlots[string](&Counts{}, ConnectionsPerAddress, ConnectionsInTotal)
	for range 1000 {
		if _, err := free.Acquire("a"); err != nil {
			t.Fatalf("Acquire without bounds = %v, want nil", err)
		}
	}
}

func TestSlotsAreGivenBack(t *testing.T) {
	counts := Counts{StreamsPerAddress: 4, StreamsInTotal: 100}
	s := NewSlots[int](&counts, StreamsPerAddress, StreamsInTotal)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 1000 {
				if release, err := s.Acquire(i % 3); err == nil {
					release()
				}
			}
		})
	}
	wg.Wait()
	if n := s.Held(); n != 0 || len(s.held) != 0 {
		t.Errorf("%d slots of %d holders are held after all were given back, want none", n, len(s.held))
	}
}

func BenchmarkAllow(b *testing.B) {
	limits, _ := Defaults()
	for scope := range scopes {
		limits[Send][scope] = Rate{MaxCount, time.Second, MaxCount}
	}
	l := New(Config{Limits: limits})
	c := Caller{Member: "ada", Address: addr4, Room: "lobby"}
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Allow(Send, c)
	}
}

// BenchmarkBuckets reports what a bucket takes in memory.
func BenchmarkBuckets(b *testing.B) {
	limits, _ := Defaults()
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		l := New(Config{Limits: limits})
		for i := range MaxBuckets {
			_ = l.Allow(SetRoom, Caller{Member: fmt.Sprintf("%026d", i)})
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(l.entries)), "B/bucket")
		runtime.KeepAlive(l)
	}
}
