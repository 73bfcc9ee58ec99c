package jetstream

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"chatroom/server/internal/chat"
)

// secret is a payload that is found in files.
func secret(i, size int) []byte {
	text := fmt.Sprintf("secret-%d-", i)
	return append([]byte(text), bytes.Repeat([]byte("."), size)...)
}

// found returns which of the secrets are in the files of a directory, by name.
func found(t *testing.T, dir string, secrets ...int) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for _, i := range secrets {
			if bytes.Contains(text, secret(i, 0)) {
				all = append(all, fmt.Sprintf("%d in %s", i, filepath.Base(path)))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// kept tells which of the secrets are in the memory of a room's tails.
func kept(j *Journal, room string) (all []string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for t := range j.tails[room] {
		t.recent.mu.Lock()
		for _, e := range t.recent.events {
			all = append(all, string(e.Payload[:min(16, len(e.Payload))]))
		}
		t.recent.mu.Unlock()
	}
	return all
}

// What was erased is in no file any more, wherever in a block it was, and whether
// that is the newest one, and not in memory. It is not taken for damage, by
// readers or after a restart.
func TestEraseOverwrites(t *testing.T) {
	t.Parallel()
	for _, noFsync := range []bool{false, true} {
		t.Run(fmt.Sprintf("NoFsync=%t", noFsync), func(t *testing.T) {
			t.Parallel()
			var log logged
			c := Config{Dir: filepath.Join(t.TempDir(), "events"), NoFsync: noFsync, Log: slog.New(slog.NewTextHandler(&log, nil))}
			j := open(t, c)
			epoch := j.epoch
			const events = 100
			var all []uint64
			follow(t, j, "room")
			for i := range events {
				at, _, err := j.Append(t.Context(), "room", strconv.Itoa(i), secret(i, 200<<10))
				if err != nil {
					t.Fatalf("Append = %v, want nil", err)
				}
				all = append(all, at.Sequence)
			}
			if n := len(blocksIn(t, c.Dir)); n < 3 {
				t.Fatalf("the log has %d blocks, want at least 3", n)
			}
			var gone []int
			for i := range events - 1 {
				if i%2 != 1 {
					gone = append(gone, i)
				}
			}
			rand.Shuffle(len(gone), func(i, k int) { gone[i], gone[k] = gone[k], gone[i] })
			for n, i := range gone {
				if err := j.Erase(t.Context(), "room", all[i]); err != nil {
					t.Fatalf("Erase(%d) = %v, want nil", all[i], err)
				}
				if n%8 == 0 || n == len(gone)-1 {
					if left := found(t, c.Dir, gone[:n+1]...); len(left) > 0 {
						t.Fatalf("after Erase of %d, the files hold %v, want none of what was erased", i, left)
					}
				}
				for _, text := range kept(j, "room") {
					if strings.HasPrefix(text, string(secret(i, 0))) {
						t.Fatalf("after Erase of %d, it is kept in memory", i)
					}
				}
			}
			var want []uint64
			for i, sequence := range all {
				if !slices.Contains(gone, i) {
					want = append(want, sequence)
				}
			}
			for range 2 {
				if got := sequences(t, j, "room"); !slices.Equal(got, want) {
					t.Errorf("Read = %v, want %v", got, want)
				}
				closed(t, j)
				if j = open(t, c); j.epoch != epoch {
					t.Errorf("the epoch after a restart = %q, want %q", j.epoch, epoch)
				}
			}
			// Also when the server has to read all blocks.
			closed(t, j)
			remove(t, filepath.Join(blocksOf(c.Dir), "index.db"))
			j = open(t, c)
			if got := sequences(t, j, "room"); !slices.Equal(got, want) || j.epoch != epoch {
				t.Errorf("Read without the index = %v, epoch %q, want %v, %q", got, j.epoch, want, epoch)
			}
			if log.String() != "" {
				t.Errorf("erasing was logged:\n%s", log.String())
			}
		})
	}
}

const (
	eraserDir    = "CHATROOM_TEST_ERASER"
	eraserEvents = 60
)

// TestEraser is no test: it is what TestEraseSurvivesAKill kills.
func TestEraser(t *testing.T) {
	dir := os.Getenv(eraserDir)
	if dir == "" {
		t.Skip("run by TestEraseSurvivesAKill")
	}
	j, err := Open(context.Background(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range rand.Perm(eraserEvents - 1) {
		events, err := j.Read(context.Background(), "room", uint64(i), 1)
		if err != nil || events[0].Sequence != uint64(i+1) {
			t.Fatalf("Read = %v, %v, want event %d", events, err, i+1)
		}
		fmt.Println("erasing", i)
		if err := j.Erase(context.Background(), "room", uint64(i+1)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("erased", i)
	}
}

// Whenever the process is killed, what was erased is gone, nothing is taken for
// damaged, and whoever erases again what was interrupted completes that.
func TestEraseSurvivesAKill(t *testing.T) {
	t.Parallel()
	for round := range 10 {
		var log logged
		c := Config{Dir: filepath.Join(t.TempDir(), "events"), Log: slog.New(slog.NewTextHandler(&log, nil))}
		j := open(t, c)
		for i := range eraserEvents {
			if _, _, err := j.Append(t.Context(), "room", strconv.Itoa(i), secret(i, 100<<10)); err != nil {
				t.Fatalf("Append = %v, want nil", err)
			}
		}
		epoch := j.epoch
		closed(t, j)

		begun, done := eraseAndKill(t, c.Dir, 1+rand.IntN(8), time.Duration(rand.IntN(8000))*time.Microsecond)
		if left := found(t, c.Dir, done...); len(left) > 0 {
			t.Errorf("round %d: after %v were erased, the files hold %v", round, done, left)
		}
		j = open(t, c)
		if j.epoch != epoch {
			t.Errorf("round %d: the epoch = %q, want %q", round, j.epoch, epoch)
		}
		t.Logf("round %d: begun %v, done %d, in files after a restart %v", round, begun, len(done), found(t, c.Dir, begun...))
		for _, i := range begun {
			if err := j.Erase(t.Context(), "room", uint64(i+1)); err != nil {
				t.Errorf("round %d: Erase again = %v, want nil", round, err)
			}
		}
		if left := found(t, c.Dir, begun...); len(left) > 0 {
			t.Errorf("round %d: after %v were erased again, the files hold %v", round, begun, left)
		}
		var want []uint64
		for i := range eraserEvents {
			if !slices.Contains(begun, i) {
				want = append(want, uint64(i+1))
			}
		}
		if got := sequences(t, j, "room"); !slices.Equal(got, want) {
			t.Errorf("round %d: Read = %v, want %v", round, got, want)
		}
		info, err := j.stream.Info(t.Context(), jetstream.WithSubjectFilter(eventPrefix+"*"))
		if n := info.State.Subjects[eventPrefix+"room"]; err != nil || n != uint64(len(want)) {
			t.Errorf("round %d: the server counts %d events in the room, %v, want %d", round, n, err, len(want))
		}
		back, err := j.ReadBack(t.Context(), "room", 1<<60, eraserEvents)
		if err != nil || len(back) != len(want) {
			t.Errorf("round %d: ReadBack = %d events, %v, want %d", round, len(back), err, len(want))
		}
		closed(t, j)
		if log.String() != "" {
			t.Errorf("round %d: something was logged:\n%s", round, log.String())
		}
	}
}

// eraseAndKill has a process erase, and kills it some time after it has begun with
// the nth event. It returns what it has begun to erase, and what it has erased.
func eraseAndKill(t *testing.T, dir string, nth int, after time.Duration) (begun, done []int) {
	t.Helper()
	eraser := exec.Command(os.Args[0], "-test.run=^TestEraser$", "-test.v")
	eraser.Env = append(os.Environ(), eraserDir+"="+dir)
	output, err := eraser.StdoutPipe()
	if err == nil {
		err = eraser.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var i int
		switch n, _ := fmt.Sscanf(lines.Text(), "erasing %d", &i); {
		case n == 1:
			if begun = append(begun, i); len(begun) == nth {
				time.AfterFunc(after, func() { _ = eraser.Process.Kill() })
			}
		default:
			if n, _ := fmt.Sscanf(lines.Text(), "erased %d", &i); n == 1 {
				done = append(done, i)
			}
		}
	}
	_ = eraser.Wait()
	if len(begun) == 0 {
		t.Fatal("nothing was erased")
	}
	return begun, done
}

// What a server has only noted to be gone, when it was stopped, is cut out at the
// next start: wherever in a block it is, and with its neighbours left alone.
func TestEraseIsCompletedAtTheStart(t *testing.T) {
	t.Parallel()
	var log logged
	c := Config{Dir: filepath.Join(t.TempDir(), "events"), Log: slog.New(slog.NewTextHandler(&log, nil))}
	j := open(t, c)
	epoch := j.epoch
	const events = 100
	for i := range events {
		if _, _, err := j.Append(t.Context(), "room", strconv.Itoa(i), secret(i, 200<<10)); err != nil {
			t.Fatalf("Append = %v, want nil", err)
		}
	}
	gone := []int{0, 1, 30, 39, 40, 41, 42, 80, events - 2}
	for _, i := range gone {
		event, found, err := j.ask(t.Context(), server.JSApiMsgGetRequest{Seq: uint64(i + 1)})
		if err != nil || !found {
			t.Fatalf("event %d: %t, %v", i, found, err)
		}
		_, err = j.bury(t.Context(), "room", event)
		if err := errors.Join(
			err,
			j.erasures.begin(uint64(i+1)),
			j.stream.DeleteMsg(t.Context(), uint64(i+1)),
		); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, j)
	leftover := filepath.Join(blocksOf(c.Dir), "1.blk.tmp")
	if err := os.WriteFile(leftover, secret(gone[0], 0), 0o600); err != nil {
		t.Fatal(err)
	}
	if left := found(t, c.Dir, gone...); len(left) < len(gone) {
		t.Fatalf("the files hold %v, want all: else nothing is proven", left)
	}
	for round := range 2 {
		j = open(t, c)
		if left := found(t, c.Dir, gone...); len(left) > 0 {
			t.Errorf("after start %d, the files hold %v, want none", round, left)
		}
		if got := sequences(t, j, "room"); len(got) != events-len(gone) || j.epoch != epoch {
			t.Errorf("Read = %d events, epoch %q, want %d, %q", len(got), j.epoch, events-len(gone), epoch)
		}
		for _, i := range gone {
			if err := j.Erase(t.Context(), "room", uint64(i+1)); err != nil {
				t.Errorf("Erase again = %v, want nil", err)
			}
		}
		closed(t, j)
	}
	if log.String() != "" {
		t.Errorf("something was logged:\n%s", log.String())
	}
}

// An event that is gone and was not erased is damage, as ever.
func TestEraseHidesNoDamage(t *testing.T) {
	t.Parallel()
	var log logged
	c := Config{Dir: filepath.Join(t.TempDir(), "events"), NoFsync: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
	j := open(t, c)
	epoch := j.epoch
	all := sayAll(t, j, "room", "event", 6)
	if err := errors.Join(j.Erase(t.Context(), "room", all[3]), j.stream.DeleteMsg(t.Context(), all[2])); err != nil {
		t.Fatal(err)
	}
	for _, reading := range []func(context.Context, string, uint64, int) ([]chat.Stored, error){
		func(ctx context.Context, room string, _ uint64, limit int) ([]chat.Stored, error) {
			return j.ReadBack(ctx, room, 1<<60, limit)
		},
		j.Read,
	} {
		events, err := reading(t.Context(), "room", 0, 10)
		if err != nil || len(events) != 4 || events[2].Previous != all[2] {
			t.Errorf("read = %v, %v, want 4 events, and the third to name what is missing", events, err)
		}
	}
	if !strings.Contains(log.String(), "the log is damaged") {
		t.Errorf("damage was not logged: %s", log.String())
	}
	closed(t, j)
	if j = open(t, c); j.epoch == epoch {
		t.Errorf("the epoch after a restart is the same, want another")
	}
}

// Tombstones go with the events that name what they stand for.
func TestTombstonesAreBounded(t *testing.T) {
	t.Parallel()
	const keep = 10
	j := open(t, Config{NoFsync: true, RoomEvents: keep})
	for i := range 200 {
		all := sayAll(t, j, "room", strconv.Itoa(i), 3)
		for _, sequence := range all[:2] {
			if err := j.Erase(t.Context(), "room", sequence); err != nil {
				t.Fatal(err)
			}
		}
	}
	info, err := j.stream.Info(t.Context(), jetstream.WithSubjectFilter(erasedPrefix+">"))
	// Two for each event, and those for which none was tidied yet: 100 once in a
	// million times.
	if err != nil || len(info.State.Subjects) > 2*keep+100 {
		t.Errorf("%d tombstones are left, %v, want at most 100 more than two for each of %d events", len(info.State.Subjects), err, keep)
	}
	sequences(t, j, "room")
}

// What one node erases, the others forget: also those that could not be told.
func TestNodesForgetWhatIsErased(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	l := newLine(t, s.addr)
	far := open(t, Config{URL: s.fresh(t, l.addr())})
	near := open(t, Config{URL: "nats://u1:pw@" + s.addr})
	seen := follow(t, far, "room")
	all := sayAll(t, near, "room", "first", 10)
	seen.wait(t, all)
	if err := near.Erase(t.Context(), "room", all[3]); err != nil {
		t.Fatal(err)
	}
	want := slices.Delete(slices.Clone(all), 3, 4)
	eventually(t, "the other node's forgetting", func() bool { return len(kept(far, "room")) == len(want) })
	if got := sequences(t, far, "room"); !slices.Equal(got, want) {
		t.Errorf("Read of the other node = %v, want %v", got, want)
	}
	l.cut()
	if err := near.Erase(t.Context(), "room", all[4]); err != nil {
		t.Fatal(err)
	}
	l.mend()
	eventually(t, "the other node's forgetting", func() bool { return len(kept(far, "room")) == 0 })
	want = slices.Delete(want, 3, 4)
	if got := sequences(t, far, "room"); !slices.Equal(got, want) {
		t.Errorf("Read of the other node = %v, want %v", got, want)
	}
	more := sayAll(t, far, "room", "more", 3)
	seen.wait(t, slices.Concat(all, more))
}

// An event that is erased on its way to a slow tail does not come, stays in no
// memory, and is not missed by what comes after it.
func TestErasedOnTheWayToATail(t *testing.T) {
	t.Parallel()
	j := open(t, Config{NoFsync: true})
	entered, held := make(chan struct{}, 10), make(chan struct{})
	got := make(chan chat.Stored, 10)
	stop, err := j.Tail(t.Context(), "room", func(events []chat.Stored) {
		entered <- struct{}{}
		<-held
		for _, e := range events {
			got <- e
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	all := sayAll(t, j, "room", "first", 1)
	<-entered
	all = append(all, sayAll(t, j, "room", "event", 4)...)
	for _, i := range []int{2, 1} {
		if err := j.Erase(t.Context(), "room", all[i]); err != nil {
			t.Fatal(err)
		}
	}
	close(held)
	previous := uint64(0)
	for _, want := range []uint64{all[0], all[3], all[4]} {
		if e := <-got; e.Sequence != want || e.Previous != previous {
			t.Fatalf("the tail got %d(after %d), want %d(after %d)", e.Sequence, e.Previous, want, previous)
		}
		previous = want
	}
	if n := len(kept(j, "room")); n != 3 {
		t.Errorf("%d events are kept in memory, want 3", n)
	}
	sequences(t, j, "room")
}

// What is to last is synced before what relies on it: the tombstone before the
// event goes, and that it has gone before Erase returns.
func TestEraseSyncs(t *testing.T) {
	t.Parallel()
	c := Config{Dir: filepath.Join(t.TempDir(), "events"), Log: slog.New(slog.DiscardHandler)}
	j := open(t, c)
	all := sayAll(t, j, "room", "event", 6)
	var synced []string // and whether the event was still there
	look := func(path string) (int64, error) {
		_, present, err := j.ask(t.Context(), server.JSApiMsgGetRequest{Seq: all[1]})
		if err != nil {
			return 0, err
		}
		synced = append(synced, fmt.Sprintf("%s %t", filepath.Base(path), present))
		return syncFile(path)
	}
	j.disk.fsync = look
	if err := j.Erase(t.Context(), "room", all[1]); err != nil {
		t.Fatal(err)
	}
	block := filepath.Base(newest(t, c.Dir))
	if want := []string{block + " true", block + " false", "msgs false"}; !slices.Equal(synced, want) {
		t.Errorf("what was synced, and whether the event was there: %q, want %q", synced, want)
	}
	// By another call that has come so far, and no further.
	event, _, err := j.ask(t.Context(), server.JSApiMsgGetRequest{Seq: all[2]})
	if err == nil {
		_, err = j.bury(t.Context(), "room", event)
	}
	if err != nil {
		t.Fatal(err)
	}
	j.disk.fsync = func(string) (int64, error) { return 0, syscall.EIO }
	for range 2 {
		if err := j.Erase(t.Context(), "room", all[2]); !errors.Is(err, syscall.EIO) {
			t.Errorf("Erase with a disk that fails = %v, want %v", err, syscall.EIO)
		}
	}
	if got := sequences(t, j, "room"); len(got) != 5 {
		t.Errorf("Read = %v, want 5 events: a tombstone that is not durable has none erased", got)
	}
}

// The key of an erased event stays taken over a restart, within the window.
func TestErasedKeysStayTaken(t *testing.T) {
	t.Parallel()
	const events = 550 // more than are read at once
	c := Config{Dir: filepath.Join(t.TempDir(), "events"), NoFsync: true}
	j := open(t, c)
	all := sayAll(t, j, "room.with.dots", "event", events)
	for _, sequence := range all[:events-1] {
		if err := j.Erase(t.Context(), "room.with.dots", sequence); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, j)
	j = open(t, c)
	for i, sequence := range all {
		at, duplicate, err := j.Append(t.Context(), "room.with.dots", "event/"+strconv.Itoa(i), payload)
		if err != nil || !duplicate || at.Sequence != sequence {
			t.Fatalf("Append again after a restart = %v, %t, %v, want the duplicate of %d", at, duplicate, err, sequence)
		}
	}
	closed(t, j)
	c.Window = 100 * time.Millisecond
	j = open(t, c)
	eventually(t, "the end of the window", func() bool {
		_, duplicate, err := j.Append(t.Context(), "room.with.dots", "event/0", payload)
		return err == nil && !duplicate
	})
}

// A log that was made before anything could be erased takes that up.
func TestEraseInAnOlderLog(t *testing.T) {
	t.Parallel()
	c := Config{Dir: filepath.Join(t.TempDir(), "events")}
	j := open(t, c)
	epoch := j.epoch
	all := sayAll(t, j, "room", "event", 5)
	config := j.stream.CachedInfo().Config
	config.Subjects = []string{eventPrefix + "*"}
	if _, err := j.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	closed(t, j)
	remove(t, filepath.Join(filepath.Dir(c.Dir), "erasing"))
	j = open(t, c)
	if err := j.Erase(t.Context(), "room", all[1]); err != nil {
		t.Fatal(err)
	}
	if got := sequences(t, j, "room"); len(got) != 4 || j.epoch != epoch {
		t.Errorf("Read = %v, epoch %q, want 4 events, %q", got, j.epoch, epoch)
	}
}
