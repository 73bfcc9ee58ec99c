package rights

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

func withRooms(names ...string) harness.Option {
	return func(c *service.Config) { c.Rooms = names }
}

func setTopic(ctx context.Context, c harness.Client, room string) *harness.Refusal {
	_, err := c.SetRoom(ctx, &chatv1.SetRoomRequest{Room: room, Topic: "a topic"})
	return harness.RefusalOf(err)
}

var lacksRight = harness.WantError{Code: connect.CodePermissionDenied, Info: "RIGHT_REQUIRED", Bound: "you do not have the right to"}

// Only the creator of a room sets its profile, also after a restart, however the room
// was made; no caller sets that of the lobby.
func TestCreatorsManage(t *testing.T) {
	t.Parallel()
	ctx, data := harness.Context(t), t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	adaToken, _ := s.SignIn(t, "ada")
	benToken, _ := s.SignIn(t, "ben")
	ada, ben := harness.ConnectHTTP2.Open(t, s, adaToken), harness.ConnectHTTP2.Open(t, s, benToken)

	_, err := ada.Send(ctx, harness.TextRequest("sent", "hi"))
	harness.Must(t, err)
	if refused := setTopic(ctx, ada, "set"); refused != nil {
		t.Errorf("SetRoom of a new room: %v", refused)
	}
	s.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaSend, adaToken, &chatv1.Subscription{Room: "joined"})
	s.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaSend, benToken, &chatv1.Subscription{Room: "joined"})
	setTopic(ctx, ben, "joined").Check(t, lacksRight)
	_, err = ben.Send(ctx, harness.TextRequest("joined", "ada was here first"))
	harness.Must(t, err)
	_, err = harness.ConnectHTTP2.Open(t, s, "").Send(ctx, harness.TextRequest("anonymous", "hi"))
	harness.Must(t, err)

	for restarted := range 2 {
		if restarted == 1 {
			s.Stop(t)
			s = harness.Start(t, harness.InDir(data))
			ada, ben = harness.ConnectHTTP2.Open(t, s, adaToken), harness.ConnectHTTP2.Open(t, s, benToken)
		}
		for _, room := range []string{"sent", "set", "joined"} {
			if refused := setTopic(ctx, ada, room); refused != nil {
				t.Errorf("SetRoom of %q by its creator: %v", room, refused)
			}
			setTopic(ctx, ben, room).Check(t, lacksRight)
		}
		for _, room := range []string{"lobby", "anonymous"} {
			setTopic(ctx, ada, room).Check(t, lacksRight)
		}
	}
}

// A policy may take the creation of rooms from callers, beside -room-creation.
func TestPolicyOfCreation(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	s := harness.Start(t, harness.WithPolicy(t, "rooms: [{pattern: 'team-*', anonymous: [read, post], guest: [read, post]}]"))
	token, _ := s.SignIn(t, "ada")
	for token, want := range map[string]harness.WantError{
		"":    {Code: connect.CodeUnauthenticated, Info: "TOKEN_REQUIRED", Bound: "sign in"},
		token: {Code: connect.CodePermissionDenied, Info: "RIGHT_REQUIRED", Bound: `room "team-new" does not exist, and you do not have the right to create it`},
	} {
		c := harness.ConnectHTTP1.Open(t, s, token)
		_, err := c.Send(ctx, harness.TextRequest("team-new", "hi"))
		harness.RefusalOf(err).Check(t, want)
		_, err = c.Send(ctx, harness.TextRequest("other", "hi"))
		harness.Must(t, err)
	}
}

// A policy that is wrong is not started with, and the error names the place.
func TestPolicyIsChecked(t *testing.T) {
	t.Parallel()
	err := harness.StartRefused(t, harness.InMemory, harness.WithPolicy(t, "rooms:\n  - pattern: lobby\n    guest: [fly]\n"))
	for _, want := range []string{"-policy", "policy.yaml:3", "rooms[0].guest[0]", "must be one of read, post"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %q, want %q in it", err, want)
		}
	}
}

// A changed policy applies to open streams without a restart. One that is wrong is logged,
// and the former stays in force.
func TestPolicyIsReloaded(t *testing.T) {
	t.Parallel()
	ctx, path := harness.Context(t), filepath.Join(t.TempDir(), "policy.yaml")
	write := func(text string) {
		t.Helper()
		// Renamed, so that half a file is never read.
		harness.Must(t, os.WriteFile(path+".new", []byte(text), 0o600))
		harness.Must(t, os.Rename(path+".new", path))
	}
	write("rooms: []")
	s, err := harness.TryStart(harness.InMemory, func(c *service.Config) { c.Policy = path })
	harness.Must(t, err)
	t.Cleanup(func() { s.Stop(t) })
	lobby := s.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaSend, "", &chatv1.Subscription{Room: "lobby"})

	write("rooms: [{pattern: lobby, guest: [fly]}]")
	awaitLog(ctx, t, s, "the policy file is wrong")
	if _, err := lobby.Send(ctx, harness.TextRequest("lobby", "still here")); err != nil {
		t.Errorf("Send under the former policy: %v", err)
	}
	write("rooms: [{pattern: lobby, anonymous: []}]")
	expectEnd(t, lobby.Receive, harness.WantError{Code: connect.CodeUnauthenticated, Info: "TOKEN_REQUIRED"})
	if _, err := lobby.ListEvents(ctx, &chatv1.ListEventsRequest{Room: "lobby"}); harness.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("ListEvents = %v, want unauthenticated", err)
	}
}

func awaitLog(ctx context.Context, t *testing.T, s *harness.Service, want string) {
	t.Helper()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !strings.Contains(s.Log.String(), want) {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("the log is\n%s\nwant %q in it", s.Log.String(), want)
		}
	}
}

// expectEnd receives until the stream ends with an error.
func expectEnd(t *testing.T, receive harness.Frames, want harness.WantError) {
	t.Helper()
	for {
		if _, err := receive(); err != nil {
			harness.RefusalOf(err).Check(t, want)
			return
		}
	}
}

// Rooms that a caller may not read are in no list, and in no change of it.
func TestUnreadableRoomsAreNotListed(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	s := harness.Start(t, harness.WithPolicy(t, "rooms: [{pattern: 'team-*', anonymous: []}]"))
	token, _ := s.SignIn(t, "ada")
	ada, visitor := harness.ConnectHTTP2.Open(t, s, token), harness.ConnectHTTP2.Open(t, s, "")
	receive, err := visitor.Subscribe(ctx, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "lobby"}}, WatchRooms: true})
	harness.Must(t, err)
	for _, room := range []string{"team-a", "public", "team-b"} {
		_, err := ada.Send(ctx, harness.TextRequest(room, "hi"))
		harness.Must(t, err)
	}
	for _, order := range []chatv1.RoomOrder{chatv1.RoomOrder_ROOM_ORDER_NAME, chatv1.RoomOrder_ROOM_ORDER_ACTIVITY} {
		for c, want := range map[harness.Client]int{ada: 4, visitor: 2} {
			n, request := 0, &chatv1.ListRoomsRequest{PageSize: 1, Order: order}
			for more := true; more; more = request.PageToken != "" {
				page, err := c.ListRooms(ctx, request)
				harness.Must(t, err)
				n, request.PageToken = n+len(page.GetRooms()), page.GetNextPageToken()
			}
			if n != want {
				t.Errorf("in order %v there are %d rooms, want %d", order, n, want)
			}
		}
	}
	for seen := false; !seen; {
		frame, err := receive()
		harness.Must(t, err)
		for _, r := range frame.GetRoomsChanged().GetRooms() {
			seen = seen || r.GetName() == "public"
			if strings.HasPrefix(r.GetName(), "team-") {
				t.Errorf("RoomsChanged has %q, which may not be read", r.GetName())
			}
		}
	}
}

// The example of docs/TRUST.md does what its text says.
func TestExampleOfTrust(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	doc, err := os.ReadFile("../../../../docs/TRUST.md")
	harness.Must(t, err)
	example := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindSubmatch(doc)
	if example == nil {
		t.Fatal("docs/TRUST.md has no example")
	}
	data := t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	token, alice := s.SignIn(t, "alice")
	guest, _ := s.SignIn(t, "ben")
	s.Stop(t)
	text := strings.ReplaceAll(string(example[1]), "MEMBER-ID-OF-ALICE", alice.GetId())
	if text == string(example[1]) {
		t.Fatal("the example names no MEMBER-ID-OF-ALICE")
	}
	s = harness.Start(t, harness.InDir(data), harness.WithPolicy(t, text), withRooms("lobby", "announcements", "staff-1"))
	for _, tt := range []struct {
		who, token, room string
		want             connect.Code
	}{
		{"alice", token, "announcements", 0},
		{"a guest", guest, "announcements", connect.CodePermissionDenied},
		{"a visitor", "", "announcements", connect.CodeUnauthenticated},
		{"alice", token, "staff-1", 0},
		{"a guest", guest, "staff-1", connect.CodePermissionDenied},
		{"a guest", guest, "lobby", 0},
		{"a visitor", "", "lobby", connect.CodeUnauthenticated},
	} {
		var got connect.Code
		_, err := harness.ConnectHTTP1.Open(t, s, tt.token).Send(ctx, harness.TextRequest(tt.room, "hi from "+tt.who))
		if err != nil {
			got = harness.CodeOf(err)
		}
		if got != tt.want {
			t.Errorf("Send to %s by %s = %v, want %v", tt.room, tt.who, err, tt.want)
		}
	}
}
