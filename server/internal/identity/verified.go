package identity

import (
	"sync"
	"time"

	"chatroom/server/internal/chat"
)

// maxVerified is how many tokens a generation of verified holds.
const maxVerified = 4_096

// verified remembers whom tokens stand for that were found valid, so that a caller
// with many calls has its token verified once. The tokens that were used last are
// remembered, between maxVerified and twice as many of them. The zero value is ready
// to use.
type verified struct {
	mu     sync.Mutex // guards below
	recent map[string]verifiedToken
	former map[string]verifiedToken // used before recent was begun
}

type verifiedToken struct {
	member  chat.Member
	expires time.Time
}

// find returns whom a token stands for that is remembered and has not expired.
func (v *verified) find(token string, now time.Time) (chat.Member, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, found := v.recent[token]
	if !found {
		if t, found = v.former[token]; found {
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
	if len(v.recent) >= maxVerified {
		v.former, v.recent = v.recent, nil
	}
	if v.recent == nil {
		v.recent = make(map[string]verifiedToken)
	}
	v.recent[token] = t
}
