package terminal

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// Two people talk: what one types is on the screen of the other.
func TestTwoPeopleTalk(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	ada := open(t, command(t, s.URL, "ada"), 80, 24)
	ada.shows("live · 1 person")
	bob := open(t, command(t, s.URL, "bob"), 120, 30)
	bob.shows("live · 2 people", "  ada")
	ada.shows("live · 2 people")

	ada.press("Hello, bob! 家 👩‍💻")
	bob.shows("ada is typing")
	ada.press("\r")
	bob.shows("ada: Hello, bob! 家")
	bob.press("\x1b[A") // up
	bob.shows("r reply")
	bob.press("r")
	bob.shows("Reply to ada")
	bob.press("Hello!\r")
	ada.shows("bob: Hello!", "┌ ada: Hello, bob!")
	bob.press("\x1b[A1") // up, 👍
	ada.shows("👍 1")
	bob.press("\x1b[A") // up
	bob.shows("e edit")
	bob.press("e")
	bob.shows("Edit your message")
	bob.press(" Hi!\r")
	ada.shows("bob: Hello! Hi! (edited)")
	bob.press("\x1b[A") // up
	bob.shows("d delete")
	bob.press("d")
	bob.shows("Delete this message for everyone?")
	bob.press("y")
	ada.shows("bob: message deleted")

	ada.resize(50, 14)
	ada.shows("#lobby", "Message #lobby")
	ada.press("\x03")
	if code := ada.wait(); code != 0 {
		t.Errorf("exit code = %d, want 0", code)
	}
	ada.mu.Lock()
	defer ada.mu.Unlock()
	if written := ada.written.String(); !strings.Contains(written, "\x1b[?1049l") {
		t.Error("the program leaves the alternate screen on")
	}
}

// A server that is killed and started again is reported, and nothing is doubled or lost:
// what was typed meanwhile, too.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := harness.StartProcess(t, harness.InDir(dir))
	ada := open(t, command(t, s.URL, "ada"), 80, 24)
	ada.shows("live")
	ada.press("one\r")
	ada.shows("ada: one")
	ada.await("the answer", func(screen string) bool { return !strings.Contains(screen, "(sending)") })
	s.Kill()
	ada.shows("offline")
	ada.press("two\r")
	ada.shows("two (sending)")
	s = harness.StartProcess(t, harness.InDir(dir), harness.ListenOn(s.Addr))
	ada.shows("live")
	ada.await("the answer", func(screen string) bool { return !strings.Contains(screen, "(sending)") })
	bob := open(t, command(t, s.URL, "bob"), 80, 24)
	bob.shows("ada: one", "ada: two", "live")
	bob.press("three\r")
	ada.shows("bob: three")
	for _, term := range []*terminal{ada, bob} {
		term.await("each message once", func(screen string) bool {
			return strings.Count(screen, "ada: one") == 1 && strings.Count(screen, "ada: two") == 1 && strings.Count(screen, "bob: three") == 1
		})
	}
}

// What is no longer kept when the program is back is told, with the number of messages.
func TestGapIsTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	keep20 := func(c *service.Config) { c.RetainRoomEvents = 20 }
	s := harness.StartProcess(t, harness.InDir(dir), keep20)
	ada := open(t, command(t, s.URL, "ada"), 80, 24)
	ada.shows("live")
	ada.press("before\r")
	ada.shows("ada: before")
	ada.await("the answer", func(screen string) bool { return !strings.Contains(screen, "(sending)") })
	s.Kill()
	ada.shows("offline")

	elsewhere := harness.StartProcess(t, harness.InDir(dir), keep20)
	var input strings.Builder
	for i := range 60 {
		fmt.Fprintf(&input, "number %d\n", i)
	}
	if _, stderr, code := run(t, command(t, elsewhere.URL, "bob"), input.String()); code != 0 {
		t.Fatalf("exit code = %d: %s", code, stderr)
	}
	kept := len(history(t, elsewhere.URL, "lobby"))
	elsewhere.Kill()

	harness.StartProcess(t, harness.InDir(dir), keep20, harness.ListenOn(s.Addr))
	ada.shows("live", "number 59")
	ada.press("\x1b[1;5H") // Ctrl+Home
	ada.shows(fmt.Sprintf("%d messages are no longer kept.", 60-kept))
	ada.await("nothing of what was before", func(screen string) bool { return !strings.Contains(screen, "ada: before") })
}

// Rooms are listed with what is new in them, and the history is read page by page.
func TestRoomsAndHistory(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	var input strings.Builder
	for i := range 300 {
		fmt.Fprintf(&input, "number %03d\n", i)
	}
	if _, stderr, code := run(t, command(t, s.URL, "bob", "-room", "games"), input.String()); code != 0 {
		t.Fatalf("exit code = %d: %s", code, stderr)
	}
	ada := open(t, command(t, s.URL, "ada"), 80, 24)
	ada.shows("live", "  games           │")
	if _, stderr, code := run(t, command(t, s.URL, "bob", "-room", "games"), "new\n"); code != 0 {
		t.Fatalf("exit code = %d: %s", code, stderr)
	}
	ada.shows("  games         1 │")
	ada.press("\x1b[Z") // Shift+Tab
	ada.shows("▸ games", "live", "bob: new", "number 299")
	page := func(screen string) bool { return strings.Contains(screen, "This is where #games begins.") }
	for range 40 {
		ada.press("\x1b[5~") // page up
	}
	ada.await("a page of history", func(screen string) bool { return !strings.Contains(screen, "number 299") })
	for range 10 {
		ada.press("\x1b[1;5H") // Ctrl+Home
		ada.await("an older page", func(screen string) bool {
			return page(screen) || regexp.MustCompile(`number [012]\d\d`).MatchString(screen)
		})
	}
	ada.await("the beginning", func(screen string) bool {
		if !page(screen) {
			ada.press("\x1b[1;5H")
		}
		return page(screen) && strings.Contains(screen, "number 000")
	})
}

func TestSignalEndsScreen(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	ada := open(t, command(t, s.URL, "ada"), 80, 24)
	ada.shows("live")
	interrupt(t, ada.command, syscall.SIGTERM)
	if code := ada.wait(); code != 143 {
		t.Errorf("exit code = %d, want 143", code)
	}
}

// With NO_COLOR nothing is coloured.
func TestNoColor(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for _, tt := range []struct {
		noColor string
		want    bool
	}{{"", true}, {"1", false}, {"yes", false}} {
		c := command(t, s.URL, "ada")
		c.Env = append(c.Env, "NO_COLOR="+tt.noColor)
		ada := open(t, c, 80, 24)
		ada.shows("live")
		ada.press("hi\r")
		ada.shows("ada: hi")
		ada.press("\x03")
		ada.wait()
		if got := regexp.MustCompile("\x1b\\[([0-9]+;)*3[0-7](;[0-9]+)*m").MatchString(ada.written.String()); got != tt.want {
			t.Errorf("NO_COLOR=%q: colours = %t, want %t: %q", tt.noColor, got, tt.want, ada.written.String())
		}
	}
}
