package page

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/testenv"
)

// project is an empty project into which the package of the TypeScript client is installed.
type project struct {
	dir, web string
}

func (p project) run(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Dir = dir
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, output)
	}
	return strings.TrimSpace(string(output))
}

func (p project) write(t *testing.T, name, content string) {
	t.Helper()
	harness.Must(t, os.WriteFile(filepath.Join(p.dir, name), []byte(content), 0o600))
}

// copyExample copies a file of web/examples into the project.
func (p project) copyExample(t *testing.T, name string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(p.web, "examples", name))
	harness.Must(t, err)
	p.write(t, name, string(content))
}

// newProject builds and packs the client, as it would be published, and installs it with
// React into an empty project.
func newProject(t *testing.T) project {
	t.Helper()
	npm := harness.RequireTool(t, "npm")
	web, err := filepath.Abs("../../../../web")
	harness.Must(t, err)
	if _, err := os.Stat(filepath.Join(web, "node_modules/.bin/esbuild")); err != nil {
		harness.RequireTool(t, filepath.Join(web, "node_modules/.bin/esbuild")) // as npm --prefix web ci installs it
	}
	p := project{dir: t.TempDir(), web: web}
	p.run(t, web, npm, "run", "--silent", "package")
	packed := p.run(t, filepath.Join(web, "client"), npm, "pack", "--silent", "--pack-destination", p.dir)
	p.write(t, "package.json", `{"type": "module"}`)
	p.run(t, p.dir, npm, "install", "--silent", "--no-audit", "--no-fund", "--prefer-offline",
		filepath.Join(p.dir, packed), "react@19.3.1", "react-dom@19.3.1", "@types/react@19.3.0", "@types/node@20.19.43")
	return p
}

// The package, installed into an empty project, type-checks, and its examples work: a bot on
// Node.js, a plain page without a bundler, and a room in React.
func TestClientPackage(t *testing.T) {
	testenv.RequireFull(t, "installing the package takes half a minute")
	t.Parallel()
	p := newProject(t)
	esbuild := filepath.Join(p.web, "node_modules/.bin/esbuild")

	p.copyExample(t, "check.ts")
	p.run(t, p.dir, filepath.Join(p.web, "node_modules/.bin/tsc"), "--noEmit", "--strict", "--exactOptionalPropertyTypes",
		"--target", "es2022", "--lib", "es2023,dom,dom.iterable", "--module", "nodenext", "--types", "node", "check.ts")

	p.copyExample(t, "react-room.tsx")
	p.copyExample(t, "page.js")
	p.run(t, p.dir, esbuild, "react-room.tsx", "--bundle", "--jsx=automatic", "--format=esm", "--outfile=react-room.js", "--log-level=warning")
	plain, err := os.ReadFile(filepath.Join(p.web, "examples", "page.html"))
	harness.Must(t, err)
	p.write(t, "page.html", string(plain))
	p.write(t, "react.html", `<!doctype html><meta charset="utf-8"><body><script type="module" src="react-room.js"></script>`)
	bundle, err := os.ReadFile(filepath.Join(p.dir, "node_modules/chatroom-client/dist/chatroom.js"))
	harness.Must(t, err)
	p.write(t, "chatroom.js", string(bundle))
	pages := httptest.NewServer(http.FileServer(http.Dir(p.dir)))
	t.Cleanup(pages.Close)

	s := harness.Start(t, func(c *service.Config) { c.CORSOrigins = pages.URL })
	startBot(t, p, s)
	b := newBrowser(t)
	open := func(file, name string) *tab {
		t.Helper()
		page := b.openBlank(t, name)
		page.navigate(pages.URL + "/" + file + "?name=" + name + "&server=" + url.QueryEscape(s.URL))
		page.await(`document.querySelector("#status")?.textContent.startsWith("live")`)
		return page
	}
	ada, bob := open("page.html", "Ada"), open("react.html", "Bob")
	ada.sendMessage("!echo hello")
	bob.await(`document.querySelector("#log").textContent.includes("Echo: hello")`)
	bob.sendMessage("from React")
	want := `[...document.querySelectorAll("#log li[data-status=sent]")].map((l) => l.textContent).join("|") ===
		"Ada: !echo hello|Echo: hello|Bob: from React"`
	for _, page := range []*tab{ada, bob} {
		page.await(want)
	}
	bob.await(`document.querySelector("#status").textContent.includes("3 here")`)
}

// startBot runs the example of a bot until the test ends, and waits until it is in the room.
func startBot(t *testing.T, p project, s *harness.Service) {
	t.Helper()
	p.copyExample(t, "bot.mjs")
	ctx, cancel := context.WithCancel(t.Context())
	command := exec.CommandContext(ctx, harness.RequireTool(t, "node"), "bot.mjs", s.URL, "lobby")
	command.Dir = p.dir
	var output harness.Buffer
	command.Stdout, command.Stderr = &output, &output
	harness.Must(t, command.Start())
	t.Cleanup(func() {
		cancel()
		_ = command.Wait() // it was killed
	})
	eventually(t, func() error {
		members, err := harness.RPCClient(t, s).ListMembers(harness.Context(t), &chatv1.ListMembersRequest{Room: "lobby"})
		if err == nil && len(members.GetMembers()) == 1 {
			return nil
		}
		return &botError{output.String(), err}
	})
}

// botError is that the bot is not in the room.
type botError struct {
	output string
	err    error
}

func (e *botError) Error() string { return "the bot is not in the room; it says:\n" + e.output }

func (e *botError) Unwrap() error { return e.err }
