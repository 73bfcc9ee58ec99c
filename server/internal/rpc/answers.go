package rpc

import (
	"context"

	chatv1 "chatroom/gen/chat/v1"
)

// maxUnanswered is how many requests of a stream may be in flight. While there are as
// many, no further request is read.
const maxUnanswered = 64

// answer is the pending reply to one request of a stream.
type answer struct {
	done <-chan struct{} // closed when frame returns without waiting
	// reads returns whether frame reads the journal. It is called after done is closed.
	reads func() bool
	// frame returns the reply. An error ends the stream.
	frame func(context.Context) (*chatv1.Frame, error)
}

var closedChannel = func() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// answered returns an answer whose reply, or the error that ends the stream, is known.
func answered(f *chatv1.Frame, err error) answer {
	return answer{
		done:  closedChannel,
		reads: func() bool { return false },
		frame: func(context.Context) (*chatv1.Frame, error) { return f, err },
	}
}

// answers is the queue of the pending replies of a stream, in the order of its requests.
// One goroutine calls add; all other methods belong to the stream's task.
type answers struct {
	queue chan answer // nil on streams without requests
	first *answer     // the oldest one, once it is received from the queue
}

// add appends an answer. It blocks while the queue is full, and gives up with ctx.
func (a *answers) add(ctx context.Context, next answer) {
	select {
	case a.queue <- next:
	case <-ctx.Done():
	}
}

// ready returns whether the first answer is done.
func (a *answers) ready() bool {
	if a.first == nil {
		select {
		case first := <-a.queue:
			a.first = &first
		default:
			return false
		}
	}
	select {
	case <-a.first.done:
		return true
	default:
		return false
	}
}

// reads returns whether take reads the journal. The first answer must be ready.
func (a *answers) reads() bool { return a.first.reads() }

// take removes the first answer, which must be ready, and returns its reply.
func (a *answers) take(ctx context.Context) (*chatv1.Frame, error) {
	first := a.first
	a.first = nil
	return first.frame(ctx)
}
