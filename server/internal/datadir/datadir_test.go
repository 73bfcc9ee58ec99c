package datadir

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chatroom/server/internal/durable"
)

func open(t *testing.T, path string, addresses ...string) *Dir {
	t.Helper()
	d, err := Open(path, addresses...)
	if err != nil {
		t.Fatalf("Open(%q) = %v, want nil", path, err)
	}
	return d
}

func TestOpenCreates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	d := open(t, path)
	defer d.Close()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 && runtime.GOOS != "windows" {
		t.Errorf("mode of the new directory = %o, want 700", got)
	}
	if d.Path() != path {
		t.Errorf("Path = %q, want %q", d.Path(), path)
	}
}

// A second Dir is refused, and learns who has the first.
func TestOpenTwice(t *testing.T) {
	path := t.TempDir()
	d := open(t, path, "127.0.0.1:8080", "[::1]:8080")
	_, err := Open(path)
	inUse, ok := errors.AsType[*InUseError](err)
	if !ok || inUse.Path != path || inUse.Holder.PID != os.Getpid() || !slices.Equal(inUse.Holder.Listen, []string{"127.0.0.1:8080", "[::1]:8080"}) {
		t.Fatalf("second Open = %#v, want an InUseError that names this process and its addresses", err)
	}
	for _, part := range []string{path, "is in use by process", "started 20", "listening on 127.0.0.1:8080, [::1]:8080"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("second Open = %q, want %q in it", err, part)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatalf("Close = %v, want nil", err)
	}
	if err := open(t, path).Close(); err != nil {
		t.Errorf("Close of a Dir opened after the first was closed = %v, want nil", err)
	}
}

// A refused Open changes nothing in the directory.
func TestRefusedOpenTouchesNothing(t *testing.T) {
	path := t.TempDir()
	d := open(t, path, ":1")
	defer d.Close()
	before := contents(t, path)
	if _, err := Open(path, ":2"); err == nil {
		t.Fatal("second Open = nil, want an error")
	}
	if after := contents(t, path); after != before {
		t.Errorf("after a refused Open the directory holds\n%s\nwant it unchanged:\n%s", after, before)
	}
}

// contents returns names, times and contents of all files.
func contents(t *testing.T, path string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(path, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		b.WriteString(path + " " + info.ModTime().String() + " " + string(text) + "\n")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// helperPath has this test binary hold a directory until its input ends.
const helperPath = "DATADIR_TEST_HOLD"

// helperChecks is the variable that makes the process only check the directory.
const helperChecks = "DATADIR_TEST_CHECK"

func TestMain(m *testing.M) {
	path := os.Getenv(helperPath)
	if path == "" {
		os.Exit(m.Run())
	}
	if os.Getenv(helperChecks) != "" {
		if err := Check(path); err != nil {
			os.Stdout.WriteString(err.Error() + "\n")
		}
		os.Exit(0)
	}
	d, err := Open(path, ":4711")
	if err != nil {
		os.Stdout.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
	os.Stdout.WriteString("open\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
	_ = d.Close()
}

// hold starts a process that opens a directory, and returns the line that it prints.
func hold(t *testing.T, path string, prepare func(*exec.Cmd)) (process *exec.Cmd, line string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	process = exec.Command(self)
	process.Env = append(os.Environ(), helperPath+"="+path)
	if prepare != nil {
		prepare(process)
	}
	if _, err := process.StdinPipe(); err != nil { // open until the process is killed
		t.Fatal(err)
	}
	stdout, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	line, err = bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the process that should open %s said %q, %v", path, line, err)
	}
	return process, strings.TrimSuffix(line, "\n")
}

// What a killed process leaves does not keep the next one out.
func TestOpenAfterKill(t *testing.T) {
	path := t.TempDir()
	process, line := hold(t, path, nil)
	if line != "open" {
		t.Fatalf("the first process said %q, want %q", line, "open")
	}
	_, err := Open(path)
	inUse, ok := errors.AsType[*InUseError](err)
	if !ok || inUse.Holder.PID != process.Process.Pid {
		t.Fatalf("Open while process %d holds the directory = %v, want an InUseError that names it", process.Process.Pid, err)
	}
	if err := process.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait()
	if err := open(t, path).Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

func TestOpenRefusesFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	paths := []string{file}
	if runtime.GOOS != "windows" {
		paths = append(paths, filepath.Join(file, "below"))
	}
	for _, path := range paths {
		_, err := Open(path)
		if err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), "name a directory") {
			t.Errorf("Open(%q) = %v, want an error that begins with the path and says what to do", path, err)
		}
	}
}

func TestFormat(t *testing.T) {
	d := open(t, t.TempDir())
	defer d.Close()
	check := func(want Format) {
		t.Helper()
		if got, err := d.Format(); got != want || err != nil {
			t.Errorf("Format = %v, %v, want %v", got, err, want)
		}
	}
	check(Empty)
	if files, err := d.FormerFiles(); len(files) > 0 || err != nil {
		t.Errorf("FormerFiles = %q, %v, want none", files, err)
	}
	if err := os.MkdirAll(filepath.Join(d.Path(), FormerEventsName), 0o700); err != nil {
		t.Fatal(err)
	}
	check(Former)
	if err := durable.WriteFile(filepath.Join(d.Path(), DatabaseName), nil); err != nil {
		t.Fatal(err)
	}
	check(Current)
	if err := durable.WriteFile(filepath.Join(d.Path(), FormerMarkName), nil); err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(d.Path(), FormerEventsName), filepath.Join(d.Path(), FormerMarkName)}
	if files, err := d.FormerFiles(); !slices.Equal(files, want) || err != nil {
		t.Errorf("FormerFiles = %q, %v, want %q", files, err, want)
	}
}

// Discard removes what Open has created, and nothing else.
func TestDiscard(t *testing.T) {
	top := t.TempDir()
	kept := filepath.Join(top, "kept")
	if err := os.Mkdir(kept, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(top, "a", "b"), kept} {
		d, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Discard(); err != nil {
			t.Errorf("Discard of %s: %v", path, err)
		}
	}
	if made, _ := filepath.Glob(filepath.Join(top, "*")); !slices.Equal(made, []string{kept}) {
		t.Errorf("the directory has %q, want that of before", made)
	}
	if made, _ := filepath.Glob(filepath.Join(kept, "*")); len(made) > 0 {
		t.Errorf("the directory that was there has %q, want nothing", made)
	}
}

// One Dir at a time is open, also while others remove the file of the lock.
func TestDiscardExcludes(t *testing.T) {
	path := t.TempDir()
	var open atomic.Int64
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for opened := 0; opened < 50; {
				d, err := Open(path)
				if _, inUse := errors.AsType[*InUseError](err); inUse {
					runtime.Gosched()
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				opened++
				if open.Add(1) != 1 {
					t.Error("two are open at the same time")
				}
				runtime.Gosched()
				open.Add(-1)
				if err := d.Discard(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
}
