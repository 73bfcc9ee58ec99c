package outbound

import "sync"

// Mutex is a mutex whose holder can put off calls of other code until it is released.
// Its zero value is ready to use.
type Mutex struct {
	mu    sync.Mutex
	after []func()
}

// Lock locks the mutex.
func (m *Mutex) Lock() { m.mu.Lock() }

// Unlock unlocks the mutex, then makes the calls that were put off.
func (m *Mutex) Unlock() {
	after := m.after
	m.after = nil
	m.mu.Unlock()
	for _, f := range after {
		f()
	}
}

// After has f called once the mutex is released. The caller holds it.
func (m *Mutex) After(f func()) { m.after = append(m.after, f) }
