package durability

import (
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/testenv"
)

// A server that is killed in the middle of deletions has no text of those that were
// answered in its files. Of what it shows as deleted after the next start, none is
// left soon, without anything being sent again.
func TestKillWhileDeleting(t *testing.T) {
	t.Parallel()
	ctx, data := harness.Context(t), t.TempDir()
	c := harness.StartProcess(t, harness.InDir(data))
	d := newDeletions(t, &c.Service)
	for range testenv.Rounds(2, 5) {
		d.fill(ctx, t, &c.Service, 120)
		targets := d.with(notDeleted)[:100]
		v := harness.ConnectOver(harness.H2CClient)(t, &c.Service, d.token)
		var answers atomic.Int64
		last := rand.Int64N(60)
		spread(len(targets), func(i int) {
			if d.delete(ctx, v, targets[i]); answers.Add(1) == last {
				c.Kill()
			}
		})
		c.Kill()
		if left := d.inFiles(t, data, d.with(erased)); left != nil {
			t.Errorf("messages %v are in files, although their deletions were answered", left)
		}
		c = harness.StartProcess(t, harness.InDir(data))
		var shown []uint64
		for sequence := range d.check(ctx, t, &c.Service) {
			shown = append(shown, sequence)
		}
		waitUntil(ctx, t, "all deleted texts are erased", func() bool { return d.inFiles(t, data, shown) == nil })
		d.forget()
	}
	if log := c.Log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the server logged an error:\n%s", log)
	}
}

// A server that is killed when deletions are stored, but their texts are in the
// write-ahead log: a reader of the database keeps them there. The next server shows the
// messages as deleted, and erases them once the reader is gone.
func TestKillBeforeErasing(t *testing.T) {
	t.Parallel()
	ctx, data := harness.Context(t), t.TempDir()
	c := harness.StartProcess(t, harness.InDir(data))
	d := newDeletions(t, &c.Service)
	d.fill(ctx, t, &c.Service, 120)
	release := holdSnapshot(t, data)
	targets := d.with(notDeleted)[:8] // one for each goroutine of spread
	v := harness.ConnectOver(harness.H2CClient)(t, &c.Service, d.token)
	var sending sync.WaitGroup
	sending.Go(func() {
		spread(len(targets), func(i int) { d.delete(ctx, v, targets[i]) })
	})
	waitUntil(ctx, t, "all deletions are stored", func() bool {
		_, deleted := d.read(ctx, t, &c.Service)
		return len(deleted) == len(targets)
	})
	c.Kill()
	sending.Wait()
	if answer := d.with(unanswered); len(answer) != len(targets) {
		t.Errorf("%d deletions are unanswered, want %d: they are in the files", len(answer), len(targets))
	}
	if left := d.inFiles(t, data, targets); len(left) != len(targets) {
		t.Errorf("%d texts are in files, want %d: a reader holds them", len(left), len(targets))
	}

	c = harness.StartProcess(t, harness.InDir(data))
	if deleted := d.check(ctx, t, &c.Service); len(deleted) != len(targets) {
		t.Errorf("%d messages are shown as deleted after the next start, want %d", len(deleted), len(targets))
	}
	release()
	waitUntil(ctx, t, "all deleted texts are erased", func() bool { return d.inFiles(t, data, targets) == nil })
	waitUntil(ctx, t, "the server says so", func() bool {
		return strings.Contains(c.Log.String(), "erased deleted messages that an earlier run had left")
	})
}

// holdSnapshot keeps the database as it is now for a reader, until it is released.
func holdSnapshot(t *testing.T, data string) (release func()) {
	t.Helper()
	reader, err := sqlite3.OpenFlags(filepath.Join(data, database), sqlite3.OPEN_READWRITE)
	harness.Must(t, err)
	harness.Must(t, reader.Exec(`BEGIN; SELECT count(*) FROM events`))
	release = sync.OnceFunc(func() { harness.Must(t, reader.Close()) })
	t.Cleanup(release)
	return release
}
