package rpc

import (
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/store/memory"
)

func textSend(room, id, text string) *chatv1.SendRequest {
	return sendRequest(room, id, text).GetSend()
}

func (w *shopWorld) backEnd(t *testing.T, sendAs bool) string {
	t.Helper()
	_, sent := w.createKey(t, apikey.Spec{Name: "back end", SendAs: sendAs, Grants: []apikey.Grant{{Pattern: "*", Can: []string{"read", "post", "react"}}}})
	return sent
}

// A key that may sends in the name of a member; the ids of its sends are the member's.
func TestSendAs(t *testing.T) {
	w := newShop(t, memory.Open(memory.Config{}))
	client := w.with(w.backEnd(t, true))
	named := func(id, member, name string) *chatv1.SendRequest {
		r := textSend("lobby", id, "from "+member)
		r.SendAs = &chatv1.SendAs{Id: member, Name: name}
		return r
	}
	for _, member := range []string{"shop:ada", "shop:eve"} {
		if r, err := client.Send(t.Context(), named("1", member, strings.ToUpper(member[5:]))); err != nil || r.GetDuplicate() {
			t.Errorf("Send as %s = %v, %v, want it stored", member, r, err)
		}
	}
	if r, err := client.Send(t.Context(), named("1", "shop:ada", "ADA")); err != nil || !r.GetDuplicate() {
		t.Errorf("Send as shop:ada again = %v, %v, want a duplicate", r, err)
	}
	if _, err := client.Send(t.Context(), textSend("lobby", "1", "from the key")); err != nil {
		t.Errorf("Send of the key itself = %v, want nil", err)
	}
	page, err := w.client.ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "lobby"})
	if err != nil || len(page.GetEvents()) != 3 {
		t.Fatalf("ListEvents = %v, %v, want 3 events", page, err)
	}
	for i, want := range []string{"shop:ada ADA", "shop:eve EVE", "key: back end"} {
		sender := page.GetEvents()[i].GetSender()
		got := sender.GetId() + " " + sender.GetName()
		if strings.HasPrefix(sender.GetId(), "key:") {
			got = "key: " + sender.GetName()
		}
		if got != want || sender.GetGuest() {
			t.Errorf("event %d is of %v, want %s, no guest", i, sender, want)
		}
	}
	for name, r := range map[string]*chatv1.SendRequest{
		"an API key":        named("2", "key:aaaaaaaaaaaaaaaa", "Key"),
		"a control":         named("2", "shop:\u0007", "Bell"),
		"no id":             named("2", "", "Nobody"),
		"a long id":         named("2", strings.Repeat("a", 129), "Long"),
		"no name":           named("2", "shop:ada", ""),
		"an invisible name": named("2", "shop:ada", "\u200b"),
	} {
		if _, err := client.Send(t.Context(), r); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("Send as %s = %v, want code invalid_argument", name, err)
		}
	}
}

// A sender is named by a key that may, and by no other caller, on no method.
func TestSendAsIsForKeysThatMay(t *testing.T) {
	w := newShop(t, memory.Open(memory.Config{}))
	guest, err := w.client.SignIn(t.Context(), &chatv1.SignInRequest{Name: "Ada"})
	if err != nil {
		t.Fatal(err)
	}
	r := textSend("lobby", "1", "hello")
	r.SendAs = &chatv1.SendAs{Id: guest.GetMember().GetId(), Name: "Ada"}
	for name, credential := range map[string]string{
		"a guest": guest.GetToken(), "a user": shopToken(t, "ada", 1e12, nil), "a key without -send-as": w.backEnd(t, false),
	} {
		if _, err := w.with(credential).Send(t.Context(), r); connect.CodeOf(err) != connect.CodePermissionDenied {
			t.Errorf("Send by %s = %v, want code permission_denied", name, err)
		}
		batch, err := w.with(credential).SendBatch(t.Context(), &chatv1.SendBatchRequest{Sends: []*chatv1.SendRequest{r}})
		if err != nil || batch.GetResults()[0].GetRejected().GetCode() != int32(connect.CodePermissionDenied) {
			t.Errorf("SendBatch by %s = %v, %v, want the send rejected with permission_denied", name, batch, err)
		}
		stream := w.chatAs(t, credential)
		expect(t, stream, "joined", "caughtup")
		stream.send(t, &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: r}})
		if rejected := expect(t, stream, "rejected").GetRejected(); rejected.GetCode() != int32(connect.CodePermissionDenied) {
			t.Errorf("Send on Chat by %s = %v, want permission_denied", name, rejected)
		}
	}
	if page, err := w.client.ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "lobby"}); err != nil || len(page.GetEvents()) != 0 {
		t.Errorf("ListEvents = %v, %v, want nothing", page, err)
	}
}

// Each send of a batch has its own answer, and those that are accepted are in order.
func TestSendBatch(t *testing.T) {
	w := newShop(t, memory.Open(memory.Config{}))
	client := w.with(w.backEnd(t, true))
	batch := &chatv1.SendBatchRequest{}
	for i := range 100 {
		r := textSend("lobby", fmt.Sprint(i), fmt.Sprint("text ", i))
		switch {
		case i%10 == 3:
			r.Room = "No Room"
		case i%10 == 5:
			r.Body = nil
		case i%10 == 7:
			r = &chatv1.SendRequest{Room: "lobby", Id: r.GetId(), Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: 999, Text: "x"}}}
		case i == 99:
			r.Id = "98" // with the text of 98 it is the same send
			r.Body = textSend("lobby", "98", "text 98").GetBody()
		}
		batch.Sends = append(batch.Sends, r)
	}
	response, err := client.SendBatch(t.Context(), batch)
	if err != nil || len(response.GetResults()) != 100 {
		t.Fatalf("SendBatch = %d results, %v, want 100", len(response.GetResults()), err)
	}
	last := uint64(0)
	for i, r := range response.GetResults() {
		var want connect.Code
		switch i % 10 {
		case 3, 5:
			want = connect.CodeInvalidArgument
		case 7:
			want = connect.CodeNotFound
		}
		switch rejected, sent := r.GetRejected(), r.GetSent(); {
		case connect.Code(rejected.GetCode()) != want || want != 0 && len(rejected.GetDetails()) == 0:
			t.Errorf("result %d = %v, want code %v with details", i, r, want)
		case want != 0:
		case i == 99:
			if !sent.GetDuplicate() || sent.GetSequence() != last {
				t.Errorf("result %d = %v, want a duplicate of %d", i, r, last)
			}
		case sent.GetSequence() <= last:
			t.Errorf("result %d = %v, want a sequence after %d", i, r, last)
		default:
			last = sent.GetSequence()
		}
	}
	for name, sends := range map[string][]*chatv1.SendRequest{"none": nil, "101": append(batch.GetSends(), textSend("lobby", "more", "more"))} {
		if _, err := client.SendBatch(t.Context(), &chatv1.SendBatchRequest{Sends: sends}); connect.CodeOf(err) != connect.CodeInvalidArgument {
			t.Errorf("SendBatch of %s = %v, want code invalid_argument", name, err)
		}
	}
}
