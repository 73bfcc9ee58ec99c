package operations

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// beginsAtZero matches series that are there from the start.
var beginsAtZero = regexp.MustCompile(`^chatroom_(refused_total|cut_total|http2_budgets_tripped_total|appends_total|log_lines_total)\{|_(calls|stream_errors)_total\{code="(ok|internal)"`)

// Known traffic has known metrics.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.WithAdmin, harness.WithLimits("off,list.address=1/h:1"), func(c *service.Config) { c.Drain = 1 << 40 })
	ctx := harness.Context(t)
	begin := scrape(ctx, t, s)
	grpcGo, http1 := harness.OpenGRPCGo(t, s, ""), harness.ConnectOver(harness.HTTP1Client)(t, s, "")
	token, _ := s.SignIn(t, "gopher")
	sender := harness.ConnectOver(harness.H2CClient)(t, s, token)

	live, err := grpcGo.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	harness.Must(t, err)
	harness.Expect(t, live, (*chatv1.Frame).GetJoined)
	for i := range 10 {
		_, err := sender.Send(ctx, harness.TextRequest("lobby", fmt.Sprint(i)))
		harness.Must(t, err)
	}
	if _, err := sender.Send(ctx, harness.TextRequest("lobby", "3")); err != nil { // again
		t.Fatal(err)
	}
	receiveEvents(t, live, 10)
	past, err := http1.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby", Start: &chatv1.Subscription_Recent{Recent: 5}}))
	harness.Must(t, err)
	harness.Expect(t, past, (*chatv1.Frame).GetJoined)
	receiveEvents(t, past, 5)

	invalid, err := http1.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "not a room"}))
	harness.Must(t, err)
	if _, err := invalid.NextEvent(); err == nil {
		t.Error("Subscribe to what is no room receives a frame, want an error")
	}
	if _, err := http1.ListEvents(ctx, &chatv1.ListEventsRequest{Room: "no-such-room"}); err == nil {
		t.Error("ListEvents of an unknown room = nil, want an error")
	}
	if _, err := harness.ConnectOver(harness.HTTP1Client)(t, s, "nonsense").ListRooms(ctx, &chatv1.ListRoomsRequest{}); err == nil {
		t.Error("ListRooms with a bad token = nil, want an error")
	}
	for range 2 { // the second is over the limit
		_, err = http1.ListRooms(ctx, &chatv1.ListRoomsRequest{})
	}
	if err == nil {
		t.Error("the second ListRooms = nil, want an error")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+chatv1connect.ChatRoomSendProcedure, http.NoBody)
	harness.Must(t, err)
	r.Header.Set("Origin", "https://evil.example")
	response, err := harness.HTTP1Client(t).Do(r)
	harness.Must(t, err)
	_ = response.Body.Close()

	awaitSeries(ctx, t, s, series{
		"chatroom_ready": 1,
		`chatroom_streams{method="chat.v1.ChatRoom/Subscribe",protocol="grpc"}`:                     1,
		`chatroom_streams{method="chat.v1.ChatRoom/Subscribe",protocol="connect"}`:                  1,
		`chatroom_calls_total{code="ok",method="chat.v1.ChatRoom/Send"}`:                            11,
		`chatroom_calls_total{code="not_found",method="chat.v1.ChatRoom/ListEvents"}`:               1,
		`chatroom_stream_errors_total{code="invalid_argument",method="chat.v1.ChatRoom/Subscribe"}`: 1,
		`chatroom_appends_total{outcome="stored"}`:                                                  10,
		`chatroom_appends_total{outcome="duplicate"}`:                                               1,
		"chatroom_append_duration_seconds_count":                                                    11,
		`chatroom_catch_ups_total{cause="resumed"}`:                                                 1,
		"chatroom_replayed_events_total":                                                            5,
		`chatroom_readers{behind="up_to_0"}`:                                                        2,
		"chatroom_rooms":                                                                            1,
		`chatroom_refused_total{reason="credential"}`:                                               1,
		`chatroom_refused_total{reason="list.address"}`:                                             1,
		`chatroom_refused_total{reason="origin"}`:                                                   1,
	})
	got := scrape(ctx, t, s)
	for name := range got {
		if _, there := begin[name]; !there && beginsAtZero.MatchString(name) {
			t.Errorf("%s is not there before its first count: increase() does not see that", name)
		}
	}
	if n := got["chatroom_deliveries_total"]; n < 15 {
		t.Errorf("chatroom_deliveries_total = %v, want the 15 messages and events of presence", n)
	}
	for _, positive := range []string{"chatroom_store_bytes", "chatroom_store_free_bytes", "chatroom_memory_bytes", `chatroom_connections{protocol="http1"}`, `chatroom_connections{protocol="http2"}`, "go_goroutines"} {
		if got[positive] <= 0 {
			t.Errorf("%s = %v, want more than 0", positive, got[positive])
		}
	}
	s.BeginStop()
	awaitSeries(ctx, t, s, series{"chatroom_ready": 0, `chatroom_not_ready{cause="draining"}`: 1})
}

func receiveEvents(t *testing.T, receive harness.Frames, n int) {
	t.Helper()
	for range n {
		_, err := receive.NextEvent()
		harness.Must(t, err)
	}
}

// A connection over a budget is counted by the budget.
func TestMetricsOfBudgets(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory, harness.WithAdmin)
	conn := harness.Dial(t, s.Addr)
	_, err := conn.Write([]byte(http2.ClientPreface))
	harness.Must(t, err)
	framer := http2.NewFramer(conn, conn)
	for err == nil { // until the server closes the connection
		err = framer.WriteSettings()
	}
	awaitSeries(harness.Context(t), t, s, series{`chatroom_http2_budgets_tripped_total{budget="settings"}`: 1})
}

var labelNames = regexp.MustCompile(`[{,]([a-z_]+)="`)

// Rooms, members and addresses do not become labels: how many series there are does not
// depend on them.
func TestMetricsAreBounded(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory, harness.WithAdmin)
	ctx := harness.Context(t)
	use := func(i int) {
		token, _ := s.SignIn(t, fmt.Sprint("zaphod", i))
		client := harness.ConnectOver(harness.H2CClient)(t, s, token)
		room := fmt.Sprint("magrathea-", i)
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		receive, err := client.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: room}))
		harness.Must(t, err)
		harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
		_, err = client.Send(ctx, harness.TextRequest(room, fmt.Sprint("vogon", i)))
		harness.Must(t, err)
		_, err = client.ListMembers(ctx, &chatv1.ListMembersRequest{Room: room})
		harness.Must(t, err)
		_, err = client.ListEvents(ctx, &chatv1.ListEventsRequest{Room: room + "-unknown"})
		if err == nil {
			t.Error("ListEvents of an unknown room = nil, want an error")
		}
		for _, path := range []string{fmt.Sprint("/chat.v1.ChatRoom/Slartibartfast", i), fmt.Sprint("/heartofgold", i)} {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+path, http.NoBody)
			harness.Must(t, err)
			r.Host = fmt.Sprint("deepthought", i, ".example")
			response, err := harness.HTTP1Client(t).Do(r)
			harness.Must(t, err)
			_ = response.Body.Close()
		}
	}
	use(0)
	before := scrape(ctx, t, s)
	for i := range 30 {
		use(1 + i)
	}
	after := scrape(ctx, t, s)
	names, allowed := after.own(), []string{"behind", "budget", "cause", "code", "le", "level", "method", "outcome", "protocol", "reason"}
	if len(names) != len(before.own()) || len(names) > 150 {
		t.Errorf("there are %d series after the first member and %d after 31 members and rooms, want as many, and at most 150", len(before.own()), len(names))
	}
	for _, name := range names {
		for _, label := range labelNames.FindAllStringSubmatch(name, -1) {
			if !slices.Contains(allowed, label[1]) {
				t.Errorf("%s has the label %s, want only %v", name, label[1], allowed)
			}
		}
		for _, part := range []string{"zaphod", "magrathea", "vogon", "slartibartfast", "heartofgold", "deepthought", "127.0.0.1"} {
			if strings.Contains(strings.ToLower(name), part) {
				t.Errorf("%s has what a client has chosen", name)
			}
		}
	}
}
