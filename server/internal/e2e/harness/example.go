package harness

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"regexp"
	"strings"
)

// Example is a shell block of README.md and the block of output after it.
type Example struct {
	Line     int // where it begins
	Script   string
	Language string // of the output: json, text, or empty when none is shown
	Output   string
}

// Matches reports whether the output is the one that the example shows, in which "…"
// stands for anything: in JSON it is a part of a string, or as a whole string any value,
// and in an array alone any elements.
func (e Example) Matches(got string) bool {
	switch e.Language {
	case "json":
		want, err1 := decodeAll(e.Output)
		values, err2 := decodeAll(got)
		return err1 == nil && err2 == nil && matches(values, want)
	case "text":
		// The server's JSON has a space after a comma or not, from build to build.
		strip := strings.NewReplacer(", ", ",")
		return matchesText(strip.Replace(strings.TrimSpace(got)), strip.Replace(strings.TrimSpace(e.Output)))
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
