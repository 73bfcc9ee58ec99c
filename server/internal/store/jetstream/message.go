package jetstream

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatroom/server/internal/chat"
)

// Headers of a stored event, beside the server's own.
const (
	// headerRelation is "annotates", "revises" or "erases" and the sequence of the
	// target. A standalone event has none.
	headerRelation = "Chatroom-Relation"
	// headerCounted is the digest of the author of a counted event, "-" for noAuthor.
	headerCounted = "Chatroom-Counted"
	// headerRoom is what the appending node knew of the room: the sequence up to which it
	// had counted, how many events were ever stored up to there, and how many of them are
	// counted. Later events are counted from there. The fourth field identifies the Submit.
	headerRoom = "Chatroom-Room"

	noAuthor = "-"
)

var relationNames = [...]string{chat.Annotates: "annotates", chat.Revises: "revises", chat.Erases: "erases"}

// message is a message of a stream, however it was received.
type message struct {
	subject  string
	sequence uint64
	// previous is the message before it with the subject, when knowsPrevious.
	previous      uint64
	knowsPrevious bool
	time          time.Time
	header        nats.Header
	data          []byte
}

func fromStream(m *jetstream.RawStreamMsg) message {
	return message{subject: m.Subject, sequence: m.Sequence, time: m.Time, header: m.Header, data: m.Data}
}

// fromRepublished reads what the stream has republished.
func fromRepublished(m *nats.Msg) (message, error) {
	sequence, err := strconv.ParseUint(m.Header.Get(jetstream.SequenceHeader), 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("sequence of a republished message: %w", err)
	}
	previous, err := strconv.ParseUint(m.Header.Get(jetstream.LastSequenceHeader), 10, 64)
	if err != nil {
		return message{}, fmt.Errorf("last sequence of a republished message: %w", err)
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(jetstream.TimeStampHeaer))
	if err != nil {
		return message{}, fmt.Errorf("time of a republished message: %w", err)
	}
	return message{
		subject:       m.Header.Get(jetstream.SubjectHeader),
		sequence:      sequence,
		previous:      previous,
		knowsPrevious: true,
		time:          at,
		header:        m.Header,
		data:          m.Data,
	}, nil
}

// roomCounts is how many events were ever stored in a room up to a sequence.
type roomCounts struct {
	through uint64 // the newest event that is counted here
	total   uint64
	counted uint64 // those that are chat.Entry.Counted
}

func (c roomCounts) with(e entry) roomCounts {
	c.through = e.sequence
	c.total++
	if e.counted() {
		c.counted++
	}
	return c
}

func (c roomCounts) String() string { return fmt.Sprintf("%d %d %d", c.through, c.total, c.counted) }

// countsBefore returns what the node that appended an event knew of its room.
func countsBefore(h nats.Header) (c roomCounts) {
	// A header that is missing or malformed means that nothing is known, which is 0.
	if n, err := fmt.Sscanf(h.Get(headerRoom), "%d %d %d", &c.through, &c.total, &c.counted); n != 3 || err != nil {
		return roomCounts{}
	}
	return c
}

// encode returns the message that stores an entry.
func encode(e chat.Entry, counts roomCounts, attempt uint64) *nats.Msg {
	m := nats.NewMsg(eventSubject(e.Room))
	m.Header[jetstream.MsgIDHeader] = []string{messageID(e.Room, e.Key)}
	m.Header[headerRoom] = []string{counts.String() + " " + strconv.FormatUint(attempt, 36)}
	if e.Relation != chat.Standalone {
		m.Header[headerRelation] = []string{relationNames[e.Relation] + " " + strconv.FormatUint(e.Target, 10)}
	}
	if e.Counted {
		m.Header[headerCounted] = []string{authorDigest(e.Author)}
	}
	m.Data = e.Payload
	return m
}

// attemptOf returns the attempt of the submission that has stored an event.
func attemptOf(h nats.Header) uint64 {
	text := h.Get(headerRoom)
	attempt, _ := strconv.ParseUint(text[strings.LastIndexByte(text, ' ')+1:], 36, 64)
	return attempt
}

// decode returns the index entry of a stored event.
func decode(m message) entry {
	e := entry{sequence: m.sequence}
	if text := m.header.Get(headerRelation); text != "" {
		name, target, _ := strings.Cut(text, " ")
		for relation, known := range relationNames {
			if known == name {
				e.relation = chat.Relation(relation)
			}
		}
		e.target, _ = strconv.ParseUint(target, 10, 64)
	}
	if author := m.header.Get(headerCounted); author != "" {
		e.flags |= isCounted
		e.author = authorNumber(author)
	}
	return e
}

// messageID returns the message id of an append, which is the same for the same key in the
// same room.
func messageID(room, key string) string {
	text := binary.AppendUvarint(make([]byte, 0, 256), uint64(len(room)))
	sum := sha256.Sum256(append(append(text, room...), key...))
	return base64.RawURLEncoding.EncodeToString(sum[:18])
}

func authorDigest(author string) string {
	if author == "" {
		return noAuthor
	}
	sum := sha256.Sum256([]byte(author))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// authorNumber returns the number of an author in the index, 0 for none. With some 30,000
// authors in a room, the probability that two of them share a number is one in ten.
func authorNumber(digest string) uint32 {
	if digest == noAuthor {
		return 0
	}
	sum, err := base64.RawURLEncoding.DecodeString(digest)
	if err != nil || len(sum) < 4 {
		return 0
	}
	return max(1, binary.BigEndian.Uint32(sum))
}
