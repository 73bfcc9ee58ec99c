package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/server/internal/e2e/oldclients/testdata/chat2026/chat/v1"
	"chatroom/server/internal/e2e/oldclients/testdata/chat2026/chat/v1/chatv1connect"
)

// reader follows one room.
type reader struct {
	client chatv1connect.ChatRoomClient
	room   string

	began bool   // the first event has come
	last  uint64 // the sequence of the newest event
}

func (r *reader) start() *chatv1.Subscription {
	return &chatv1.Subscription{Room: r.room, Start: &chatv1.Subscription_Recent{Recent: 1000}}
}

func (r *reader) chat(ctx context.Context) error {
	stream, err := r.client.Chat(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: r.start()}}); err != nil {
		return err
	}
	go say(r.room, func(request *chatv1.SendRequest) error {
		return stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: request}})
	})
	for {
		response, err := stream.Receive()
		if err != nil {
			return err
		}
		if err := r.take(response.GetFrame()); err != nil {
			return err
		}
	}
}

func (r *reader) subscribe(ctx context.Context) error {
	stream, err := r.client.Subscribe(ctx, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{r.start()}})
	if err != nil {
		return err
	}
	go say(r.room, r.send(ctx))
	for stream.Receive() {
		if err := r.take(stream.Msg().GetFrame()); err != nil {
			return err
		}
	}
	return stream.Err()
}

func (r *reader) send(ctx context.Context) func(*chatv1.SendRequest) error {
	return func(request *chatv1.SendRequest) error {
		_, err := r.client.Send(ctx, request)
		return err
	}
}

// poll reads pages, the last of which waits for what comes.
func (r *reader) poll(ctx context.Context) error {
	page, err := r.client.ListEvents(ctx, &chatv1.ListEventsRequest{Room: r.room, Limit: 1})
	if err != nil {
		return err
	}
	go say(r.room, r.send(ctx))
	ready, next := false, &chatv1.Cursor{Epoch: page.GetEpoch()}
	for {
		request := &chatv1.ListEventsRequest{Room: r.room, Page: &chatv1.ListEventsRequest_After{After: next}, Limit: 3}
		if ready {
			request.Wait = durationpb.New(20 * time.Second)
		}
		page, err := r.client.ListEvents(ctx, request)
		if err != nil {
			return err
		}
		for _, e := range page.GetEvents() {
			if err := r.print(e); err != nil {
				return err
			}
		}
		if next = page.GetNext(); !page.GetMore() && !ready {
			ready = true
			fmt.Fprintln(os.Stderr, "ready")
		}
	}
}

func (r *reader) take(frame *chatv1.Frame) error {
	switch kind := frame.GetKind().(type) {
	case *chatv1.Frame_Event:
		return r.print(kind.Event)
	case *chatv1.Frame_CaughtUp:
		fmt.Fprintln(os.Stderr, "ready")
	case *chatv1.Frame_Rejected, *chatv1.Frame_Reset_:
		return fmt.Errorf("received %v", frame)
	}
	return nil
}

// print prints an event if it is a message.
func (r *reader) print(e *chatv1.Event) error {
	if r.began && e.GetPrevious() > r.last {
		return fmt.Errorf("event %d comes after %d, and the last one seen is %d", e.GetSequence(), e.GetPrevious(), r.last)
	}
	if e.GetSequence() > 0 {
		r.began, r.last = true, e.GetSequence()
	}
	if message := e.GetMessage(); message != nil {
		fmt.Println(message.GetText())
	}
	return nil
}
