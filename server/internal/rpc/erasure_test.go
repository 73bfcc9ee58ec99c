package rpc

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/store/memory"
)

// unerasable is a store that can't erase for the moment.
type unerasable struct {
	*memory.Store
	works atomic.Bool
}

func (u *unerasable) Scrub(ctx context.Context) (int, error) {
	if !u.works.Load() {
		return 0, errors.New("secret: disk 7 is full")
	}
	return u.Store.Scrub(ctx)
}

// A deletion whose text can't be erased yet is answered with exactly that, and a
// stream continues after it. The same deletion again is answered when it is erased.
func TestErasureDelayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &unerasable{Store: memory.Open(memory.Config{})}
		w := newWorldOn(t, Config{}, store)
		w.fails = true
		signedIn, err := w.client.SignIn(t.Context(), &chatv1.SignInRequest{Name: "ada"})
		if err != nil {
			t.Fatalf("SignIn = %v, want nil", err)
		}
		as := func() context.Context {
			ctx, call := connect.NewClientContext(t.Context())
			call.RequestHeader().Set("Authorization", "Bearer "+signedIn.GetToken())
			return ctx
		}
		said, err := w.client.Send(as(), sendRequest("lobby", "said", "a slip").GetSend())
		if err != nil {
			t.Fatalf("Send = %v, want nil", err)
		}
		deletion := &chatv1.SendRequest{Room: "lobby", Id: "deleted", Body: &chatv1.SendRequest_Deletion{
			Deletion: &chatv1.Deletion{Target: said.GetSequence()},
		}}
		_, err = w.client.Send(as(), deletion)
		coded, ok := errors.AsType[*connect.Error](err)
		if !ok || coded.Code() != connect.CodeUnavailable || !strings.Contains(coded.Message(), "is deleted") || strings.Contains(coded.Message(), "secret") {
			t.Fatalf("Send of a deletion = %v, want %v that says what is deleted and what is not", err, connect.CodeUnavailable)
		}
		info, retry := false, false
		for _, d := range coded.Details() {
			value, err := d.Value()
			if err != nil {
				t.Fatalf("detail %s: %v", d.Type(), err)
			}
			switch detail := value.(type) {
			case *errdetails.ErrorInfo:
				info = detail.GetReason() == "ERASURE_DELAYED" && detail.GetMetadata()["sequence"] == "2" && detail.GetMetadata()["epoch"] == said.GetEpoch()
			case *errdetails.RetryInfo:
				retry = detail.GetRetryDelay().AsDuration() > 0
			}
		}
		if !info || !retry {
			t.Errorf("details of %v = %v, want the deletion's place and when to ask again", coded, coded.Details())
		}

		stream := w.openIn(t, as(), joinRequest("lobby"), &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: deletion}})
		rejected := expect(t, stream, "joined", "caughtup", "rejected").GetRejected()
		if rejected.GetId() != "deleted" || rejected.GetCode() != int32(connect.CodeUnavailable) || rejected.GetMessage() != coded.Message() {
			t.Errorf("rejected on a stream = %v, want what Send was answered", rejected)
		}
		store.works.Store(true)
		stream.send(t, &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: proto.CloneOf(deletion)}})
		if accepted := expect(t, stream, "accepted").GetAccepted(); !accepted.GetDuplicate() || accepted.GetSequence() != 2 {
			t.Errorf("accepted = %v, want the deletion that was stored first", accepted)
		}
	})
}
