package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

const (
	// requestTimeout bounds one request to the servers.
	requestTimeout = 10 * time.Second
	// batchMessages and batchBytes bound a batch. The server truncates a batch of more than
	// 64 MiB without notice.
	batchMessages = 1000
	batchBytes    = 8 << 20
)

// source reads a stream. Batches come from any of its servers, which may be behind the
// leader: a batch is complete up to its last message. Single messages come from the leader,
// which has all that was acknowledged.
type source struct {
	conn      *nats.Conn
	requester *requester
	js        jetstream.JetStream
	name      string
}

// batch returns up to limit messages from a sequence on, of a subject or, when that
// is empty, of all. It returns fewer when there are fewer, and when they are large.
func (s source) batch(ctx context.Context, subject string, from uint64, limit int) (messages []message, err error) {
	err = s.requester.request(ctx, func(ctx context.Context) (err error) {
		messages, err = s.batchOnce(ctx, subject, from, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", s.name, err)
	}
	return messages, nil
}

func (s source) batchOnce(ctx context.Context, subject string, from uint64, limit int) ([]message, error) {
	options := []jetstreamext.GetBatchOpt{jetstreamext.GetBatchSeq(max(1, from)), jetstreamext.GetBatchMaxBytes(batchBytes)}
	if subject != "" {
		options = append(options, jetstreamext.GetBatchSubject(subject))
	}
	answers, err := jetstreamext.GetBatch(ctx, s.js, s.name, min(limit, batchMessages), options...)
	if err != nil {
		return nil, err
	}
	var messages []message
	for m, err := range answers {
		if errors.Is(err, jetstreamext.ErrNoMessages) {
			return messages, nil
		}
		if err != nil {
			return nil, err
		}
		messages = append(messages, fromStream(m))
	}
	// The iterator also ends, without an error, when ctx does.
	return messages, ctx.Err()
}

// query is a request for one message in JetStream's API.
type query struct {
	Sequence uint64 `json:"seq,omitempty"`
	LastFor  string `json:"last_by_subj,omitempty"`
	NextFor  string `json:"next_by_subj,omitempty"`
}

// get returns the message with a sequence.
func (s source) get(ctx context.Context, sequence uint64) (m message, found bool, err error) {
	return s.ask(ctx, query{Sequence: sequence})
}

// getNear returns the message with a sequence from any server or, if that doesn't
// have it, from the leader. It has no subject when there is none.
func (s source) getNear(ctx context.Context, sequence uint64) (m message, err error) {
	text := fmt.Appendf(nil, `{"seq":%d}`, sequence)
	err = s.requester.request(ctx, func(ctx context.Context) error {
		reply, err := s.conn.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+"DIRECT.GET."+s.name, text)
		if err == nil && reply.Header.Get(jetstream.SubjectHeader) != "" {
			m = message{subject: reply.Header.Get(jetstream.SubjectHeader), sequence: sequence, header: reply.Header, data: reply.Data}
		}
		return err
	})
	if err == nil && m.subject == "" {
		m, _, err = s.get(ctx, sequence)
	}
	return m, err
}

// last returns the newest message of a subject.
func (s source) last(ctx context.Context, subject string) (m message, found bool, err error) {
	return s.ask(ctx, query{LastFor: subject})
}

// next returns the oldest message of a subject from a sequence on.
func (s source) next(ctx context.Context, subject string, from uint64) (m message, found bool, err error) {
	return s.ask(ctx, query{Sequence: max(1, from), NextFor: subject})
}

// ask sends a query to the stream's leader. The client library can't do so for a stream that
// allows direct gets.
func (s source) ask(ctx context.Context, q query) (m message, found bool, err error) {
	text, err := json.Marshal(q)
	if err != nil {
		return m, false, err
	}
	err = s.requester.request(ctx, func(ctx context.Context) error {
		reply, err := s.conn.RequestWithContext(ctx, jetstream.DefaultAPIPrefix+"STREAM.MSG.GET."+s.name, text)
		if err == nil {
			m, found, err = parseAnswer(reply.Data)
		}
		return err
	})
	if err != nil {
		return m, false, fmt.Errorf("ask the leader of %s: %w", s.name, err)
	}
	return m, found, nil
}

func parseAnswer(text []byte) (m message, found bool, err error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message *struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return m, false, err
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return m, false, nil
	case answer.Error != nil:
		return m, false, answer.Error
	case answer.Message == nil:
		return m, false, errors.New("the answer is empty")
	}
	m = message{
		subject:  answer.Message.Subject,
		sequence: answer.Message.Sequence,
		time:     answer.Message.Time,
		data:     answer.Message.Data,
	}
	if len(answer.Message.Header) > 0 {
		m.header, err = nats.DecodeHeadersMsg(answer.Message.Header)
	}
	return m, err == nil, err
}

// info returns the leader's description of the stream.
func (s source) info(ctx context.Context, options ...jetstream.StreamInfoOpt) (info *jetstream.StreamInfo, err error) {
	err = s.requester.request(ctx, func(ctx context.Context) error {
		stream, err := s.js.Stream(ctx, s.name)
		if err != nil {
			return err
		}
		info, err = stream.Info(ctx, options...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", s.name, err)
	}
	return info, nil
}

func (s source) state(ctx context.Context) (jetstream.StreamState, error) {
	info, err := s.info(ctx)
	if err != nil {
		return jetstream.StreamState{}, err
	}
	return info.State, nil
}

// subjects returns how many messages each subject has that matches a filter.
func (s source) subjects(ctx context.Context, filter string) (map[string]uint64, error) {
	info, err := s.info(ctx, jetstream.WithSubjectFilter(filter))
	if err != nil {
		return nil, err
	}
	return info.State.Subjects, nil
}
