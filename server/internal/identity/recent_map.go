package identity

import (
	"sync"
	"time"
)

// recentTime is how long a recentMap has a value at least, which is longer than a request takes
// from its credential's verification to its stream. It has none longer than twice that.
const recentTime = 10 * time.Minute

// recentMap has the values that were added recently. The zero value is ready to use.
type recentMap[K comparable, V any] struct {
	mu       sync.RWMutex // guards below
	current  map[K]V
	previous map[K]V
	begun    time.Time // current
}

func (m *recentMap[K, V]) add(key K, value V, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if now.Sub(m.begun) >= recentTime {
		m.previous, m.current, m.begun = m.current, nil, now
	}
	if m.current == nil {
		m.current = make(map[K]V)
	}
	m.current[key] = value
}

// find returns the newest value of a key.
func (m *recentMap[K, V]) find(key K, now time.Time) (value V, found bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if now.Sub(m.begun) >= 2*recentTime {
		return value, false
	}
	if value, found = m.current[key]; !found {
		value, found = m.previous[key]
	}
	return value, found
}
