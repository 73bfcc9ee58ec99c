//go:build linux

package durability

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/testenv"
)

// mounted returns a file system of its own, or skips the test.
func mounted(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size="+size); err != nil {
		t.Skipf("mounting a tmpfs is not allowed here: %v", err)
	}
	t.Cleanup(func() { harness.Must(t, syscall.Unmount(dir, 0)) })
	return dir
}

// filler is a file that takes up space on a disk.
type filler struct{ path string }

// take fills the disk up to the last few bytes.
func (f filler) take(t *testing.T, leave int64) {
	t.Helper()
	free, err := freeSpace(filepath.Dir(f.path))
	harness.Must(t, err)
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	harness.Must(t, err)
	block := make([]byte, 64<<10)
	for free -= leave; free > 0 && err == nil; free -= int64(len(block)) {
		_, err = file.Write(block[:min(int64(len(block)), free)])
	}
	if err := errors.Join(err, file.Close()); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

func (f filler) free(t *testing.T) {
	t.Helper()
	if err := os.Remove(f.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
}

func freeSpace(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// With a full disk, sends are refused, reading works, and deletions are answered with
// what holds. With space again, sends work, what was delayed is erased, and a restart
// finds everything.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	ctx, data := harness.Context(t), mounted(t, "24m")
	disk := filler{filepath.Join(data, "filler")}
	s := harness.Start(t, harness.InDir(data))
	d := newDeletions(t, s)
	v := harness.ConnectOver(harness.H2CClient)(t, s, d.token)
	d.fill(ctx, t, s, 100)

	for _, leave := range []int64{8 << 20, 0} {
		disk.take(t, leave)
		awaitReady(ctx, t, s, false) // before any send tries
		err := d.send(ctx, v, 100)
		if connect.CodeOf(err) != connect.CodeUnavailable || !strings.Contains(err.Error(), "could not be stored") {
			t.Errorf("Send with %d bytes free = %v, want unavailable", leave, err)
		}
		for _, sequence := range d.with(notDeleted)[:10] {
			d.delete(ctx, v, sequence)
		}
		receive, err := v.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: d.room, Start: &chatv1.Subscription_Recent{Recent: 20}}))
		if err != nil {
			t.Fatalf("Subscribe with %d bytes free = %v", leave, err)
		}
		harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
		for range 20 {
			if _, err := receive.NextEvent(); err != nil {
				t.Fatalf("reading with %d bytes free: %v", leave, err)
			}
		}
		d.check(ctx, t, s)
	}
	if log := s.Log.Take(); !strings.Contains(log, "appending is refused") {
		t.Errorf("the service did not log that appending is refused:\n%s", log)
	}
	disk.free(t)
	awaitReady(ctx, t, s, true)
	d.checkWorks(t, s, v, data)
}

// awaitReady waits until a service says that it is ready, or is not.
func awaitReady(ctx context.Context, t *testing.T, s *harness.Service, want bool) {
	t.Helper()
	client, again := harness.HTTP1Client(t), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/readyz", nil)
		harness.Must(t, err)
		response, err := client.Do(r)
		if err != nil {
			t.Fatalf("waiting until /readyz says %t: %v", want, err)
		}
		_ = response.Body.Close()
		if want == (response.StatusCode == http.StatusOK) {
			return
		}
		<-again.C
	}
}

// A disk fills up and is freed again and again while messages are sent and deleted: what
// was acknowledged holds.
func TestDiskFillsWhileDeleting(t *testing.T) {
	t.Parallel()
	ctx, data := harness.Context(t), mounted(t, "24m")
	disk := filler{filepath.Join(data, "filler")}
	s := harness.Start(t, harness.InDir(data))
	d := newDeletions(t, s)
	v := harness.ConnectOver(harness.H2CClient)(t, s, d.token)
	for range testenv.Rounds(2, 5) {
		d.fill(ctx, t, s, 100)
		targets := d.with(notDeleted)[:80]
		done := make(chan struct{})
		var filling sync.WaitGroup
		filling.Go(func() {
			for {
				disk.take(t, 0)
				select {
				case <-done:
					return
				default:
					disk.free(t)
				}
			}
		})
		spread(len(targets), func(i int) {
			if i%2 == 0 {
				_ = d.send(ctx, v, 3000) // may be refused
			}
			d.delete(ctx, v, targets[i])
		})
		close(done)
		filling.Wait()
		d.check(ctx, t, s)
		if left := d.inFiles(t, data, d.with(erased)); left != nil {
			t.Errorf("messages %v are in files, although their deletions were answered", left)
		}
		disk.free(t)
	}
	t.Logf("%d deletions were done, %d delayed, %d refused", len(d.with(erased)), len(d.with(delayed)), len(d.with(refused)))
	d.checkWorks(t, s, v, data)
	s.Log.Take()
}

// checkWorks checks that sends and deletions work, now and after a restart, and that
// nothing is lost.
func (d *deletions) checkWorks(t *testing.T, s *harness.Service, v harness.Client, data string) {
	t.Helper()
	ctx := harness.Context(t)
	if err := d.send(ctx, v, 100); err != nil {
		t.Errorf("Send with space again = %v, want nil", err)
	}
	for _, sequence := range slices.Concat(d.with(refused), d.with(delayed)) {
		if answer := d.delete(ctx, v, sequence); answer != erased {
			t.Errorf("deletion of %d with space again: fate %d, want %d", sequence, answer, erased)
		}
	}
	d.check(ctx, t, s)
	if left := d.inFiles(t, data, d.with(erased)); left != nil {
		t.Errorf("messages %v are in files, although their deletions were answered", left)
	}
	s.Stop(t)
	s.Log.Take()
	again := harness.Start(t, harness.InDir(data))
	d.check(ctx, t, again)
	if err := d.send(ctx, harness.ConnectOver(harness.H2CClient)(t, again, d.token), 100); err != nil {
		t.Errorf("Send after a restart = %v, want nil", err)
	}
	again.Stop(t)
}

// A directory that can't be written to is refused with the path and the remedy, whether
// there is data in it or not, and nothing is lost.
func TestReadOnlyData(t *testing.T) {
	t.Parallel()
	for _, used := range []bool{false, true} {
		t.Run(fmt.Sprintf("used=%t", used), func(t *testing.T) {
			t.Parallel()
			ctx, data := harness.Context(t), mounted(t, "24m")
			h := &harness.SeededRoom{}
			if used {
				s := harness.Start(t, harness.InDir(data))
				h = harness.SeedRoom(ctx, t, s, "kept")
				s.Stop(t)
			}
			remount := func(flags uintptr) {
				harness.Must(t, syscall.Mount("tmpfs", data, "tmpfs", syscall.MS_REMOUNT|flags, ""))
			}
			remount(syscall.MS_RDONLY)
			err := harness.StartRefused(t, harness.InDir(data))
			for _, part := range []string{"-data: " + data + " can't be written to", "make it writable"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("run() = %q, want %q in it", err, part)
				}
			}
			remount(0)
			s := harness.Start(t, harness.InDir(data))
			if used {
				h.Client = harness.ConnectOver(harness.H2CClient)(t, s, "")
				response, err := h.Client.Send(ctx, harness.TextRequest(h.Room, "after"))
				if err != nil || response.GetEpoch() != h.Epoch {
					t.Errorf("Send after it was made writable = %v, %v, want epoch %q", response, err, h.Epoch)
				}
			}
			s.Stop(t)
		})
	}
}
