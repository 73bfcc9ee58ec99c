package memory

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// keys holds the sequences of the events that were stored with a key.
type keys struct {
	window time.Duration
	limit  int
	first  map[digest]uint64
	expiry []expiring // oldest first
}

// digest identifies a key of a room in 16 bytes.
type digest [16]byte

type expiring struct {
	key digest
	at  int64 // Unix nanoseconds
}

func digestOf(room, key string) digest {
	text := make([]byte, 0, 256)
	text = binary.AppendUvarint(text, uint64(len(room)))
	text = append(text, room...)
	sum := sha256.Sum256(append(text, key...))
	return digest(sum[:])
}

func (k *keys) add(key digest, sequence uint64, now time.Time) {
	k.first[key] = sequence
	k.expiry = append(k.expiry, expiring{key, now.Add(k.window).UnixNano()})
}

// expire forgets keys whose time has passed, and the oldest beyond the limit.
func (k *keys) expire(now time.Time) {
	n := 0
	for n < len(k.expiry) && (now.UnixNano() >= k.expiry[n].at || len(k.expiry)-n > k.limit) {
		delete(k.first, k.expiry[n].key)
		n++
	}
	k.expiry = k.expiry[n:]
}
