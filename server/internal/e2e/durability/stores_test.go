package durability

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/durability/formerstores"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// A server opens the store of each version, and answers what that version has answered: clients
// resume with their cursors, keys are valid, bans hold, and what was deleted stays deleted. Sends
// follow the events that are there, also after another start.
func TestStoresOfFormerVersions(t *testing.T) {
	set, err := os.ReadFile(harness.GameSchema)
	harness.Must(t, err)
	application, err := formerstores.NewApplication(set)
	harness.Must(t, err)
	stores, err := filepath.Glob("testdata/stores/*")
	harness.Must(t, err)
	if len(stores) < 2 {
		t.Fatalf("testdata/stores has %q, want one store or more of each version", stores)
	}
	for _, store := range stores {
		t.Run(filepath.Base(store), func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(store, formerstores.StoredName))
			harness.Must(t, err)
			stored, err := application.Decode(text)
			harness.Must(t, err)
			dir := copyOfStore(t, store)
			key, err := os.ReadFile(filepath.Join(dir, "guests.key"))
			harness.Must(t, err)
			var last uint64
			for range 2 {
				s := harness.Start(t, harness.InDir(dir), func(c *service.Config) { c.Schema = harness.GameSchema })
				if last == 0 {
					expectContents(t, s, stored)
				}
				response, err := chatv1connect.NewChatRoomClient(harness.HTTP1Client(t), s.URL).Send(harness.Context(t), &chatv1.SendRequest{
					Room: "lobby", Id: t.Name(), Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: "new"}},
				})
				harness.Must(t, err)
				epoch := stored.State.Cursors["lobby"].GetEpoch()
				if response.GetEpoch() != epoch || response.GetSequence() <= lastSequence(stored) || last != 0 && response.GetSequence() != last {
					t.Errorf("Send = %v, want the sequence after %d in epoch %s, and the same after a restart", response, lastSequence(stored), epoch)
				}
				last = response.GetSequence()
				s.Stop(t)
				if log := s.Log.String(); strings.Contains(log, "level=WARN") {
					t.Errorf("the server has warned:\n%s", log)
				}
			}
			if after, err := os.ReadFile(filepath.Join(dir, "guests.key")); err != nil || string(after) != string(key) {
				t.Errorf("guests.key has changed, or is gone: %v", err)
			}
		})
	}
}

func copyOfStore(t *testing.T, store string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range []string{"chatroom.db", "highwater", "guests.key"} {
		content, err := os.ReadFile(filepath.Join(store, name))
		harness.Must(t, err)
		harness.Must(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return dir
}

func lastSequence(s *formerstores.Stored) (last uint64) {
	for _, room := range s.Contents.Rooms.GetRooms() {
		last = max(last, room.GetHead())
	}
	return last
}

func expectContents(t *testing.T, s *harness.Service, stored *formerstores.Stored) {
	t.Helper()
	got, err := formerstores.Read(harness.Context(t), harness.HTTP1Client(t), s.URL, stored.State)
	harness.Must(t, err)
	want := stored.Contents
	expectCovers(t, "ListRooms", got.Rooms, want.Rooms)
	for room, page := range want.History {
		expectCovers(t, "ListEvents of "+room, got.History[room], page)
		expectCovers(t, "Subscribe to "+room, &chatv1.ListEventsResponse{Events: got.Resumed[room]}, &chatv1.ListEventsResponse{Events: want.Resumed[room]})
		if strings.Contains(got.History[room].String(), "secret") {
			t.Errorf("ListEvents of %s = %v, want no deleted text", room, got.History[room])
		}
	}
	if want.Denials != nil {
		expectCovers(t, "ListDenials", got.Denials, want.Denials)
		if len(want.Denials.GetDenials()) == 0 {
			t.Error("the store has no ban, want one")
		}
	}
	if len(want.History) != 2 || len(want.Resumed["tea"]) < 5 || len(want.Resumed["lobby"]) < 5 {
		t.Errorf("the version has stored %v, which is too little to prove anything", want)
	}
}

// expectCovers fails unless got has all that want has. A later version may set more fields.
func expectCovers(t *testing.T, what string, got, want proto.Message) {
	t.Helper()
	if path := missing(got.ProtoReflect(), want.ProtoReflect()); path != "" {
		t.Errorf("%s = %v, want what the former version has answered, %v: they differ in %s", what, got, want, path)
	}
}

// missing returns the path of a field of want that got does not have, or has with another value.
func missing(got, want protoreflect.Message) (path string) {
	want.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		path = differs(field, got.Get(field), value)
		if path == "" && !got.Has(field) {
			path = "."
		}
		if path != "" {
			path = string(field.Name()) + "/" + path
		}
		return path == ""
	})
	return path
}

func differs(field protoreflect.FieldDescriptor, got, want protoreflect.Value) string {
	if field.IsList() {
		if got.List().Len() != want.List().Len() {
			return "length"
		}
		for i := range want.List().Len() {
			if path := differsOne(field, got.List().Get(i), want.List().Get(i)); path != "" {
				return path
			}
		}
		return ""
	}
	return differsOne(field, got, want)
}

func differsOne(field protoreflect.FieldDescriptor, got, want protoreflect.Value) string {
	switch {
	case field.Message() != nil:
		return missing(got.Message(), want.Message())
	case !got.Equal(want):
		return "value"
	}
	return ""
}

// The comparison notices what is missing and what has changed, and allows what is new.
func TestCovers(t *testing.T) {
	event := func(text, name string) *chatv1.ListEventsResponse {
		return &chatv1.ListEventsResponse{Events: []*chatv1.Event{{
			Sequence: 1, Sender: &chatv1.Member{Name: name}, Body: &chatv1.Event_Message{Message: &chatv1.Message{Text: text}},
		}}}
	}
	want := event("hi", "")
	for got, covers := range map[*chatv1.ListEventsResponse]bool{
		event("hi", ""):                true,
		event("hi", "Ada"):             true,
		event("ho", ""):                false,
		{}:                             false,
		{Events: []*chatv1.Event{{}}}:  false,
		{Events: want.GetEvents()[:0]}: false,
	} {
		if path := missing(got.ProtoReflect(), want.ProtoReflect()); (path == "") != covers {
			t.Errorf("missing(%v) = %q, want nothing missing: %t", got, path, covers)
		}
	}
}
