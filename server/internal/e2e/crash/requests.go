package crash

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
)

func signIn(name string) *chatv1.SignInRequest { return &chatv1.SignInRequest{Name: name} }

func listAfter(room string, after *chatv1.Cursor, limit int, wait time.Duration) *chatv1.ListEventsRequest {
	return &chatv1.ListEventsRequest{
		Room:  room,
		Page:  &chatv1.ListEventsRequest_After{After: after},
		Limit: uint32(limit),
		Wait:  durationpb.New(wait),
	}
}

// readLog reads the logs of rooms from their first events, in their current epochs.
func readLog(ctx context.Context, v *protocolClient, rooms []string) ([]Event, error) {
	var log []Event
	for _, room := range rooms {
		newest, err := v.rpc.ListEvents(ctx, &chatv1.ListEventsRequest{Room: room, Limit: 1})
		if connect.CodeOf(err) == connect.CodeNotFound {
			continue // a room that is lost has an empty log
		}
		cursor := &chatv1.Cursor{Epoch: newest.GetEpoch()}
		for more := err == nil; more; {
			var page *chatv1.ListEventsResponse
			if page, err = v.rpc.ListEvents(ctx, listAfter(room, cursor, 500, 0)); err != nil {
				break
			}
			for _, e := range page.GetEvents() {
				log = append(log, toEvent(e, page.GetEpoch()))
			}
			cursor, more = page.GetNext(), page.GetMore()
		}
		if err != nil {
			return nil, fmt.Errorf("read the log of %s: %w", room, err)
		}
	}
	return log, nil
}
