package metrics

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/erasure"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/h2"
	"chatroom/server/internal/health"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/rpc"
	"chatroom/server/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// filled returns sources in which every figure is there.
func filled() Sources {
	state := health.New()
	state.Set(health.Starting, false)
	state.Set(health.StoreFailed, true)
	return Sources{
		Health: state,
		Hub: func() hub.Stats {
			return hub.Stats{Erasure: erasure.Stats{Pending: 1, Failures: 2}, MemoryBytes: 3, Rooms: 4, Listed: 5, Members: 6, Resumed: 7, Lagged: 8, Replayed: 9}
		},
		RPC: func() rpc.Stats {
			return rpc.Stats{
				Streams:      map[rpc.StreamKind]rpc.StreamStats{{Method: "chat.v1.ChatRoom/Chat", Protocol: "grpc"}: {Open: 10, Begun: 11}},
				Calls:        map[rpc.CallKind]uint64{{Method: "chat.v1.ChatRoom/Send"}: 12, {Method: "chat.v1.ChatRoom/Send", Code: 5}: 13},
				StreamErrors: map[rpc.CallKind]uint64{{Method: "chat.v1.ChatRoom/Chat", Code: 14}: 29},
				Delivered:    14, Waited: 15, Readers: [rpc.BehindRanges]int{16, 17, 18, 19, 20},
				Refused: map[string]uint64{"send.member": 21, "both": 1}, Cut: map[string]uint64{"slow_reader": 22},
			}
		},
		HTTP: func() httpd.Stats {
			return httpd.Stats{CertificateExpires: time.Unix(28, 0), Connections: 30, HTTP2: h2.Stats{Connections: 23, Waited: 1, OverBudget: map[string]int64{"resets": 24}}, Refused: map[string]uint64{"both": 1}}
		},
		Disk:     func() (Disk, error) { return Disk{Bytes: 25, FreeBytes: 26}, nil },
		SignIn:   func() map[string]uint64 { return map[string]uint64{"both": 1, "sign_in": 27} },
		LogLines: new(LogLines),
	}
}

const filledText = `
chatroom_calls_total{code="not_found",method="chat.v1.ChatRoom/Send"} 13
chatroom_calls_total{code="ok",method="chat.v1.ChatRoom/Send"} 12
chatroom_catch_ups_total{cause="lagged"} 8
chatroom_catch_ups_total{cause="resumed"} 7
chatroom_certificate_expiry_timestamp_seconds 28
chatroom_connections{protocol="http1"} 7
chatroom_connections{protocol="http2"} 23
chatroom_cut_total{reason="slow_reader"} 22
chatroom_deliveries_total 14
chatroom_erasure_failures_total 2
chatroom_erasures_pending 1
chatroom_http2_budgets_tripped_total{budget="resets"} 24
chatroom_log_lines_total{level="error"} 0
chatroom_log_lines_total{level="warn"} 0
chatroom_members 6
chatroom_memory_bytes 3
chatroom_not_ready{cause="draining"} 0
chatroom_not_ready{cause="starting"} 0
chatroom_not_ready{cause="store"} 1
chatroom_readers{behind="over_1000"} 20
chatroom_readers{behind="up_to_0"} 16
chatroom_readers{behind="up_to_10"} 17
chatroom_readers{behind="up_to_100"} 18
chatroom_readers{behind="up_to_1000"} 19
chatroom_ready 0
chatroom_refused_total{reason="both"} 3
chatroom_refused_total{reason="send.member"} 21
chatroom_refused_total{reason="sign_in"} 27
chatroom_replayed_events_total 9
chatroom_rooms 4
chatroom_rooms_listed 5
chatroom_store_bytes 25
chatroom_store_free_bytes 26
chatroom_stream_errors_total{code="unavailable",method="chat.v1.ChatRoom/Chat"} 29
chatroom_streams_begun_total{method="chat.v1.ChatRoom/Chat",protocol="grpc"} 11
chatroom_streams{method="chat.v1.ChatRoom/Chat",protocol="grpc"} 10
chatroom_writes_waited_total 16
`

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(recorder.Body)
	if err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("/metrics = %d, %v:\n%s", recorder.Code, err, text)
	}
	return string(text)
}

// Lines are counted by their level, whatever logger they come from, and logged as before.
func TestLogLines(t *testing.T) {
	var out bytes.Buffer
	log, lines := CountLogLines(slog.New(slog.NewTextHandler(&out, nil)))
	log.Info("a")
	log.Warn("b")
	log.With("key", "value").Warn("c")
	log.WithGroup("group").Error("d")
	log.Log(t.Context(), slog.LevelError+4, "e")
	log.Debug("f")
	if n := strings.Count(out.String(), "\n"); n != 5 || !strings.Contains(out.String(), "msg=c key=value") {
		t.Errorf("the log is %q, want 5 lines", out.String())
	}
	m := New(log)
	m.Add(Sources{LogLines: lines})
	text := scrape(t, m)
	for _, line := range []string{`chatroom_log_lines_total{level="warn"} 2`, `chatroom_log_lines_total{level="error"} 2`} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
}

// A scraper that goes away is an error for each family of metrics, and causes few lines of the log.
func TestFailedScrapesAreSampled(t *testing.T) {
	var out bytes.Buffer
	log := newScrapeLog(slog.New(slog.NewTextHandler(&out, nil)))
	for range 100 {
		log.Println("error encoding and sending metric family:", context.Canceled)
	}
	if n := strings.Count(out.String(), "a scrape of metrics has failed"); n != 5 || strings.Count(out.String(), `family: context canceled"`) != n {
		t.Errorf("the log has %d lines, want 5 with the error:\n%s", n, out.String())
	}
}

func TestCollect(t *testing.T) {
	m := New(slog.New(slog.DiscardHandler))
	m.Add(filled())
	text := scrape(t, m)
	for line := range strings.Lines(strings.TrimSpace(filledText)) {
		if !strings.Contains(text, "\n"+strings.TrimSpace(line)+"\n") {
			t.Errorf("/metrics lacks %s", line)
		}
	}
	for _, of := range []string{"go_goroutines ", "process_resident_memory_bytes ", "go_build_info{"} {
		if !strings.Contains(text, "\n"+of) {
			t.Errorf("/metrics lacks %q", of)
		}
	}
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, namespace) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

// A disk that can't be asked costs its own metrics alone.
func TestCollectWithoutDisk(t *testing.T) {
	m := New(slog.New(slog.DiscardHandler))
	s := filled()
	s.Disk = func() (Disk, error) { return Disk{}, errors.New("no disk") }
	m.Add(s)
	text := scrape(t, m)
	if !strings.Contains(text, "\nchatroom_deliveries_total 14\n") || strings.Contains(text, "\nchatroom_store_bytes ") {
		t.Errorf("/metrics =\n%s\nwant all but the disk", text)
	}
}

// failing is a journal that fails in turn.
type failing struct {
	chat.Journal
	outcomes []error
}

func (f *failing) Submit(ctx context.Context, e chat.Entry, done func(chat.Appended)) {
	err := f.outcomes[0]
	if f.outcomes = f.outcomes[1:]; err != nil {
		done(chat.Appended{Err: err})
		return
	}
	f.Journal.Submit(ctx, e, done)
}

func TestJournal(t *testing.T) {
	m := New(slog.New(slog.DiscardHandler))
	store := memory.Open(memory.Config{})
	defer store.Close()
	j := m.Journal(&failing{store, []error{nil, nil, nil, chat.ErrTargetGone, chat.ErrNotStored, chat.ErrUnknownOutcome}})
	for i, key := range []string{"a", "b", "a", "c", "d", "e"} {
		_, duplicate, err := chat.Append(t.Context(), j, chat.Entry{Room: "room", Key: key, Payload: []byte("x")})
		if (err == nil) != (i < 3) || duplicate != (i == 2) {
			t.Errorf("Append %d = duplicate %t, %v: the answer is not the store's", i, duplicate, err)
		}
	}
	text := scrape(t, m)
	for _, want := range []string{
		`chatroom_appends_total{outcome="stored"} 2`, `chatroom_appends_total{outcome="duplicate"} 1`,
		`chatroom_appends_total{outcome="refused"} 1`, `chatroom_appends_total{outcome="failed"} 2`,
		"chatroom_append_duration_seconds_count 6",
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}
