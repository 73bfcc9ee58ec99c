package rpc

import (
	"context"

	chatv1 "chatroom/gen/chat/v1"
)

// maxUnanswered is how many requests of a stream may be on their way: a client that
// sends more has to wait.
const maxUnanswered = 64

// answer is what a client will be told about one of its requests.
type answer struct {
	done <-chan struct{} // closed when frame does not wait any more
	// reads tells, once done is closed, whether frame reads the journal.
	reads func() bool
	// frame returns what to say. Its error ends the stream.
	frame func(context.Context) (*chatv1.Frame, error)
}

var alreadyDone = func() <-chan struct{} {
	done := make(chan struct{})
	close(done)
	return done
}()

// answered is an answer that there is already.
func answered(f *chatv1.Frame, err error) answer {
	return answer{
		done:  alreadyDone,
		reads: func() bool { return false },
		frame: func(context.Context) (*chatv1.Frame, error) { return f, err },
	}
}

// answers are given in the order of the requests, each as soon as it is done. One
// goroutine adds to them; all else is for the stream's task.
type answers struct {
	queue chan answer // nil on streams without requests
	first *answer     // the oldest; nil if that is in the queue
}

// add waits while too many are not done.
func (a *answers) add(ctx context.Context, next answer) {
	select {
	case a.queue <- next:
	case <-ctx.Done():
	}
}

// ready tells whether the first answer is done.
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

// reads tells whether take reads the journal. The first answer must be ready.
func (a *answers) reads() bool { return a.first.reads() }

// take returns the first answer, which must be ready.
func (a *answers) take(ctx context.Context) (*chatv1.Frame, error) {
	first := a.first
	a.first = nil
	return first.frame(ctx)
}
