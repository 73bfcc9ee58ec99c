package client_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"chatroom/client"
)

// bridgeVariable is the environment variable that makes the tests' program a bridge: the
// URL of the server.
const bridgeVariable = "CHATROOM_TEST_BRIDGE"

// runBridge runs the bridge of the example, in the current folder, if this process is to
// be one.
func runBridge() bool {
	url := os.Getenv(bridgeVariable)
	if url == "" {
		return false
	}
	cursors, err := client.OpenFileCursors("cursors.json")
	if err != nil {
		panic(err)
	}
	guest := client.NewGuest("bridge", "guest.json")
	c, err := client.New(client.Config{URL: url, Token: guest, Cursors: cursors, MaxBackoff: 100 * time.Millisecond})
	if err != nil {
		panic(err)
	}
	panic((&bridge{client: c, guest: guest, from: "lobby", to: "copy"}).run(context.Background()))
}

// A bridge that is killed again and again copies each message once and in order, also if
// the server has forgotten the ids of the copies meanwhile.
func TestBridgeIsKilled(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	server := startServer()
	defer server.Close()
	answers := rand.New(rand.NewPCG(3, 4))
	var mu sync.Mutex
	server.lost = func(string) bool {
		mu.Lock()
		defer mu.Unlock()
		return answers.IntN(10) == 0
	}
	folder := t.TempDir()
	var want []string
	for round := range 8 {
		for i := range 60 {
			text := fmt.Sprintf("round %d, message %d", round, i)
			server.say("lobby", text)
			want = append(want, "gopher: "+text)
		}
		// It is killed in the middle of this round, and at last when all is copied.
		until := len(want)
		if round < 7 {
			until -= 1 + random.IntN(50)
		}
		reached := make(chan struct{})
		var once sync.Once
		server.whenAtLeast("copy", until, func() { once.Do(func() { close(reached) }) })
		program := startBridge(t, server.URL, folder)
		select {
		case <-reached:
		case <-time.After(time.Minute):
			t.Errorf("in round %d the bridge does not go on after %d copies, want %d", round, len(server.log("copy")), until)
		}
		if err := program.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = program.Wait() // the error is that it was killed
		if round%2 == 0 {
			server.forgetIDs()
		}
	}
	if got := server.log("copy"); !slices.Equal(got, want) {
		t.Errorf("there are %d copies, want %d", len(got), len(want))
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("copy %d is %q, want %q", i, got[i], want[i])
			}
		}
	}
}

func startBridge(t *testing.T, url, folder string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if program, err = filepath.Abs(program); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), bridgeVariable+"="+url)
	command.Dir, command.Stderr = folder, os.Stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command
}
