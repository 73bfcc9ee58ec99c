package identity

import (
	"crypto/sha256"
	"sync"
	"time"
)

// recentTokens remembers the credentials of tokens that were verified, until they
// expire: those used last, between maxVerified and twice as many. The tokens themselves
// are not kept. The zero value is ready to use.
type recentTokens struct {
	mu     sync.Mutex // guards below
	recent map[[sha256.Size]byte]recentToken
	former map[[sha256.Size]byte]recentToken // used before recent was begun
}

type recentToken struct {
	credential *Credential
	until      time.Time
}

func (r *recentTokens) find(token string, now time.Time) *Credential {
	key := sha256.Sum256([]byte(token))
	r.mu.Lock()
	defer r.mu.Unlock()
	t, found := r.recent[key]
	if !found {
		if t, found = r.former[key]; found {
			r.addLocked(key, t)
		}
	}
	if !found || !now.Before(t.until) {
		return nil
	}
	return t.credential
}

// add remembers a credential until a time.
func (r *recentTokens) add(token string, c *Credential, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addLocked(sha256.Sum256([]byte(token)), recentToken{c, until})
}

func (r *recentTokens) addLocked(key [sha256.Size]byte, t recentToken) {
	if len(r.recent) >= maxVerified {
		r.former, r.recent = r.recent, nil
	}
	if r.recent == nil {
		r.recent = make(map[[sha256.Size]byte]recentToken)
	}
	r.recent[key] = t
}
