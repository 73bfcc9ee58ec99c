package terminal

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// lines starts a command that prints, and returns what reads its lines, without their
// times. The command's input is nothing, as in the background of a shell.
func lines(t *testing.T, c *exec.Cmd) (next func() string) {
	t.Helper()
	out, err := c.StdoutPipe()
	harness.Must(t, err)
	harness.Must(t, c.Start())
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		_ = c.Wait()
	})
	scanner := bufio.NewScanner(out)
	return func() string {
		t.Helper()
		if !scanner.Scan() {
			t.Fatalf("the output of %v has ended: %v", c, scanner.Err())
		}
		return withoutTime(scanner.Text())
	}
}

// withoutTime returns a line without the time at its beginning.
func withoutTime(line string) string {
	if i := len("2006-01-02 15:04:05 "); len(line) > i && line[4] == '-' {
		return line[i:]
	}
	return line
}

// history returns the newest messages of a room, as the program prints them.
func history(t *testing.T, url, room string) []string {
	t.Helper()
	out, stderr, code := run(t, command(t, url, "reader", "-room", room, "-history", "1000", "-follow=false"), "")
	if code != 0 || stderr != "" {
		t.Fatalf("-history: exit code = %d, stderr %q", code, stderr)
	}
	var texts []string
	for line := range strings.Lines(out) {
		texts = append(texts, strings.TrimSuffix(withoutTime(line), "\n"))
	}
	return texts
}

func TestLinesAreSentOnceInOrder(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	var input, want strings.Builder
	for i := range 200 {
		fmt.Fprintf(&input, "line %d\n\n  \n", i)
		fmt.Fprintf(&want, "ada: line %d\n", i)
	}
	out, stderr, code := run(t, command(t, s.URL, "ada"), input.String()+"without an end")
	want.WriteString("ada: without an end")
	if out != "" || stderr != "" || code != 0 {
		t.Errorf("stdout %q, stderr %q, exit code %d, want nothing and 0", out, stderr, code)
	}
	if got := strings.Join(history(t, s.URL, "lobby"), "\n"); got != want.String() {
		t.Errorf("the room has\n%s\nwant\n%s", got, want.String())
	}
}

// Lines are sent once although the server is killed meanwhile.
func TestLinesAndARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := harness.StartProcess(t, harness.InDir(dir))
	c := command(t, s.URL, "ada")
	in, err := c.StdinPipe()
	harness.Must(t, err)
	next := lines(t, command(t, s.URL, "bob", "-follow", "-history", "1000"))
	harness.Must(t, c.Start())
	var want []string
	for i := range 100 {
		if i == 50 {
			if got := next(); got != "ada: line 0" { // both are connected
				t.Errorf("line = %q, want that of ada", got)
			}
			s.Kill()
			s = harness.StartProcess(t, harness.InDir(dir), harness.ListenOn(s.Addr))
		}
		_, err := fmt.Fprintf(in, "line %d\n", i)
		harness.Must(t, err)
		want = append(want, fmt.Sprint("ada: line ", i))
	}
	harness.Must(t, in.Close())
	harness.Must(t, c.Wait())
	for _, w := range want[1:] {
		if got := next(); got != w {
			t.Fatalf("line = %q, want %q", got, w)
		}
	}
	if got := history(t, s.URL, "lobby"); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the room has %q, want %q", got, want)
	}
}

func TestRefusedLines(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	_, stderr, code := run(t, command(t, s.URL, "ada"), "one\n"+strings.Repeat("x", 4001)+"\n\xff\ntwo\n")
	if code != 1 || strings.Count(stderr, "was not sent") != 2 || !strings.Contains(stderr, "line 2") || !strings.Contains(stderr, "line 3") {
		t.Errorf("exit code %d, stderr %q, want 1 and the reasons for lines 2 and 3", code, stderr)
	}
	if got := history(t, s.URL, "lobby"); strings.Join(got, "|") != "ada: one|ada: two" {
		t.Errorf("the room has %q, want one and two", got)
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, tt := range []struct {
		name, url, stderr string
		args              []string
		code              int
	}{
		{"help", s.URL, "Exit codes", []string{"-h"}, 0},
		{"unknown flag", s.URL, "-unknown", []string{"-unknown"}, 1},
		{"argument", s.URL, `unexpected argument "x"`, []string{"x"}, 1},
		{"invalid room", s.URL, "must be 1 to 64 characters", []string{"-room", "A B"}, 1},
		{"invalid address", "localhost", "must be http://HOST", nil, 1},
		{"invalid token", s.URL, "the token is invalid", []string{"-token", "nonsense"}, 1},
		{"invalid token, printing", s.URL, "the token is invalid", []string{"-token", "nonsense", "-history", "3"}, 1},
		{"no server", "http://127.0.0.1:1", "can't be reached within 200ms", []string{"-timeout", "200ms"}, 2},
		{"no server, printing", "http://127.0.0.1:1", "can't be reached within 200ms", []string{"-timeout", "200ms", "-history", "3"}, 2},
		{"no output", s.URL, "", []string{"-history", "3"}, 0},
	} {
		out, stderr, code := run(t, command(t, tt.url, "ada", tt.args...), "hi\n")
		if code != tt.code || !strings.Contains(stderr, tt.stderr) || out != "" {
			t.Errorf("%s: exit code %d, stderr %q, stdout %q, want %d and %q", tt.name, code, stderr, out, tt.code, tt.stderr)
		}
	}
}

func TestSignals(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		c := command(t, s.URL, "ada", "-follow")
		in, err := c.StdinPipe() // which stays open
		harness.Must(t, err)
		next := lines(t, c)
		_, err = fmt.Fprintln(in, "hi")
		harness.Must(t, err)
		if got := next(); got != "ada: hi" {
			t.Errorf("line = %q, want that of ada", got)
		}
		interrupt(t, c, signal)
		_ = c.Wait()
		if got := c.ProcessState.ExitCode(); got != want {
			t.Errorf("%v: exit code = %d, want %d", signal, got, want)
		}
	}
}

// A reader that leaves, such as head, ends the program quietly.
func TestReaderLeaves(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	c := command(t, s.URL, "ada", "-follow")
	var stderr strings.Builder
	c.Stderr = &stderr
	in, err := c.StdinPipe()
	harness.Must(t, err)
	reader, writer, err := os.Pipe()
	harness.Must(t, err)
	c.Stdout = writer
	harness.Must(t, c.Start())
	harness.Must(t, writer.Close())
	_, err = fmt.Fprintln(in, "one")
	harness.Must(t, err)
	scanner := bufio.NewScanner(reader)
	if !scanner.Scan() {
		t.Fatalf("no line: %v", scanner.Err())
	}
	harness.Must(t, reader.Close())
	_, err = fmt.Fprintln(in, "two")
	harness.Must(t, err)
	if err := c.Wait(); err != nil || stderr.String() != "" {
		t.Errorf("Wait() = %v, stderr %q, want exit code 0 and nothing", err, stderr.String())
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	next := lines(t, command(t, s.URL, "reader", "-json", "-follow", "-history", "1000"))
	if _, stderr, code := run(t, command(t, s.URL, "ada"), "hi\nthere\n"); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{"hi", "there"} {
		var e chatv1.Event
		for e.GetMessage() == nil { // others join and leave
			line := next()
			if err := protojson.Unmarshal([]byte(line), &e); err != nil || !json.Valid([]byte(line)) {
				t.Fatalf("line %q: %v", line, err)
			}
		}
		if e.GetMessage().GetText() != want || e.GetSender().GetName() != "ada" || e.GetSequence() == 0 {
			t.Errorf("event = %v, want %q of ada", &e, want)
		}
	}
}

// With -since each run prints what has come since the last one.
func TestSince(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	file := filepath.Join(t.TempDir(), "cursor")
	for i, want := range []string{"", "ada: 1", "", "ada: 3\nada: 4"} {
		for text := range strings.FieldsSeq([]string{"", "1", "", "3 4"}[i]) {
			if _, stderr, code := run(t, command(t, s.URL, "ada"), text+"\n"); code != 0 {
				t.Fatalf("exit code %d: %s", code, stderr)
			}
		}
		out, stderr, code := run(t, command(t, s.URL, "reader", "-since", file), "")
		var got []string
		for line := range strings.Lines(out) {
			got = append(got, strings.TrimSpace(withoutTime(line)))
		}
		if strings.Join(got, "\n") != want || code != 0 || stderr != "" {
			t.Errorf("run %d: %q, stderr %q, exit code %d, want %q and 0", i, got, stderr, code, want)
		}
	}
}

// A guest is the same member in each run, and its token is nobody else's to read.
func TestGuestIsKept(t *testing.T) {
	t.Parallel()
	s, home := harness.Start(t), t.TempDir()
	for range 2 {
		if _, stderr, code := run(t, commandIn(t, home, s.URL, "ada"), "hi\n"); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
	}
	out, _, _ := run(t, command(t, s.URL, "reader", "-json", "-history", "2"), "")
	ids := make(map[string]int)
	for line := range strings.Lines(out) {
		var e chatv1.Event
		harness.Must(t, protojson.Unmarshal([]byte(line), &e))
		if e.GetMessage() != nil {
			ids[e.GetSender().GetId()]++
		}
	}
	if len(ids) != 1 || ids[""] != 0 {
		t.Errorf("messages by member = %v, want 2 of one", ids)
	}
	files, err := filepath.Glob(filepath.Join(home, "config", "chatroom", "guest-*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files = %q, %v, want one", files, err)
	}
	info, err := os.Stat(files[0])
	harness.Must(t, err)
	if got := info.Mode(); got != 0o600 {
		t.Errorf("mode = %v, want 0600", got)
	}
}

// The pipes in README do what it says.
func TestReadme(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	readme, err := os.ReadFile("../../../../README.md")
	harness.Must(t, err)
	_, rest, found1 := strings.Cut(string(readme), "<!-- pipes -->\n\n```sh\n")
	script, _, found2 := strings.Cut(rest, "```")
	if !found1 || !found2 || strings.Count(script, "\n") != 2 {
		t.Fatalf("README has %q after <!-- pipes -->, want two lines", script)
	}
	c := command(t, s.URL, "gopher")
	shell := exec.CommandContext(harness.Context(t), harness.RequireTool(t, "bash"), "-c", strings.ReplaceAll(script, "go run ./client/chat", c.Path))
	shell.Env = append(c.Env, "CHATROOM_SERVER="+s.URL, "CHATROOM_NAME=gopher")
	out, err := shell.Output()
	if got := withoutTime(string(out)); err != nil || got != "gopher: hi\n" {
		t.Errorf("the output is %q, %v, want the message of gopher", got, err)
	}
}
