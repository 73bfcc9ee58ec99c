package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	noRoom    = "!" // as a token; no room has this name
	skipChunk = 1000
)

// readMark reads where the log was when it was last open, and tells whether its
// files are not what they were. An external server has copies to rely on.
func (j *Journal) readMark() (path string, before highwater, changed bool, err error) {
	if j.config.URL != "" {
		return "", highwater{}, false, nil
	}
	path = filepath.Join(filepath.Dir(j.config.Dir), "highwater.json") // beside the log, not in it
	if before, err = readMark(path); err != nil {
		return "", highwater{}, false, err
	}
	files, err := filesOf(blocksOf(j.config.Dir))
	if err != nil {
		return "", highwater{}, false, fmt.Errorf("look at the log's files: %w", err)
	}
	return path, before, before.Damaged || before.Files != "" && files != before.Files, nil
}

// openStream makes the stream, or brings its limits up to date. It returns the
// sequence of the last event in it.
func (j *Journal) openStream(ctx context.Context, before highwater, changed bool) (last uint64, err error) {
	config := jetstream.StreamConfig{
		Name:              streamName,
		Subjects:          []string{eventPrefix + "*", erasedPrefix + "*.*"},
		Storage:           jetstream.FileStorage,
		MaxMsgsPerSubject: int64(j.config.RoomEvents),
		MaxAge:            j.config.Age,
		MaxBytes:          j.config.Bytes,
		Duplicates:        j.config.Window,
		AllowDirect:       true,
		RePublish: &jetstream.RePublish{
			Source:      eventPrefix + "*",
			Destination: tailPrefix + "{{wildcard(1)}}",
		},
	}
	old, err := j.js.Stream(ctx, streamName)
	switch {
	case err == nil:
		config.Metadata = old.CachedInfo().Config.Metadata
		config.FirstSeq = old.CachedInfo().Config.FirstSeq
		config.Replicas = old.CachedInfo().Config.Replicas
		last = old.CachedInfo().State.LastSeq
	case errors.Is(err, jetstream.ErrStreamNotFound):
		config.FirstSeq = before.Last + 1 // sequences never come twice
	default:
		return 0, fmt.Errorf("open the stream: %w", err)
	}
	if j.epoch = config.Metadata[epochKey]; j.epoch == "" || last < before.Last || changed {
		j.epoch = rand.Text()
		config.Metadata = map[string]string{epochKey: j.epoch}
		if before.Last > 0 {
			j.log.Error("the log is not what it was: events are lost, and clients are told to read afresh",
				"events up to", before.Last, "log ends at", last, "epoch", j.epoch)
		}
	}
	j.stream, err = j.js.CreateOrUpdateStream(ctx, config)
	if err != nil {
		return 0, fmt.Errorf("open the stream: %w", err)
	}
	if last = j.stream.CachedInfo().State.LastSeq; last < before.Last {
		return before.Last, j.skip(ctx, last, before.Last)
	}
	return last, nil
}

// skip gives away the sequences that lost events had, to events of no room that go
// at once: a sequence means one event, whatever the epoch. It takes 15 µs each.
func (j *Journal) skip(ctx context.Context, last, upTo uint64) error {
	for ; last < upTo; last++ {
		if _, err := j.js.PublishAsync(eventPrefix+noRoom, nil); err != nil {
			return fmt.Errorf("skip lost sequences: %w", err)
		}
		if (upTo-last)%skipChunk == 0 {
			<-j.js.PublishAsyncComplete()
		}
	}
	<-j.js.PublishAsyncComplete()
	err := j.stream.Purge(ctx, jetstream.WithPurgeSubject(eventPrefix+noRoom))
	if err != nil {
		return fmt.Errorf("skip lost sequences: %w", err)
	}
	info, err := j.stream.Info(ctx)
	if err == nil && info.State.LastSeq < upTo {
		err = fmt.Errorf("the log ends at %d, want %d", info.State.LastSeq, upTo)
	}
	if err != nil {
		return fmt.Errorf("skip lost sequences: %w", err)
	}
	return nil
}
