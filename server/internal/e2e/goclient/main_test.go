// Package goclient tests the Go client against the service that runs: over every
// protocol, over a line that breaks, and while the server is killed.
package goclient

import (
	"testing"

	"chatroom/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
