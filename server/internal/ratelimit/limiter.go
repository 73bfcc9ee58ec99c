package ratelimit

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Caller is who makes a request, and where. A field that is not set has no limit.
type Caller struct {
	Member  string     // the member id; of a back end, the id of its API key
	Address netip.Addr // of the client; not set for back ends, whose address is not a person's
	Room    string

	// Rates, if it has one of a kind, replaces the rate for the member: as the
	// credential says. A zero Rate in it lets all pass.
	Rates map[Kind]Rate
}

// Refusal says which limit refused a request, and when to try again.
type Refusal struct {
	Kind       Kind
	Scope      Scope
	Rate       Rate
	RetryAfter time.Duration
}

// Limit returns the name of the limit: "send.member".
func (r *Refusal) Limit() string { return r.Kind.String() + "." + r.Scope.String() }

func (r *Refusal) Error() string {
	return fmt.Sprintf("ratelimit: limit %s of %s is reached: try again in %s", r.Limit(), r.Rate, r.RetryAfter)
}

// MaxBuckets is how many buckets a Limiter holds at most unless its Config says
// otherwise: 29 MB with 287 bytes each, by BenchmarkBuckets.
const MaxBuckets = 100_000

// Config is the limits of a Limiter.
type Config struct {
	Limits     Limits
	MaxBuckets int // zero means MaxBuckets
}

// Limiter refuses what comes too often. A nil one lets all pass.
type Limiter struct {
	config Config

	mu      sync.Mutex // guards below
	buckets map[bucketKey]int
	entries []bucket // in no order
	hand    int      // where the next look for full buckets begins
}

type bucketKey struct {
	kind  Kind
	scope Scope
	text  string     // the member or the room
	net   netip.Addr // the address, without the bits that do not count
}

type bucket struct {
	key     bucketKey
	rate    Rate // of limiter, whose own methods lock
	limiter *rate.Limiter
}

// New returns a limiter with all buckets full.
func New(c Config) *Limiter {
	if c.MaxBuckets == 0 {
		c.MaxBuckets = MaxBuckets
	}
	return &Limiter{config: c, buckets: make(map[bucketKey]int)}
}

// Allow lets a request pass, or says why not.
func (l *Limiter) Allow(kind Kind, c Caller) *Refusal { return l.AllowN(kind, 1, c) }

// AllowN lets n requests pass together, or none of them. More than the burst of a limit
// pass when its bucket is full.
func (l *Limiter) AllowN(kind Kind, n int, c Caller) *Refusal {
	if l == nil || n <= 0 {
		return nil
	}
	return l.allowAt(time.Now(), kind, request{n, &c})
}

// AllowRooms lets requests of one caller pass together, one in each of the rooms, or none of
// them. The caller's own Room does not count.
func (l *Limiter) AllowRooms(kind Kind, c Caller, rooms []string) *Refusal {
	if l == nil || len(rooms) == 0 {
		return nil
	}
	c.Room = ""
	requests := make([]request, 0, 1+len(rooms))
	requests = append(requests, request{len(rooms), &c})
	for _, room := range rooms {
		requests = append(requests, request{1, &Caller{Room: room}})
	}
	return l.allowAt(time.Now(), kind, requests...)
}

// request is a number of requests that count for the same limits.
type request struct {
	n      int
	caller *Caller
}

// charge is what a request takes from a bucket.
type charge struct {
	from   *rate.Limiter
	tokens int
}

func (l *Limiter) allowAt(now time.Time, kind Kind, requests ...request) *Refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := len(l.entries)
	// Buckets go only after the tokens were taken: a new one is full before.
	defer func() {
		if len(l.entries) > before {
			l.makeRoomLocked(now)
		}
	}()
	var refusal *Refusal
	charges := make([]charge, 0, scopes)
	for _, request := range requests {
		for scope := range scopes {
			r, key := l.rate(kind, scope, request.caller)
			if r == (Rate{}) {
				continue
			}
			take := charge{l.bucketLocked(key, r, now), min(request.n, r.Burst)}
			charges = append(charges, take)
			wait := (float64(take.tokens) - take.from.TokensAt(now)) / r.perSecond()
			if wait <= tolerance {
				continue
			}
			// One wait is enough for all limits.
			if after := max(seconds(wait-tolerance/2), time.Millisecond); refusal == nil || after > refusal.RetryAfter {
				refusal = &Refusal{kind, scope, r, after}
			}
		}
	}
	if refusal != nil {
		return refusal
	}
	for _, take := range charges {
		take.from.ReserveN(now, take.tokens) // takes them even if a part of one is missing
	}
	return nil
}

// tolerance is how many seconds too early a request may come: after exactly the wait
// that a refusal names, rounding must not refuse it again.
const tolerance = 1e-6

// rate returns the rate that a caller has in a scope, and the key of its bucket. The
// zero Rate is that of a scope that the request is not in.
func (l *Limiter) rate(kind Kind, scope Scope, c *Caller) (Rate, bucketKey) {
	r, key := l.config.Limits[kind][scope], bucketKey{kind: kind, scope: scope}
	switch scope {
	case Member:
		if own, ok := c.Rates[kind]; ok {
			r = own
		}
		key.text = c.Member
	case Address:
		key.net = Network(c.Address).Addr()
	case Room:
		key.text = c.Room
	}
	if key.text == "" && !key.net.IsValid() {
		return Rate{}, key
	}
	return r, key
}

// bucketLocked returns the bucket of a key, a full one if it has none. The rate of a
// member can be another with another credential: the bucket takes it over with what is
// in it.
func (l *Limiter) bucketLocked(key bucketKey, r Rate, now time.Time) *rate.Limiter {
	if i, found := l.buckets[key]; found {
		b := &l.entries[i]
		if b.rate != r {
			b.rate = r
			b.limiter.SetLimitAt(now, rate.Limit(r.perSecond()))
			b.limiter.SetBurstAt(now, r.Burst)
		}
		return b.limiter
	}
	b := rate.NewLimiter(rate.Limit(r.perSecond()), r.Burst)
	l.buckets[key] = len(l.entries)
	l.entries = append(l.entries, bucket{key, r, b})
	return b
}

// looked is how many buckets are looked at when one is added: more than one, so that
// full ones go faster than others come.
const looked = 8

// makeRoomLocked drops the full ones of a few buckets, and while there are too many of
// them the one of these that will be full first.
func (l *Limiter) makeRoomLocked(now time.Time) {
	for {
		fullest, wait := -1, math.Inf(1)
		for range looked {
			if len(l.entries) == 0 {
				return
			}
			if l.hand >= len(l.entries) {
				l.hand = 0
			}
			left := l.secondsToFull(l.hand, now)
			if left <= 0 {
				l.dropLocked(l.hand)
				fullest, wait = -1, math.Inf(1) // the last one has taken its place
				continue
			}
			if left < wait {
				fullest, wait = l.hand, left
			}
			l.hand++
		}
		if len(l.entries) <= l.config.MaxBuckets {
			return
		}
		if fullest >= 0 {
			l.dropLocked(fullest)
		}
	}
}

func (l *Limiter) secondsToFull(i int, now time.Time) float64 {
	b := l.entries[i].limiter
	return (float64(b.Burst()) - b.TokensAt(now)) / float64(b.Limit())
}

func (l *Limiter) dropLocked(i int) {
	last := len(l.entries) - 1
	delete(l.buckets, l.entries[i].key)
	if i != last {
		l.entries[i] = l.entries[last]
		l.buckets[l.entries[i].key] = i
	}
	l.entries[last] = bucket{}
	l.entries = l.entries[:last]
}

// Network returns what an address counts as: itself, or the /64 of an address of IPv6,
// since that is what one subscriber has. The zero Prefix is that of the zero Addr.
func Network(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap()
	switch {
	case !addr.IsValid():
		return netip.Prefix{}
	case addr.Is4():
		return netip.PrefixFrom(addr, 32)
	}
	return netip.PrefixFrom(addr, 64).Masked()
}
