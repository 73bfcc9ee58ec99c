package identity

import (
	"maps"
	"sync"
	"time"
)

// signedOutFor is how long a token that was signed out is remembered in memory, for streams
// that were opened with it. They end within seconds.
const signedOutFor = 5 * time.Minute

// signedOut are the tokens that any node has signed out a moment ago. The zero value is
// ready to use.
type signedOut struct {
	mu    sync.Mutex // guards below
	times map[tokenID]time.Time
	ended func(covers func(*Credential) bool) // nil for none
}

// add remembers a token, and calls ended.
func (s *signedOut) add(id tokenID, now time.Time) {
	s.mu.Lock()
	if s.times == nil {
		s.times = make(map[tokenID]time.Time)
	}
	maps.DeleteFunc(s.times, func(_ tokenID, at time.Time) bool { return now.Sub(at) > signedOutFor })
	s.times[id] = now
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		ended(func(c *Credential) bool { return c.token == id })
	}
}

func (s *signedOut) has(id tokenID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.times[id]
	return found
}

// OnSignOut has a function called when a node has signed out a token, with what reports
// whether a credential is that of the token. It must not block.
func (g *Guests) OnSignOut(ended func(covers func(*Credential) bool)) {
	g.signedOut.mu.Lock()
	defer g.signedOut.mu.Unlock()
	g.signedOut.ended = ended
}

// SignedOut reports whether the token of a credential was signed out in the last minutes.
// Verify knows of those that were signed out earlier.
func (g *Guests) SignedOut(c *Credential) bool {
	return c.token != (tokenID{}) && g.signedOut.has(c.token)
}

// forget ends the validity of a token on this node.
func (g *Guests) forget(id tokenID) {
	g.verified.remove(id)
	g.signedOut.add(id, time.Now())
}
