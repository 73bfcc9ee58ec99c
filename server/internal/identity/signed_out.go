package identity

import (
	"sync"
	"time"
)

// signedOut are the tokens that any node has signed out a moment ago. The zero value is
// ready to use.
type signedOut struct {
	tokens recentMap[tokenID, struct{}] // for streams that were opened with them

	mu    sync.Mutex                          // guards below
	ended func(covers func(*Credential) bool) // nil for none
}

// add remembers a token, and calls ended.
func (s *signedOut) add(id tokenID, now time.Time) {
	s.tokens.add(id, struct{}{}, now)
	s.mu.Lock()
	ended := s.ended
	s.mu.Unlock()
	if ended != nil {
		ended(func(c *Credential) bool { return c.token == id })
	}
}

func (s *signedOut) has(id tokenID) bool {
	_, found := s.tokens.find(id, time.Now())
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
