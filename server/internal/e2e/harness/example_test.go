package harness

import (
	"testing"
)

// The check of the examples can fail.
func TestExampleMatches(t *testing.T) {
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
		e := Example{Language: test.language, Output: test.output}
		if got := e.Matches(test.got); got != test.want {
			t.Errorf("the %s %q is shown as %q: %v, want %v", test.language, test.got, test.output, got, test.want)
		}
	}
}
