package requestid

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOf(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	first, second := Of(r), Of(r)
	if first == second || len(first) != 16 || !valid(first) {
		t.Errorf("Of a request without an id = %q and %q, want new ones", first, second)
	}
	for id, kept := range map[string]bool{
		"a": true, "7f3a-B_c.9": true, strings.Repeat("x", 64): true,
		strings.Repeat("x", 65): false, "a b": false, "a\"b": false, "ä": false,
	} {
		r.Header.Set(Header, id)
		if got := Of(r); (got == id) != kept {
			t.Errorf("Of a request with %q = %q, want it kept: %t", id, got, kept)
		}
	}
}

func TestHandler(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(Handler{slog.NewTextHandler(&out, nil)}).With("a", 1)
	ctx := NewContext(t.Context(), "id-1")
	log.InfoContext(ctx, "first", "b", 2)
	log.InfoContext(t.Context(), "second")
	lines := strings.Split(out.String(), "\n")
	if !strings.HasSuffix(lines[0], "msg=first a=1 b=2 request=id-1") || !strings.HasSuffix(lines[1], "msg=second a=1") {
		t.Errorf("the log is %q, want the id in the first line", lines)
	}
	if got := FromContext(t.Context()); got != "" {
		t.Errorf("FromContext = %q, want none", got)
	}
}
