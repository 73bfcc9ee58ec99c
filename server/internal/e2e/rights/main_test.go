package rights

import (
	"testing"

	"chatroom/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
