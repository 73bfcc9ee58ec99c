package page

import (
	"flag"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

func TestMain(m *testing.M) {
	// Each parallel test starts a Chromium, which alone keeps a core busy. The flag -parallel of
	// the command line is read later and wins.
	if err := flag.Set("test.parallel", "2"); err != nil {
		panic(err)
	}
	harness.Main(m)
}
