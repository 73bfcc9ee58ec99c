package rpc

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/requestid"
	"chatroom/server/internal/store/memory"
)

// slowStore takes time to find out where a room stands.
type slowStore struct {
	store
	takes time.Duration
}

func (s *slowStore) Head(ctx context.Context, room string) (chat.Head, error) {
	<-time.After(s.takes)
	return s.store.Head(ctx, room)
}

// A call that takes more than a second is logged, with what identifies it. A wait for events
// does not count.
func TestSlowCalls(t *testing.T) {
	for name, tt := range map[string]struct {
		takes, wait time.Duration
		logged      bool
	}{
		"slow":               {1100 * time.Millisecond, 0, true},
		"fast":               {10 * time.Millisecond, 0, false},
		"a wait":             {10 * time.Millisecond, 20 * time.Second, false},
		"slow before a wait": {7 * time.Second, 5 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slowStore{store: memory.Open(memory.Config{})}
				w := newWorldOn(t, Config{}, s)
				s.takes = tt.takes
				request := &chatv1.ListEventsRequest{Room: "lobby"}
				if tt.wait > 0 {
					request.Wait = durationpb.New(tt.wait)
				}
				if _, err := w.client.ListEvents(t.Context(), request); err != nil {
					t.Fatal(err)
				}
				s.takes = 0
				log := w.log.String()
				if got := strings.Contains(log, `msg="a call was slow"`); got != tt.logged {
					t.Errorf("the log is %q, want the call in it: %t", log, tt.logged)
				}
				if tt.logged && (!strings.Contains(log, "method=chat.v1.ChatRoom/ListEvents") || !strings.Contains(log, "room=lobby")) {
					t.Errorf("the log is %q, want the method and the room in it", log)
				}
			})
		})
	}
}

// Answers have the id of their request, or a new one.
func TestAnswersHaveIDs(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		for _, sent := range []string{"", "trace-7.1"} {
			headers := []string{"Content-Type", "application/json"}
			if sent != "" {
				headers = append(headers, requestid.Header, sent)
			}
			got := w.post(t, "/chat.v1.ChatRoom/ListRooms", "{}", headers...).Header.Get(requestid.Header)
			if got == "" || sent != "" && got != sent {
				t.Errorf("the answer to a request with the id %q has %q", sent, got)
			}
		}
	})
}
