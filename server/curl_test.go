package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// example is a shell block of README.md and the block of output after it.
type example struct {
	line     int // where it begins
	script   string
	language string // of the output: json, text, or empty when none is shown
	output   string
}

// readExamples returns the examples between the marks "<!-- NAME -->" and
// "<!-- /NAME -->".
func readExamples(t *testing.T, readme, name string) []example {
	t.Helper()
	begin, end := "<!-- "+name+" -->", "<!-- /"+name+" -->"
	var examples []example
	var block *strings.Builder // the one that the line is in
	marked, fence, at := false, "", 0
	for i, line := range strings.Split(readme, "\n") {
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
				examples = append(examples, example{line: at, script: block.String()})
			case (fence == "json" || fence == "text") && last >= 0 && examples[last].language == "":
				examples[last].language, examples[last].output = fence, block.String()
			default:
				t.Fatalf("README.md:%d: a block of %q, want sh, and after it at most one of json or text", at, fence)
			}
			block = nil
		case block != nil:
			block.WriteString(line + "\n")
		}
	}
	if len(examples) == 0 || marked || block != nil {
		t.Fatalf("README.md has %d examples between %s and %s, want some, and the end of each", len(examples), begin, end)
	}
	return examples
}

// The examples for curl in README.md do what it says, in one shell, in their
// order.
func TestReadmeCurl(t *testing.T) {
	t.Parallel()
	requireTool(t, "curl")
	readme, err := os.ReadFile("../README.md")
	must(t, err)
	examples := readExamples(t, string(readme), "curl")
	s := serve(t)
	const separator = "\x1e"
	// A curl that follows a stream ends by its --max-time, which is no failure.
	script := "set -e\ncurl() { command curl \"$@\" || [ $? = 28 ]; }\n"
	for _, e := range examples {
		script += e.script + "printf '\\036'\n"
	}
	script = strings.NewReplacer("localhost:8080", s.Addr, "/tmp/", t.TempDir()+"/").Replace(script)
	shell := exec.CommandContext(bounded(t), requireTool(t, "bash"), "-c", script)
	var stderr bytes.Buffer
	shell.Stderr = &stderr
	stdout, err := shell.Output()
	outputs := strings.Split(string(stdout), separator)
	if err != nil {
		failed := examples[min(len(outputs), len(examples))-1]
		t.Fatalf("README.md:%d: %v\n%s%s", failed.line, err, outputs[len(outputs)-1], stderr.String())
	}
	for i, e := range examples {
		if !e.printed(outputs[i]) {
			t.Errorf("README.md:%d: the output of\n%s\nis\n%s\nwant\n%s", e.line, e.script, strings.ToValidUTF8(outputs[i], "\ufffd"), e.output)
		}
	}
}

// printed says whether this is the output that the example shows. "…" in it
// stands for anything: in JSON it is a part of a string, or as a whole string
// any value, and in an array alone any elements.
func (e example) printed(got string) bool {
	switch e.language {
	case "json":
		want, err1 := decodeAll(e.output)
		values, err2 := decodeAll(got)
		return err1 == nil && err2 == nil && matches(values, want)
	case "text":
		// The server's JSON has a space after a comma or not, from build to build.
		strip := strings.NewReplacer(", ", ",")
		return matchesText(strip.Replace(strings.TrimSpace(got)), strip.Replace(strings.TrimSpace(e.output)))
	default:
		return true
	}
}

// decodeAll decodes JSON values that follow one another.
func decodeAll(text string) ([]any, error) {
	var values []any
	for decoder := json.NewDecoder(strings.NewReader(text)); ; {
		var v any
		if err := decoder.Decode(&v); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
}

func matches(got, want any) bool {
	switch want := want.(type) {
	case string:
		text, ok := got.(string)
		return want == "…" || ok && matchesText(text, want)
	case []any:
		list, ok := got.([]any)
		if ok && len(want) == 1 && want[0] == "…" {
			return true
		}
		if !ok || len(list) != len(want) {
			return false
		}
		for i := range want {
			if !matches(list[i], want[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok || len(object) != len(want) {
			return false
		}
		for key := range want {
			if value, ok := object[key]; !ok || !matches(value, want[key]) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(got, want)
	}
}

func matchesText(got, want string) bool {
	parts := strings.Split(want, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile(`^(?s:` + strings.Join(parts, ".*") + `)$`).MatchString(got)
}

// The check of the examples can fail.
func TestExamplePrinted(t *testing.T) {
	for _, test := range []struct {
		language, output, got string
		want                  bool
	}{
		{"json", `{"a":"…","b":true}`, `{"b": true, "a": "x"}`, true},
		{"json", `{"a":"…","b":true}`, `{"a":"x"}`, false},
		{"json", `{"a":"…"}`, `{"a":1,"b":true}`, false},
		{"json", `{"a":"b…"}`, `{"a":"c"}`, false},
		{"json", `{"a":["…"]}`, `{"a":[1,2]}`, true},
		{"json", `{"a":[1]}`, `{"a":[1,2]}`, false},
		{"json", `{"a":1}`, `{"a":2}`, false},
		{"json", "{\n}\n{}", `{}{}`, true},
		{"json", `{}`, `{}{}`, false},
		{"json", `{}`, `not JSON`, false},
		{"text", "a…\nc", "a b\nb\nc\n", true},
		{"text", "a…c", "b c", false},
	} {
		e := example{language: test.language, output: test.output}
		if got := e.printed(test.got); got != test.want {
			t.Errorf("the %s %q is shown as %q: %v, want %v", test.language, test.got, test.output, got, test.want)
		}
	}
}
