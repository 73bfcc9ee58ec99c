package migrate

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/migrate/natsfile/natstest"
)

// formerWriter writes a store of the former format with nats-server, in the way that
// the former store did.
type formerWriter struct {
	t      *testing.T
	dir    string
	config jetstream.StreamConfig
	server *natstest.Server
	stream jetstream.Stream
	ends   map[string]uint64 // by room, the newest event
	erased map[uint64]uint64 // by what was erased, the event before it
	before map[uint64]uint64 // by event, the one before it in its room
	last   uint64
	keys   int
}

func newFormerWriter(t *testing.T, roomEvents int, bytes int64) *formerWriter {
	w := &formerWriter{
		t: t, dir: t.TempDir(), ends: make(map[string]uint64), erased: make(map[uint64]uint64), before: make(map[uint64]uint64),
		config: jetstream.StreamConfig{
			Name: "CHATROOM", Subjects: []string{eventPrefix + "*", erasedPrefix + "*.*"},
			MaxMsgsPerSubject: int64(roomEvents), MaxBytes: bytes, Metadata: map[string]string{epochKey: "EPOCH"},
		},
	}
	w.open()
	return w
}

func (w *formerWriter) open() {
	w.t.Helper()
	w.server = natstest.Start(w.t, filepath.Join(w.dir, datadir.FormerEventsName))
	stream, err := w.server.CreateOrUpdateStream(w.t.Context(), w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	w.stream = stream
}

// close stops the server and notes how it has left the files.
func (w *formerWriter) close() {
	w.t.Helper()
	w.server.Stop()
	files, err := digestFiles(blocksOf(w.dir))
	if err != nil {
		w.t.Fatal(err)
	}
	w.mark(w.dir, mark{Epoch: "EPOCH", Last: w.last, Files: files})
}

// kill returns a copy of the directory as a killed server leaves it.
func (w *formerWriter) kill() (dir string) {
	w.t.Helper()
	dir = w.t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(w.dir)); err != nil {
		w.t.Fatal(err)
	}
	w.mark(dir, mark{Epoch: "EPOCH", Last: w.last - min(w.last, 3)})
	return dir
}

func (w *formerWriter) mark(dir string, m mark) {
	w.t.Helper()
	text, err := json.Marshal(m)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, datadir.FormerMarkName), text, 0o600)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *formerWriter) publish(subject string, payload []byte, fields map[string]string) uint64 {
	w.t.Helper()
	m := nats.NewMsg(subject)
	for name, value := range fields {
		m.Header.Set(name, value)
	}
	m.Data = payload
	ack, err := w.server.PublishMsg(w.t.Context(), m)
	if err != nil {
		w.t.Fatal(err)
	}
	w.last = ack.Sequence
	return ack.Sequence
}

// append stores an event as its room's newest.
func (w *formerWriter) append(room string, body chat.Body) uint64 {
	w.t.Helper()
	w.keys++
	payload, err := eventpb.Encoding{}.Encode(&chat.Event{ID: fmt.Sprint(w.keys), Sender: chat.Member{ID: "ADA", Name: "Ada"}, Body: body})
	if err != nil {
		w.t.Fatal(err)
	}
	before := w.ends[room]
	sequence := w.publish(eventPrefix+strings.ReplaceAll(room, ".", "="), payload, map[string]string{
		fieldPrevious: strconv.FormatUint(before, 10),
		fieldID:       messageID(room, fmt.Sprint(w.keys)),
	})
	w.ends[room], w.before[sequence] = sequence, before
	return sequence
}

func messageID(room, key string) string {
	sum := sha256.Sum256([]byte(room + "\x00" + key))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

// bury stores the tombstone of an event. That comes before overwrite.
func (w *formerWriter) bury(room string, sequence uint64) {
	w.t.Helper()
	before := w.before[sequence]
	for {
		next, erased := w.erased[before]
		if !erased {
			break
		}
		before = next
	}
	w.publish(fmt.Sprintf("%s%s.%d", erasedPrefix, strings.ReplaceAll(room, ".", "="), sequence), nil, map[string]string{
		fieldPrevious: strconv.FormatUint(before, 10),
		fieldKey:      messageID(room, fmt.Sprint("erased", sequence)),
		fieldTime:     "1700000000000000000",
	})
	w.erased[sequence] = before
}

func (w *formerWriter) overwrite(sequence uint64) {
	w.t.Helper()
	if err := w.stream.SecureDeleteMsg(w.t.Context(), sequence); err != nil && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		w.t.Fatal(err)
	}
}

// retained reports whether an event is there.
func (w *formerWriter) retained(sequence uint64) bool {
	w.t.Helper()
	_, err := w.stream.GetMsg(w.t.Context(), sequence)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		w.t.Fatal(err)
	}
	return err == nil
}
