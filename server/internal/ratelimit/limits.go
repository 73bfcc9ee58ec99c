package ratelimit

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"chatroom/server/internal/nearest"
)

// Kind is a kind of request.
type Kind uint8

const (
	Send       Kind = iota // messages, edits and custom events
	Delete                 // deletions
	React                  // reactions, added and removed
	Typing                 // typing
	SignIn                 // sign-ins, renewals and sign-outs
	CreateRoom             // the first join or message in a room
	Join                   // joins and leaves
	SetRoom                // a room's name and topic
	History                // pages of history
	List                   // pages of rooms, members, bans and audit; explanations
	Moderate               // mutes, kicks, bans, their ends, and revocations
	Error                  // calls that were answered with an error
	kinds
)

var kindNames = [kinds]string{"send", "delete", "react", "typing", "sign_in", "create_room", "join", "set_room", "history", "list", "moderate", "error"}

func (k Kind) String() string { return kindNames[k] }

// Scope is whom a limit counts for.
type Scope uint8

const (
	Member  Scope = iota // a member id, or an API key
	Address              // an address of IPv4, a /64 of IPv6
	Room
	scopes
)

var scopeNames = [scopes]string{"member", "address", "room"}

func (s Scope) String() string { return scopeNames[s] }

// Rate is how many requests pass: Burst at once, and Count in each Per after that. The
// zero Rate lets all pass.
type Rate struct {
	Count int
	Per   time.Duration
	Burst int
}

// String returns a rate as ParseRate reads it: "10/s:50", or "off".
func (r Rate) String() string {
	if r == (Rate{}) {
		return "off"
	}
	for _, unit := range units {
		if r.Per == unit.per {
			return fmt.Sprintf("%d/%s:%d", r.Count, unit.name, r.Burst)
		}
	}
	return fmt.Sprintf("%d/%s:%d", r.Count, r.Per, r.Burst)
}

var units = []struct {
	name string
	per  time.Duration
}{{"s", time.Second}, {"m", time.Minute}, {"h", time.Hour}}

// MaxCount bounds the numbers of a Rate.
const MaxCount = 1_000_000

const rateBound = `must be "off", or a count from 1 to 1000000, a slash, s, m or h, a colon, and a burst from 1 to 1000000, as in 10/s:50`

// ParseRate reads a rate such as "10/s:50": 50 at once, and 10 a second after that. The
// units are s, m and h. "off" lets all pass.
func ParseRate(text string) (Rate, error) {
	if text == "off" {
		return Rate{}, nil
	}
	count, rest, slash := strings.Cut(text, "/")
	unit, burst, colon := strings.Cut(rest, ":")
	r := Rate{}
	var countOK, burstOK bool
	r.Count, countOK = parseCount(count)
	r.Burst, burstOK = parseCount(burst)
	for _, u := range units {
		if u.name == unit {
			r.Per = u.per
		}
	}
	if !slash || !colon || !countOK || !burstOK || r.Per == 0 {
		return Rate{}, fmt.Errorf("%.40q %s", text, rateBound)
	}
	return r, nil
}

func parseCount(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && 1 <= n && n <= MaxCount && text[0] != '+'
}

// perSecond returns the tokens that a bucket gains in a second.
func (r Rate) perSecond() float64 { return float64(r.Count) / r.Per.Seconds() }

// Limits are the rates of all kinds and scopes.
type Limits [kinds][scopes]Rate

// Set changes limits by settings separated by commas, each the name of a limit, an
// equals sign and a rate or a number: "send.member=20/s:100,typing.room=off". The names
// are those of Table. The word off stands for all of them: "off,connections.total=900"
// leaves one.
func (l *Limits) Set(counts *Counts, text string) error {
	for setting := range strings.SplitSeq(text, ",") {
		setting = strings.TrimSpace(setting)
		if setting == "off" {
			*l, *counts = Limits{}, Counts{}
			continue
		}
		name, value, found := strings.Cut(setting, "=")
		if !found {
			return fmt.Errorf("limit %.40q: must be off, or NAME=VALUE, as in send.member=10/s:50", setting)
		}
		if i := slices.Index(countNames[:], name); i >= 0 {
			n, ok := parseCount(value)
			if !ok && value != "off" {
				return fmt.Errorf("limit %s: %.40q must be \"off\", or a number from 1 to %d", name, value, MaxCount)
			}
			counts[i] = n
			continue
		}
		kind, scope, _ := strings.Cut(name, ".")
		k, s := slices.Index(kindNames[:], kind), slices.Index(scopeNames[:], scope)
		if k < 0 || s < 0 || !applies(Kind(k), Scope(s)) {
			return unknown(name, Names())
		}
		rate, err := ParseRate(value)
		if err != nil {
			return fmt.Errorf("limit %s: %w", name, err)
		}
		l[k][s] = rate
	}
	return nil
}

// unknown is the error for a name that is none of a list.
func unknown(name string, all []string) error {
	if near := nearest.Name(name, all); near != "" {
		return fmt.Errorf("limit %.40q is not known: did you mean %s?", name, near)
	}
	kind, _, _ := strings.Cut(name, ".")
	if of := withPrefix(all, kind+"."); len(of) > 0 {
		all = of
	}
	if len(all) > int(kinds) {
		return fmt.Errorf("limit %.40q is not known: docs/LIMITS.md lists all, such as %s", name, all[0])
	}
	return fmt.Errorf("limit %.40q is not known: must be one of %s", name, strings.Join(all, ", "))
}

func withPrefix(all []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return !strings.HasPrefix(name, prefix) })
}

// ParseRates reads the rates that a credential carries for its member, by kind:
// {"send": "20/s:100"}.
func ParseRates(texts map[string]string) (map[Kind]Rate, error) {
	var rates map[Kind]Rate
	for name, text := range texts {
		k := slices.Index(kindNames[:], name)
		if k < 0 {
			return nil, unknown(name, kindNames[:])
		}
		rate, err := ParseRate(text)
		if err != nil {
			return nil, fmt.Errorf("limit %s: %w", name, err)
		}
		if rates == nil {
			rates = make(map[Kind]Rate)
		}
		rates[Kind(k)] = rate
	}
	return rates, nil
}

// applies reports whether a limit of a kind counts in a scope: not all requests have a room,
// and errors count for the address alone.
func applies(k Kind, s Scope) bool {
	if k == Error {
		return s == Address
	}
	return s != Room || k != SignIn && k != CreateRoom && k != List
}

// Names returns the names of all limits.
func Names() []string {
	var all []string
	for k := range kinds {
		for s := range scopes {
			if applies(k, s) {
				all = append(all, k.String()+"."+s.String())
			}
		}
	}
	return append(all, countNames[:]...)
}

// Count is something that is held at the same time.
type Count uint8

const (
	ConnectionsPerAddress Count = iota
	ConnectionsInTotal
	StreamsPerAddress
	StreamsInTotal
	RoomsPerMember // that a member is in, over all its streams
	RoomsInTotal   // that exist
	counts
)

var countNames = [counts]string{"connections.address", "connections.total", "streams.address", "streams.total", "rooms.member", "rooms.total"}

func (c Count) String() string { return countNames[c] }

// Counts are the bounds of what is held at the same time. Zero means no bound.
type Counts [counts]int

// Defaults returns the limits of a service on the internet. They are far above what
// people do and a page asks for: those of addresses leave room for an office behind one
// address, those of rooms for an event with thousands of people.
func Defaults() (Limits, Counts) {
	perSecond := func(count, burst int) Rate { return Rate{count, time.Second, burst} }
	perMinute := func(count, burst int) Rate { return Rate{count, time.Minute, burst} }
	limits := Limits{
		Send:       {perSecond(10, 50), perSecond(50, 250), perSecond(200, 500)},
		Delete:     {perSecond(2, 20), perSecond(10, 100), perSecond(20, 100)},
		React:      {perSecond(5, 30), perSecond(25, 150), perSecond(200, 500)},
		Typing:     {perSecond(2, 10), perSecond(20, 100), perSecond(100, 200)},
		SignIn:     {perMinute(6, 10), perMinute(60, 60), Rate{}},
		CreateRoom: {perMinute(6, 20), perMinute(30, 60), Rate{}},
		// A client joins up to 100 rooms at once, and again when it reconnects.
		Join:    {perSecond(20, 300), perSecond(100, 2_000), perSecond(500, 5_000)},
		SetRoom: {perMinute(12, 10), perMinute(60, 30), perMinute(30, 10)},
		History: {perSecond(10, 100), perSecond(50, 500), perSecond(500, 2_000)},
		List:    {perSecond(5, 50), perSecond(25, 250), Rate{}},
		// Each is stored and recorded. Back ends that revoke tokens have no address.
		Moderate: {perSecond(5, 50), perSecond(10, 100), perSecond(10, 100)},
		Error:    {Rate{}, perSecond(20, 200), Rate{}},
	}
	return limits, Counts{
		ConnectionsPerAddress: 256,
		ConnectionsInTotal:    15_000,
		StreamsPerAddress:     1_000,
		StreamsInTotal:        100_000,
		RoomsPerMember:        300,
		RoomsInTotal:          100_000,
	}
}

// Table returns the table of all limits for the documentation, in Markdown.
func Table() string {
	limits, bounds := Defaults()
	var b strings.Builder
	b.WriteString("| limit | default | setting | error |\n| --- | --- | --- | --- |\n")
	row := func(name, value string) {
		effect := fmt.Sprintf("`resource_exhausted`, rule `%s`", RuleName(name))
		switch {
		case strings.HasPrefix(name, "connections."):
			effect = "the connection is closed at once"
		case strings.HasPrefix(name, "error."):
			effect = "answers with an error come 100 ms later"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | `-limits %s=%s` | %s |\n", name, value, name, value, effect)
	}
	for k := range kinds {
		for s := range scopes {
			if applies(k, s) {
				row(k.String()+"."+s.String(), limits[k][s].String())
			}
		}
	}
	for c := range counts {
		row(c.String(), strconv.Itoa(bounds[c]))
	}
	return b.String()
}

// RuleName returns the stable name of a limit in errors.
func RuleName(limit string) string { return "limit." + limit }

// seconds returns a duration of so many seconds, rounded up to milliseconds.
func seconds(s float64) time.Duration {
	return time.Duration(math.Ceil(s*1000)) * time.Millisecond
}
