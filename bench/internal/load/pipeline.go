package load

import (
	"context"
	"fmt"
	"time"
)

// Pipeline publishes to a room on the publisher's stream, with at most window
// texts unanswered, for a duration.
func (p *Publisher) Pipeline(ctx context.Context, room string, window int, duration time.Duration) (*Outcome, error) {
	start, before := now(), p.Answers()
	err := p.pipeline(ctx, room, window, func(uint64) bool { return now() < start+int64(duration) })
	return &Outcome{Deliveries: p.Answers() - before, Elapsed: time.Duration(now() - start)}, err
}

// Publish publishes texts to a room, and returns the cursor of the last of them
// when all are answered. The numbers of a publisher's texts begin with 1.
func (p *Publisher) Publish(ctx context.Context, room string, texts, window int) (Cursor, error) {
	end := p.Answers() + uint64(texts)
	err := p.pipeline(ctx, room, window, func(sent uint64) bool { return sent < end })
	return p.Cursor(), err
}

// pipeline publishes for as long as more, given how many texts were sent, says so.
func (p *Publisher) pipeline(ctx context.Context, room string, window int, more func(sent uint64) bool) error {
	sent := p.Answers()
	for more(sent) {
		for sent-p.Answers() < uint64(window) && more(sent) {
			sent++
			p.add(room, sent, now())
		}
		if err := p.flush(ctx); err != nil {
			return err
		}
		if err := p.wait(ctx, sent-min(sent, uint64(window)-1)); err != nil {
			return err
		}
	}
	return p.wait(ctx, sent)
}

// wait returns when so many texts have been answered.
func (p *Publisher) wait(ctx context.Context, answers uint64) error {
	timeout := time.NewTimer(answerTimeout)
	defer timeout.Stop()
	for p.Answers() < answers {
		if err := p.Err(); err != nil {
			return err
		}
		select {
		case <-p.changed:
		case <-timeout.C:
			return fmt.Errorf("%d of %d texts are answered after %v: %w", p.Answers(), answers, answerTimeout, errUndelivered)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
