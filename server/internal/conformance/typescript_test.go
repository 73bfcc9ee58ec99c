package main

import (
	"os"
	"path/filepath"
	"testing"

	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/testenv"
)

// The TypeScript client passes in Node.js.
func TestTypeScriptClientPasses(t *testing.T) {
	testenv.RequireFull(t, "it starts many processes")
	node := harness.RequireTool(t, "node")
	esbuild := filepath.Join(root, "web/node_modules/.bin/esbuild")
	if _, err := os.Stat(esbuild); err != nil {
		if os.Getenv("CHATROOM_TEST_REQUIRE") == "1" {
			t.Fatalf("the packages of web are needed (npm ci), as CHATROOM_TEST_REQUIRE=1: %v", err)
		}
		t.Skip("the packages of web are not installed (npm ci)")
	}
	driver := filepath.Join(t.TempDir(), "driver.mjs")
	output(t, "web/node_modules/.bin/esbuild", "web/client/testing/conformance-driver.ts",
		"--bundle", "--platform=node", "--format=esm", "--target=node20", "--log-level=warning", "--outfile="+driver)
	for _, r := range runProcess(t, node, driver) {
		for _, p := range r.Problems {
			t.Errorf("%s: %s", r.Scenario.Name, p)
		}
		// It keeps no cursors across restarts: a timeline begins with the newest messages.
		if (r.Skipped != "") != (r.Scenario.Name == "restart") {
			t.Errorf("%s is skipped for the reason %q", r.Scenario.Name, r.Skipped)
		}
	}
}
