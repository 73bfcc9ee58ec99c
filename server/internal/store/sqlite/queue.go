package sqlite

import (
	"context"
	"hash/crc32"
	"sync"

	"chatroom/server/internal/chat"
)

const (
	queueJobs  = 4096     // the largest number of queued jobs
	queueBytes = 16 << 20 // the largest size of queued jobs, unless there is only one
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// job is an event to append or a record to write: exactly one is set.
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

// appendJob is an Entry, with what is computed of it outside of the transaction.
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

// queue holds the jobs for the writer.
type queue struct {
	wake chan struct{} // capacity 1: there are jobs, or the queue is closed

	mu     sync.Mutex // guards below
	jobs   []job
	bytes  int
	closed bool
	space  chan struct{} // closed when jobs are taken; nil when no caller waits
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

// take returns the queued jobs, oldest first. The queue continues in the slice into.
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

// close refuses further jobs. Queued jobs can still be taken.
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
