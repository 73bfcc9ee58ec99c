// Package natsfile reads a stream from the files in which nats-server 2.15 stores it,
// without that server and without changing them. It reads what is neither compressed
// nor encrypted.
//
// A stream is a directory with its configuration (meta.inf, checked by meta.sum) and
// its messages in numbered block files (msgs/N.blk), in which each record has a
// checksum. Open reads all of it and lists what is damaged. A record that is cut off at
// the very end is not damage: it was being written when the server was killed, and was
// never acknowledged.
package natsfile

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// BlocksName is the directory of the block files, below that of the stream.
const BlocksName = "msgs"

// Config is the configuration of a stream, as far as it matters to readers.
type Config struct {
	Name          string            `json:"name"`
	MaxBytes      int64             `json:"max_bytes"`            // below 1 for no limit
	MaxAge        time.Duration     `json:"max_age"`              // 0 for no limit
	MaxPerSubject int               `json:"max_msgs_per_subject"` // below 1 for no limit
	Compression   string            `json:"compression"`
	Metadata      map[string]string `json:"metadata"`
}

// Message is a message of a stream. Its slices are shared and must not be changed.
type Message struct {
	Sequence uint64
	Time     time.Time // when it was stored
	Subject  string
	Header   []byte // see Field
	Data     []byte
}

// Stream is a stream as it was when it was opened.
type Stream struct {
	// Config is the zero value if it can't be read.
	Config Config
	// Messages is how many messages are retained.
	Messages int
	// Bytes is the size of their records.
	Bytes int64
	// First is the oldest retained message, 0 if there is none.
	First uint64
	// Last is the newest sequence that the blocks know of, retained or not. Given is
	// the newest that was assigned to a message, according to all files.
	Last, Given uint64
	// Complete reports whether index.db describes the files as they are, as it does after
	// the server has stopped cleanly. Then a message is only missing if Damage says so.
	Complete bool
	// Damage lists in words what is damaged or missing.
	Damage []string
	// CutOff is the size of the record at the end that was never completed, 0 for none.
	CutOff int

	name    string
	dir     string // of the blocks
	index   *index // nil if there is none that can be read
	numbers []uint32
	removed map[uint64]struct{} // by tombstones
	beyond  map[string]int      // by subject, how many of the oldest are above Config.MaxPerSubject
	excess  int64               // how many bytes of the oldest are above Config.MaxBytes
	expired int64               // what is older has expired, in Unix nanoseconds
}

// Open reads the stream in a directory whose name is the stream's. Damage is not an
// error: it is in Stream.Damage. The error wraps fs.ErrNotExist if there is no stream.
func Open(ctx context.Context, dir string) (*Stream, error) {
	s := &Stream{
		name:    filepath.Base(dir),
		dir:     filepath.Join(dir, BlocksName),
		removed: make(map[uint64]struct{}),
		beyond:  make(map[string]int),
	}
	if err := s.listBlocks(); err != nil {
		return nil, err
	}
	if err := s.readConfig(dir); err != nil {
		return nil, err
	}
	index, err := readIndex(s.dir, s.name)
	switch {
	case errors.Is(err, errIndex):
		// The blocks hold the messages. Limits replace what it says of retention.
	case err != nil:
		return nil, err
	default:
		s.index = index
	}
	if err := s.findRemoved(ctx); err != nil {
		return nil, err
	}
	return s, s.count(ctx)
}

func (s *Stream) listBlocks() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, isBlock := strings.CutSuffix(e.Name(), ".blk")
		number, err := strconv.ParseUint(name, 10, 32)
		if isBlock && err == nil {
			s.numbers = append(s.numbers, uint32(number))
		}
	}
	slices.Sort(s.numbers)
	return nil
}

func (s *Stream) readConfig(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "meta.key")); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is encrypted, and can't be read without nats-server", dir)
	}
	path := filepath.Join(dir, "meta.inf")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		s.damage("%s is missing", path)
		return nil
	}
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(dir, "meta.sum"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	h := keyedHash(s.name)
	h.Write(text)
	var c Config
	if hex.EncodeToString(h.Sum(nil)) != string(sum) || json.Unmarshal(text, &c) != nil || c.Name != s.name {
		s.damage("%s does not match its checksum in meta.sum", path)
		return nil
	}
	if c.Compression != "" && c.Compression != "none" {
		return fmt.Errorf("%s is compressed (%s), and can't be read without nats-server", dir, c.Compression)
	}
	s.Config = c
	return nil
}

func (s *Stream) damage(format string, args ...any) {
	s.Damage = append(s.Damage, fmt.Sprintf(format, args...))
}

// path returns the path of a block.
func (s *Stream) path(number uint32) string {
	return filepath.Join(s.dir, strconv.FormatUint(uint64(number), 10)+".blk")
}

// findRemoved reads all blocks, lists what is damaged in them, and collects what
// tombstones say: they come after what they remove.
func (s *Stream) findRemoved(ctx context.Context) error {
	var end []byte
	for i, number := range s.numbers {
		if err := ctx.Err(); err != nil {
			return err
		}
		block, err := os.ReadFile(s.path(number))
		if err != nil {
			return err
		}
		gaps, cut := scan(block, s.Last, newHash(s.name, number), func(r record) bool {
			s.Last = max(s.Last, r.sequence)
			if r.tombstone {
				s.removed[r.sequence] = struct{}{}
			}
			return true
		})
		for _, g := range gaps {
			s.damage("%s: bytes %d to %d can't be read: they do not match their checksum", s.path(number), g.from, g.to)
		}
		if cut < len(block) && i < len(s.numbers)-1 {
			s.damage("%s ends in the middle of a record, at byte %d", s.path(number), cut)
		} else {
			s.CutOff = len(block) - cut
		}
		end = block[max(0, len(block)-checksumSize):]
	}
	s.checkIndex(end)
	return nil
}

// checkIndex finds out whether the index describes the blocks as they are: it does
// if it was made after the last record of the newest one.
func (s *Stream) checkIndex(end []byte) {
	s.Given = s.Last
	x := s.index
	if x == nil {
		return
	}
	s.Given = max(s.Last, x.last)
	newest := uint32(0)
	if n := len(s.numbers); n > 0 {
		newest = s.numbers[n-1]
	}
	s.Complete = newest == x.newest && (bytes.Equal(end, x.checksum[:]) || len(end) == 0)
	for number, b := range x.blocks {
		_, found := slices.BinarySearch(s.numbers, number)
		if !found && b.first <= b.last && (s.Complete || number > newest) {
			s.damage("%s is missing: it held messages %d to %d", s.path(number), b.first, b.last)
		}
	}
	if x.messages > 0 && x.last > s.Last {
		s.damage("%s ends at message %d, and %s knows of messages up to %d", s.dir, s.Last, indexName, x.last)
	}
}

// count counts what is retained. What retention removed without a trace in the blocks
// would come back after a crash: the oldest messages above one of the limits. What has
// expired since the server was stopped is not retained, either.
func (s *Stream) count(ctx context.Context) error {
	subjects := make(map[string]int)
	if err := s.recount(ctx, subjects); err != nil {
		return err
	}
	if s.Complete && uint64(s.Messages) != s.index.messages {
		s.damage("%s: %s counts %d messages, and %d can be read", s.dir, indexName, s.index.messages, s.Messages)
	}
	if age := s.Config.MaxAge; age > 0 {
		s.expired = time.Now().Add(-age).UnixNano()
	}
	if !s.Complete {
		for subject, n := range subjects {
			if limit := s.Config.MaxPerSubject; limit > 0 && n > limit {
				s.beyond[subject] = n - limit
			}
		}
	}
	if s.expired > 0 || len(s.beyond) > 0 {
		if err := s.recount(ctx, subjects); err != nil {
			return err
		}
	}
	if limit := s.Config.MaxBytes; limit > 0 && s.Bytes > limit && !s.Complete {
		s.excess = s.Bytes - limit
		return s.recount(ctx, subjects)
	}
	return nil
}

// recount sets Messages, Bytes and First, and counts the messages of each subject.
func (s *Stream) recount(ctx context.Context, subjects map[string]int) error {
	clear(subjects)
	s.Messages, s.Bytes, s.First = 0, 0, 0
	return s.each(ctx, s.withinLimits(func(r record) bool {
		if s.Messages == 0 {
			s.First = r.sequence
		}
		s.Messages++
		s.Bytes += int64(r.size)
		subjects[string(r.subject)]++
		return true
	}))
}

// withinLimits returns a function that calls visit except for what has expired, and
// for the oldest records that are above the limits.
func (s *Stream) withinLimits(visit func(record) bool) func(record) bool {
	skipped, skippedBytes := make(map[string]int), int64(0)
	return func(r record) bool {
		if beyond := s.beyond[string(r.subject)]; skipped[string(r.subject)] < beyond {
			skipped[string(r.subject)]++
			return true
		}
		if r.time < s.expired {
			return true
		}
		if skippedBytes < s.excess {
			skippedBytes += int64(r.size)
			return true
		}
		return visit(r)
	}
}

// each calls visit with the records of messages that were not removed.
func (s *Stream) each(ctx context.Context, visit func(record) bool) error {
	last := uint64(0)
	for _, number := range s.numbers {
		if err := ctx.Err(); err != nil {
			return err
		}
		block, err := os.ReadFile(s.path(number))
		if err != nil {
			return err
		}
		ended := false
		scan(block, last, newHash(s.name, number), func(r record) bool {
			_, removed := s.removed[r.sequence]
			if !r.isMessage() || removed || r.sequence <= last || s.index.deletes(number, r.sequence) {
				return true
			}
			last = r.sequence
			ended = !visit(r)
			return !ended
		})
		if ended {
			return nil
		}
	}
	return nil
}

// All returns the messages that are retained, in the order of their sequences. It
// reads the files anew, and yields an error at most once, as the last pair.
func (s *Stream) All(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		err := s.each(ctx, s.withinLimits(func(r record) bool {
			return yield(Message{
				Sequence: r.sequence, Time: time.Unix(0, r.time).UTC(),
				Subject: string(r.subject), Header: r.header, Data: r.data,
			}, nil)
		}))
		if err != nil {
			yield(Message{}, err)
		}
	}
}

// Field returns the value of a field of a message's header, empty if there is none.
func (m Message) Field(name string) string {
	for line := range bytes.SplitSeq(m.Header, []byte("\r\n")) {
		key, value, found := bytes.Cut(line, []byte(":"))
		if found && string(key) == name {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}
