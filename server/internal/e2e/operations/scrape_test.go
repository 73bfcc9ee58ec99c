package operations

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/e2e/harness"
)

// series are the samples of a scrape, by name and labels as in the text format.
type series map[string]float64

func scrape(ctx context.Context, t *testing.T, s *harness.Service) series {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.Admin(t)+"/metrics", nil)
	harness.Must(t, err)
	response, err := harness.HTTP1Client(t).Do(r)
	harness.Must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	harness.Must(t, err)
	if response.StatusCode != http.StatusOK {
		t.Fatalf("/metrics = %d:\n%s", response.StatusCode, text)
	}
	samples := make(series)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[at+1:], 64)
		if err != nil {
			t.Fatalf("/metrics has the line %q: %v", line, err)
		}
		samples[line[:at]] = value
	}
	return samples
}

// own returns the names and labels of the service's own metrics.
func (s series) own() (names []string) {
	for name := range s {
		if strings.HasPrefix(name, "chatroom_") {
			names = append(names, name)
		}
	}
	return names
}

// awaitSeries scrapes until samples have values.
func awaitSeries(ctx context.Context, t *testing.T, s *harness.Service, want series) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		got, missing := scrape(ctx, t, s), ""
		for name, value := range want {
			if got[name] != value {
				missing = name
			}
		}
		if missing == "" {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("%s = %v, want %v", missing, got[missing], want[missing])
		}
	}
}
