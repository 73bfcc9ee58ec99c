package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"chatroom/server/internal/testenv"

	"github.com/ncruces/go-sqlite3"
)

// faultKinds are ways in which a disk refuses: which operations, with what, and
// how often.
var faultKinds = []struct {
	name  string
	errs  map[operation]error
	share float64
}{
	{"full", map[operation]error{opWrite: sqlite3.FULL, opCreate: sqlite3.FULL}, 1},
	{"nearly full", map[operation]error{opWrite: sqlite3.FULL}, 0.05},
	{"writes", map[operation]error{opWrite: sqlite3.IOERR_WRITE}, 0.05},
	{"syncs", map[operation]error{opSync: sqlite3.IOERR_FSYNC}, 0.3},
	{"no sync", map[operation]error{opSync: sqlite3.IOERR_FSYNC}, 1},
	{"truncation", map[operation]error{opTruncate: sqlite3.IOERR_TRUNCATE}, 1},
	{"everything", map[operation]error{
		opWrite: sqlite3.IOERR_WRITE, opSync: sqlite3.IOERR_FSYNC, opTruncate: sqlite3.IOERR_TRUNCATE,
		opCreate: sqlite3.CANTOPEN, opDelete: sqlite3.IOERR_DELETE,
	}, 0.04},
}

// faults returns a disk.fault of a kind.
func faults(kind int, random *rand.Rand) func(operation, string) error {
	return func(op operation, _ string) error {
		if err := faultKinds[kind].errs[op]; err != nil && random.Float64() < faultKinds[kind].share {
			return err
		}
		return nil
	}
}

// setFault changes what a disk refuses.
func (d *disk) setFault(fault func(operation, string) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = fault
}

// checkDenied finds no entry of which the store said that it is not stored.
func (o *outage) checkDenied() {
	denied := make(map[string]*sentEntry)
	o.mu.Lock()
	for _, e := range o.sent {
		if e.denied && !e.acked {
			denied[e.text] = e
		}
	}
	o.mu.Unlock()
	for _, room := range o.rooms {
		got, _ := o.read(room)
		for _, stored := range got {
			if e := denied[string(stored.Payload[:textLength])]; e != nil {
				o.fail("room %q: %q was not stored, and is event %d", room, e.Key, stored.Sequence)
			}
		}
	}
}

// faultyLife opens the store, lets it work on a faulty disk, mends the disk, and
// checks the store as it is.
func (o *outage) faultyLife(kind int) error {
	if o.open() {
		o.check()
		var steps atomic.Int64
		o.work(func() bool { return steps.Add(1) > 20 })
		o.faulty.Store(true)
		o.disk.setFault(faults(kind, rand.New(rand.NewPCG(o.random.Uint64(), 5))))
		steps.Store(0)
		o.work(func() bool { return steps.Add(1) > 60 })
		for _, room := range o.rooms {
			o.checkRoom(room)
		}
		o.disk.setFault(nil)
		o.faulty.Store(false)
		o.checkDenied()
		// A commit whose sync failed is in the write-ahead log until the next one: a
		// kill in between would bring it back.
		o.burst(o.random, 1)
		o.check()
	}
	if err := o.found(); err != nil {
		return err
	}
	return o.end()
}

// faultyLives runs chains of lives on faulty disks. It returns how many calls each
// kind of fault made fail.
func faultyLives(t *testing.T, seed uint64, chains int, early bool) (failed []int64, err error) {
	failed = make([]int64, len(faultKinds))
	for chain := range chains {
		o := newOutage(t, seed+uint64(chain))
		o.early = early
		for life := range 2 * len(faultKinds) {
			kind := life % len(faultKinds)
			o.excused.Store(0)
			if err := o.faultyLife(kind); err != nil {
				return nil, fmt.Errorf("chain %d, life %d, %s: %w", chain, life, faultKinds[kind].name, errors.Join(err, o.end()))
			}
			failed[kind] += o.excused.Load()
		}
	}
	return failed, nil
}

// A disk that is full, or that fails, costs what is refused and nothing else: what
// is acknowledged is there, what is not is not, reading works meanwhile, and once
// the disk works the store does, too.
func TestIOErrors(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	failed, err := faultyLives(t, seed, testenv.Rounds(1, 5), false)
	if err != nil {
		t.Fatal(err)
	}
	for kind, n := range failed {
		t.Logf("%s: %d calls failed", faultKinds[kind].name, n)
		if n == 0 && faultKinds[kind].share == 1 {
			t.Errorf("%s: no call failed", faultKinds[kind].name)
		}
	}
}

// The test notices a store that acknowledges what it could not store.
func TestIOErrorsNotices(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	_, err := faultyLives(t, seed, 5, true)
	if err == nil {
		t.Fatalf("nothing was noticed, seed %d", seed)
	}
	t.Logf("seed %d: %v", seed, err)
}
