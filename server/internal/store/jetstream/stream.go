package jetstream

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// epochKey is the key of the epoch in the stream's metadata.
const epochKey = "chatroom-epoch"

// openStream creates the stream or updates its limits, and checks whether it is the log that
// the high-water mark describes.
func (s *Store) openStream(ctx context.Context) error {
	var log existing
	before := s.mark.get()
	config := s.streamConfig()
	old, err := s.js.Stream(ctx, streamName)
	switch {
	case err == nil:
		info := old.CachedInfo()
		log = existing{true, info.Config.Metadata[epochKey], info.State.LastSeq}
		config.FirstSeq = info.Config.FirstSeq
	case errors.Is(err, jetstream.ErrStreamNotFound):
		config.FirstSeq = before.Last + 1 // sequences never come twice
	default:
		return fmt.Errorf("open stream %s: %w", streamName, err)
	}
	if err := s.mark.change(ctx, func(h *highwater) bool { return h.reopen(log, s.config.RoomEvents) }); err != nil {
		return err
	}
	s.epoch = s.mark.get().Epoch
	if before.Epoch != "" && s.epoch != before.Epoch {
		s.log.Error("the log is shorter than it was, or has been replaced: events are lost, and clients receive a Reset",
			"expected_last", before.Last, "last", log.last, "former_epoch", before.Epoch, "log_epoch", log.epoch, "epoch", s.epoch)
	}
	config.Metadata = map[string]string{epochKey: s.epoch}
	s.stream, err = s.js.CreateOrUpdateStream(ctx, config)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", streamName, err)
	}
	return nil
}

func (s *Store) streamConfig() jetstream.StreamConfig {
	perRoom := s.config.RoomEvents
	if s.countsExactly() {
		perRoom += slack
	}
	return jetstream.StreamConfig{
		Name:              streamName,
		Subjects:          []string{eventPrefix + "*"},
		Storage:           jetstream.FileStorage,
		Replicas:          s.config.Replicas,
		MaxMsgsPerSubject: int64(perRoom),
		MaxAge:            s.config.Age,
		MaxBytes:          s.config.Bytes,
		Duplicates:        s.config.Window,
		AllowDirect:       true,
		RePublish: &jetstream.RePublish{
			Source:      eventPrefix + "*",
			Destination: tailPrefix + "{{wildcard(1)}}",
		},
	}
}

// existing is the log in the stream when a store is opened.
type existing struct {
	found bool
	epoch string
	last  uint64
}

// reopen brings the mark up to date with the log that is found. It reports whether
// anything has changed.
func (h *highwater) reopen(log existing, roomEvents int) bool {
	before := *h
	switch {
	case h.Epoch == "" && log.epoch != "":
		h.Epoch = log.epoch // the mark was lost, not the log
	case h.Epoch == "":
		h.Epoch = rand.Text()
	case log.epoch == h.Epoch && log.last >= h.Last:
	case !log.found && h.Last == 0:
		// Another node is creating the log.
	case log.epoch != "" && log.epoch == h.Replaced:
		// A node was interrupted between the mark and the stream.
	default:
		h.Epoch, h.Replaced, h.Scrubbed = rand.Text(), log.epoch, 0
		if log.found {
			h.Last = log.last
		}
	}
	if h.LeastRoomEvents == 0 || roomEvents < h.LeastRoomEvents {
		h.LeastRoomEvents = roomEvents
	}
	return *h != before
}
