package protocols

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// readExamples returns the examples between the marks "<!-- NAME -->" and
// "<!-- /NAME -->".
func readExamples(t *testing.T, path, name string) []harness.Example {
	t.Helper()
	document, err := os.ReadFile(path)
	harness.Must(t, err)
	begin, end := "<!-- "+name+" -->", "<!-- /"+name+" -->"
	var examples []harness.Example
	var block *strings.Builder // the one that the line is in
	marked, fence, at := false, "", 0
	for i, line := range strings.Split(string(document), "\n") {
		language, isFence := strings.CutPrefix(line, "```")
		switch {
		case line == begin || line == end:
			marked = line == begin
		case !marked:
		case block == nil && isFence:
			block, fence, at = new(strings.Builder), language, i+1
		case block != nil && line == "```":
			last := len(examples) - 1
			switch {
			case fence == "sh":
				examples = append(examples, harness.Example{Line: at, Script: block.String()})
			case (fence == "json" || fence == "text") && last >= 0 && examples[last].Language == "":
				examples[last].Language, examples[last].Output = fence, block.String()
			default:
				t.Fatalf("%s:%d: a block of %q, want sh, and after it at most one of json or text", path, at, fence)
			}
			block = nil
		case block != nil:
			block.WriteString(line + "\n")
		}
	}
	if len(examples) == 0 || marked || block != nil {
		t.Fatalf("%s has %d examples between %s and %s, want some, and the end of each", path, len(examples), begin, end)
	}
	return examples
}

// The examples for curl in the documentation print what it shows. Those of a file run in
// one shell, in order.
func TestCurlExamples(t *testing.T) {
	t.Parallel()
	const root = "../../../.."
	for _, path := range []string{"README.md", "docs/CURL.md"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(root, path)
			runExamples(t, path, readExamples(t, path, "curl"))
		})
	}
}

// Every method of the contract has an example for curl.
func TestCurlExamplesAreComplete(t *testing.T) {
	const root = "../../../.."
	var documented strings.Builder
	for _, path := range []string{"README.md", "docs/CURL.md"} {
		for _, e := range readExamples(t, filepath.Join(root, path), "curl") {
			documented.WriteString(e.Script)
		}
	}
	services := chatv1.File_chat_v1_chat_room_proto.Services()
	moderation := chatv1.File_chat_v1_moderation_proto.Services()
	for _, service := range []protoreflect.ServiceDescriptor{services.Get(0), moderation.Get(0)} {
		for i := range service.Methods().Len() {
			name := string(service.Methods().Get(i).Name())
			// Calls that differ only in the method are in a loop over their names.
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(documented.String()) {
				t.Errorf("%s/%s has no example", service.FullName(), name)
			}
		}
	}
}

func runExamples(t *testing.T, path string, examples []harness.Example) {
	harness.RequireTool(t, "curl")
	dir := t.TempDir()
	key := harness.CreateKey(t, dir, harness.KeySpec{Name: "office", Grants: []harness.KeyGrant{
		{Pattern: "*", Can: []string{"read", "post", "create", "manage", "moderate"}},
	}})
	s := harness.Start(t, harness.InDir(dir))
	const separator = "\x1e"
	// A curl that follows a stream ends by its --max-time, which is no failure.
	script := "key=" + key + "\nset -e\ncurl() { command curl \"$@\" || [ $? = 28 ]; }\n"
	for _, e := range examples {
		script += e.Script + "printf '\\036'\n"
	}
	script = strings.NewReplacer("localhost:8080", s.Addr, "/tmp/", t.TempDir()+"/").Replace(script)
	shell := exec.CommandContext(harness.Context(t), harness.RequireTool(t, "bash"), "-c", script)
	var stderr bytes.Buffer
	shell.Stderr = &stderr
	stdout, err := shell.Output()
	outputs := strings.Split(string(stdout), separator)
	if err != nil {
		failed := examples[min(len(outputs), len(examples))-1]
		t.Fatalf("%s:%d: %v\n%s%s", path, failed.Line, err, outputs[len(outputs)-1], stderr.String())
	}
	for i, e := range examples {
		if !e.Matches(outputs[i]) {
			t.Errorf("%s:%d: the output of\n%s\nis\n%s\nwant\n%s", path, e.Line, e.Script, strings.ToValidUTF8(outputs[i], "\ufffd"), e.Output)
		}
	}
}
