package sqlite

import (
	"context"
	"hash/crc32"
	"sync"

	"chatroom/server/internal/chat"
)

const (
	queueJobs  = 4096     // how many jobs wait, at most
	queueBytes = 16 << 20 // what they take, at most, unless it is one
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// job is what the writer is asked to do in a transaction: to append an event or
// to write a record, never both.
type job struct {
	append *appendJob
	record *recordJob
}

func (j job) size() int {
	if j.append != nil {
		return len(j.append.payload) + overhead
	}
	return len(j.record.value) + overhead
}

// appendJob is an Entry with all that is computed of it before the transaction.
type appendJob struct {
	room    string
	payload []byte
	target  uint64
	flags   int64
	author  int64
	key     keyDigest
	crc     uint32 // of the room, 0, and the payload
	done    func(chat.Appended)
	outcome chat.Appended
}

// queue holds the jobs that wait for the writer.
type queue struct {
	wake chan struct{} // has a value when jobs wait, or after close

	mu     sync.Mutex // guards below
	jobs   []job
	bytes  int
	closed bool
	space  chan struct{} // closed when jobs were taken; nil when nobody waits
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// put adds a job, and waits while the queue is full.
func (q *queue) put(ctx context.Context, j job) error {
	for {
		q.mu.Lock()
		if q.closed {
			q.mu.Unlock()
			return chat.ErrStoreClosed
		}
		if len(q.jobs) == 0 || len(q.jobs) < queueJobs && q.bytes+j.size() <= queueBytes {
			q.jobs = append(q.jobs, j)
			q.bytes += j.size()
			q.mu.Unlock()
			q.poke()
			return nil
		}
		if q.space == nil {
			q.space = make(chan struct{})
		}
		space := q.space
		q.mu.Unlock()
		select {
		case <-space:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// poke wakes the writer.
func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns what waits, oldest first, in the slice that it is given.
func (q *queue) take(into []job) (jobs []job, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	jobs, q.jobs, q.bytes = q.jobs, into[:0], 0
	if q.space != nil {
		close(q.space)
		q.space = nil
	}
	return jobs, q.closed
}

// close refuses further jobs. Those that wait can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	if q.space != nil {
		close(q.space)
		q.space = nil
	}
	q.mu.Unlock()
	q.poke()
}
