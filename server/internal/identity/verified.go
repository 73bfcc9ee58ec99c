package identity

import (
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
}

type verifiedToken struct {
	member  chat.Member
	expires time.Time
}

// find returns the member of a cached token that has not expired.
func (v *verified) find(token string, now time.Time) (chat.Member, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, found := v.current[token]
	if !found {
		if t, found = v.previous[token]; found {
			v.addLocked(token, t)
		}
	}
	if !found || !now.Before(t.expires) {
		return chat.Member{}, false
	}
	return t.member, true
}

func (v *verified) add(token string, t verifiedToken) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.addLocked(token, t)
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
