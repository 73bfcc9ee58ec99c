// Package operations tests what operators see of the service.
package operations

import (
	"testing"

	"chatroom/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
