package jetstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"chatroom/server/internal/chat"
)

// A full disk refuses events, with a word to operators, and nothing else. With
// room on it again, events are stored again.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 40<<20)
	for _, noFsync := range []bool{false, true} {
		t.Run(fmt.Sprintf("NoFsync=%t", noFsync), func(t *testing.T) {
			var log logged
			dir := filepath.Join(disk, fmt.Sprint(noFsync))
			j := open(t, Config{Dir: filepath.Join(dir, "events"), NoFsync: noFsync, Log: slog.New(slog.NewTextHandler(&log, nil))})
			seen := follow(t, j, "room")
			want := sayAll(t, j, "room", "before", 10)
			ballast := filepath.Join(disk, "ballast")
			fill(t, ballast)

			for i := range 50 {
				at, _, err := j.Append(t.Context(), "room", fmt.Sprint("full/", i), payload)
				if !errors.Is(err, chat.ErrNotStored) || !errors.Is(err, syscall.ENOSPC) {
					t.Fatalf("Append to a full disk = %v, %v, want %v", at, err, chat.ErrNotStored)
				}
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 || !strings.Contains(log.String(), "can't be stored") {
				t.Errorf("50 refused appends logged %d errors, want 1 that says so:\n%s", n, log.String())
			}
			if got := sequences(t, j, "room"); !slices.Equal(got, want) {
				t.Errorf("Read from a full disk = %v, want %v", got, want)
			}
			remove(t, ballast)
			want = append(want, sayAll(t, j, "room", "after", 10)...)
			seen.wait(t, want)
			fill(t, ballast)
			// What the mark would say is not worth more than what is stored.
			if err := j.Close(); err != nil && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("Close() with a full disk = %v, want nil or %v", err, syscall.ENOSPC)
			}
			remove(t, ballast)
			if got := sequences(t, open(t, j.config), "room"); !slices.Equal(got, want) {
				t.Errorf("Read after a restart = %v, want %v", got, want)
			}
			remove(t, dir)
		})
	}
}

// A log that outgrows the disk, with nothing to make room, stops growing in time.
func TestGrowingIntoAFullDisk(t *testing.T) {
	t.Parallel()
	var log logged
	c := Config{Dir: filepath.Join(smallDisk(t, 48<<20), "data", "events"), Log: slog.New(slog.NewTextHandler(&log, nil))}
	j := open(t, c)
	big := make([]byte, 512<<10)
	var want []uint64
	for i := range 200 {
		at, _, err := j.Append(t.Context(), "room", fmt.Sprint(i), big)
		if errors.Is(err, chat.ErrNotStored) {
			break
		}
		if err != nil {
			t.Fatalf("Append = %v, want nil or %v", err, chat.ErrNotStored)
		}
		want = append(want, at.Sequence)
	}
	if len(want) < 10 || len(want) == 200 {
		t.Errorf("%d events of 512 KiB were stored on a disk of 48 MiB", len(want))
	}
	if !strings.Contains(log.String(), "can't be stored") {
		t.Errorf("events are refused, and nothing says so:\n%s", log.String())
	}
	closed(t, j)
	if got := sequences(t, open(t, c), "room"); !slices.Equal(got, want) {
		t.Errorf("Read after a restart = %d events, want %d", len(got), len(want))
	}
}

// A directory that can't be written is found out at the start.
func TestUnwritableDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, filepath.Join(file, "events"))

	disk := smallDisk(t, 1<<20)
	if out, err := exec.Command("mount", "-o", "remount,ro", disk).CombinedOutput(); err != nil {
		t.Fatalf("mount read-only: %v: %s", err, out)
	}
	refused(t, filepath.Join(disk, "events"))
}

func refused(t *testing.T, dir string) {
	t.Helper()
	j, err := Open(context.Background(), Config{Dir: dir})
	if err == nil {
		closed(t, j)
	}
	if err == nil || !strings.Contains(err.Error(), filepath.Dir(dir)) {
		t.Errorf("Open(%q) = %v, want an error that names the directory", dir, err)
	}
}

// smallDisk mounts a file system of a size, or skips the test: that takes rights.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprint("size=", size), "tmpfs", dir).CombinedOutput()
	if err != nil {
		if os.Getenv("CHATROOM_TEST_REQUIRE") == "1" {
			t.Fatalf("a small disk is needed, as CHATROOM_TEST_REQUIRE=1: mount: %v: %s", err, out)
		}
		t.Skipf("a small disk can't be mounted: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	return dir
}

// fill takes all the space that is left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) || errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("fill the disk: %v", err)
	}
}
