package hostile

import (
	"os"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

func TestMain(m *testing.M) {
	if os.Getenv(subscriberVariable) != "" {
		os.Exit(subscriberMain())
	}
	harness.Main(m)
}
