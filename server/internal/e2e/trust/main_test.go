// Package trust tests callers with accounts elsewhere: the worked example of docs/TRUST.md,
// a web shop whose back end issues tokens, on a service that runs.
package trust

import (
	"testing"

	"chatroom/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }
