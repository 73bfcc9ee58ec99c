package peer

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// text has the same encoding as a message of one string field.
type text = wrapperspb.StringValue

// room is what the two peers on grpc-go differ in.
type room interface {
	// subscribe serves one subscriber. It calls ready once the subscriber is
	// given what is published from then on.
	subscribe(stream grpc.ServerStream, ready func() error) error
	publish(message *text) error
}

// serveRoom serves a room with grpc-go as it is by default.
func serveRoom(ctx context.Context, listener net.Listener, r room) error {
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "bench.Room",
		HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{
			StreamName:    "Subscribe",
			ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				if err := stream.RecvMsg(new(emptypb.Empty)); err != nil {
					return err
				}
				return r.subscribe(stream, func() error { return stream.SendHeader(metadata.MD{}) })
			},
		}, {
			StreamName:    "Publish",
			ClientStreams: true,
			ServerStreams: true,
			Handler:       func(_ any, stream grpc.ServerStream) error { return receive(stream, r.publish) },
		}},
	}, nil)
	defer context.AfterFunc(ctx, server.Stop)()
	return server.Serve(listener)
}

// receive answers each text that a publisher sends with an empty message, and
// publishes it.
func receive(stream grpc.ServerStream, publish func(*text) error) error {
	if err := stream.SendHeader(metadata.MD{}); err != nil {
		return err
	}
	for {
		message := new(text)
		if err := stream.RecvMsg(message); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SendMsg(new(emptypb.Empty)); err != nil {
			return err
		}
		if err := publish(message); err != nil {
			return err
		}
	}
}

// channels is the usual broadcaster: a channel for each subscriber, which the
// subscriber's own goroutine drains.
type channels struct {
	mu          sync.RWMutex // guards below
	subscribers map[chan *text]context.Context
}

func serveGRPC(ctx context.Context, listener net.Listener) error {
	return serveRoom(ctx, listener, &channels{subscribers: make(map[chan *text]context.Context)})
}

func (c *channels) subscribe(stream grpc.ServerStream, ready func() error) error {
	messages := make(chan *text, queue)
	ctx := stream.Context()
	c.mu.Lock()
	c.subscribers[messages] = ctx
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subscribers, messages)
	}()
	if err := ready(); err != nil {
		return err
	}
	for {
		select {
		case message := <-messages:
			if err := stream.SendMsg(message); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (c *channels) publish(message *text) error {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for messages, ctx := range c.subscribers {
		select {
		case messages <- message:
		case <-ctx.Done():
		}
	}
	return nil
}

// naive is what tutorials show, the article of 2019 among them: a map of streams
// behind a mutex, and a loop that sends to one after the other.
type naive struct {
	mu      sync.Mutex // guards below, and is held while sending
	streams map[grpc.ServerStream]struct{}
}

func serveNaive(ctx context.Context, listener net.Listener) error {
	return serveRoom(ctx, listener, &naive{streams: make(map[grpc.ServerStream]struct{})})
}

func (n *naive) subscribe(stream grpc.ServerStream, ready func() error) error {
	n.mu.Lock()
	n.streams[stream] = struct{}{}
	err := ready()
	n.mu.Unlock()
	if err == nil {
		<-stream.Context().Done()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.streams, stream)
	return err
}

func (n *naive) publish(message *text) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for stream := range n.streams {
		if err := stream.SendMsg(message); err != nil {
			delete(n.streams, stream)
		}
	}
	return nil
}
