package identity

import (
	"maps"
	"sync"
	"time"

	"chatroom/server/internal/chat"
)

// maxVerified is how many tokens a generation of the cache holds.
const maxVerified = 4_096

// verified caches the members of valid tokens, so that the token of a caller with many calls
// is verified once. It holds the most recently used tokens: between maxVerified and twice as
// many. Its zero value is ready to use.
type verified struct {
	mu       sync.Mutex               // guards below
	current  map[string]verifiedToken // the newest generation
	previous map[string]verifiedToken // the generation before it
	removals uint64                   // how often remove was called
}

type verifiedToken struct {
	id         tokenID
	member     chat.Member
	expires    time.Time
	credential *Credential
	retired    time.Time // from when a guest is a former id of an account; zero for never
}

// until returns until when the token is valid.
func (t *verifiedToken) until() time.Time {
	if !t.retired.IsZero() && t.retired.Before(t.expires) {
		return t.retired
	}
	return t.expires
}

// find returns a cached token that has not expired.
func (v *verified) find(token string, now time.Time) (verifiedToken, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, found := v.current[token]
	if !found {
		if t, found = v.previous[token]; found {
			v.addLocked(token, t)
		}
	}
	if !found || !now.Before(t.until()) {
		return verifiedToken{}, false
	}
	return t, true
}

// begin returns what add is called with after a token has been found valid.
func (v *verified) begin() (removals uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.removals
}

// add caches a token, unless one was removed since begin: it may be this one.
func (v *verified) add(token string, t verifiedToken, removals uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.removals == removals {
		v.addLocked(token, t)
	}
}

// remove removes a token.
func (v *verified) remove(id tokenID) { v.removeIf(func(t *verifiedToken) bool { return t.id == id }) }

// removeIf removes the tokens that it is called with.
func (v *verified) removeIf(is func(*verifiedToken) bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.removals++
	remove := func(_ string, t verifiedToken) bool { return is(&t) }
	maps.DeleteFunc(v.current, remove)
	maps.DeleteFunc(v.previous, remove)
}

func (v *verified) addLocked(token string, t verifiedToken) {
	if len(v.current) >= maxVerified {
		v.previous, v.current = v.current, nil
	}
	if v.current == nil {
		v.current = make(map[string]verifiedToken)
	}
	v.current[token] = t
}
