package natsfile_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatroom/server/internal/migrate/natsfile"
	"chatroom/server/internal/migrate/natsfile/natstest"
	"chatroom/server/internal/testenv"
)

const streamName = "TEST"

// streamDir is where a server keeps the stream.
func streamDir(store string) string {
	return filepath.Join(store, "jetstream", "$G", "streams", streamName)
}

// messages returns what the server says that the stream holds.
func messages(t *testing.T, n *natstest.Server) (all []natsfile.Message, last uint64) {
	t.Helper()
	stream, err := n.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	state := stream.CachedInfo().State
	for seq := max(state.FirstSeq, 1); seq <= state.LastSeq; seq++ {
		m, err := stream.GetMsg(t.Context(), seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		header := m.Header.Get("Test")
		all = append(all, natsfile.Message{Sequence: seq, Time: m.Time, Subject: m.Subject, Header: []byte(header), Data: m.Data})
	}
	return all, state.LastSeq
}

func retained(t *testing.T, n *natstest.Server) []natsfile.Message {
	t.Helper()
	all, _ := messages(t, n)
	return all
}

// read returns what the files say, with only the value of the field "Test" for a
// header.
func read(t *testing.T, store string) (*natsfile.Stream, []natsfile.Message) {
	t.Helper()
	s, err := natsfile.Open(t.Context(), streamDir(store))
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	var all []natsfile.Message
	for m, err := range s.All(t.Context()) {
		if err != nil {
			t.Fatalf("All = %v, want nil", err)
		}
		m.Header = []byte(m.Field("Test"))
		all = append(all, m)
	}
	return s, all
}

// churn has the server store and remove messages at random. It adds to deleted what
// is not left to retention to remove.
func churn(t *testing.T, n *natstest.Server, random *rand.Rand, steps int, deleted map[uint64]bool) {
	t.Helper()
	stream, err := n.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	last := stream.CachedInfo().State.LastSeq
	for range steps {
		victim := 1 + random.Uint64N(max(last, 1))
		switch random.IntN(20) {
		case 0, 1:
			if err = stream.SecureDeleteMsg(t.Context(), victim); err == nil {
				deleted[victim] = true
			}
		case 2:
			if err = stream.DeleteMsg(t.Context(), victim); err == nil {
				deleted[victim] = true
			}
		case 3:
			if random.IntN(40) == 0 {
				purged := subject(random)
				for _, m := range retained(t, n) {
					if m.Subject == purged {
						deleted[m.Sequence] = true
					}
				}
				err = stream.Purge(t.Context(), jetstream.WithPurgeSubject(purged))
			}
		default:
			m := nats.NewMsg(subject(random))
			m.Data = make([]byte, random.IntN(900))
			for i := range m.Data {
				m.Data[i] = byte(random.Uint32())
			}
			m.Header.Set("Test", fmt.Sprint(random.Uint64()))
			var ack *jetstream.PubAck
			if ack, err = n.PublishMsg(t.Context(), m); err == nil {
				last = ack.Sequence
			}
		}
		if err != nil && !errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) { // it is gone already
			t.Fatal(err)
		}
	}
}

func subject(random *rand.Rand) string { return fmt.Sprintf("test.%d", random.IntN(6)) }

// randomConfig returns a stream with small blocks, so that it has several, and limits
// that apply.
func randomConfig(random *rand.Rand) jetstream.StreamConfig {
	c := jetstream.StreamConfig{Name: streamName, Subjects: []string{"test.*"}, MaxBytes: 100_000 + random.Int64N(200_000)}
	if random.IntN(2) == 0 {
		c.MaxMsgsPerSubject = 10 + random.Int64N(60)
	}
	if random.IntN(4) == 0 {
		c.FirstSeq = 1_000
	}
	return c
}

func copyDir(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

// What is read from the files of a server that has stopped is what the server knows.
// Of a copy made while it runs, as a crash would leave it, that is read, too; more may
// be, but nothing that was deleted.
func TestReadsWhatTheServerKnows(t *testing.T) {
	for seed := range uint64(testenv.Rounds(3, 10)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			store := t.TempDir()
			n := natstest.Start(t, store)
			if _, err := n.CreateStream(t.Context(), randomConfig(random)); err != nil {
				t.Fatal(err)
			}
			deleted := make(map[uint64]bool)
			for range 1 + random.IntN(3) {
				churn(t, n, random, random.IntN(600), deleted)
				compareCopy(t, n, copyDir(t, store), deleted)
				want, last := messages(t, n)
				n.Stop()
				compareStopped(t, store, want, last)
				n = natstest.Start(t, store)
			}
		})
	}
}

func compareStopped(t *testing.T, store string, want []natsfile.Message, last uint64) {
	t.Helper()
	s, got := read(t, store)
	if len(s.Damage) > 0 || s.CutOff > 0 || !s.Complete {
		t.Fatalf("after a stop: Damage = %q, CutOff = %d, Complete = %t, want none, 0, true", s.Damage, s.CutOff, s.Complete)
	}
	if s.Messages != len(got) || s.Given != last {
		t.Errorf("after a stop: Messages = %d, Given = %d, want %d and %d", s.Messages, s.Given, len(got), last)
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !same(got[i], want[i]) {
			t.Fatalf("after a stop: message %d of %d is %s, want %d, of which it is %s", i, len(got), at(got, i), len(want), at(want, i))
		}
	}
}

func compareCopy(t *testing.T, n *natstest.Server, store string, deleted map[uint64]bool) {
	t.Helper()
	want := retained(t, n)
	s, got := read(t, store)
	if len(s.Damage) > 0 || s.CutOff > 0 {
		t.Fatalf("in a copy: Damage = %q, CutOff = %d, want none", s.Damage, s.CutOff)
	}
	for i := range got {
		if len(want) > 0 && same(got[i], want[0]) {
			want = want[1:]
		} else if deleted[got[i].Sequence] {
			t.Errorf("in a copy: message %s was deleted", at(got, i))
		}
	}
	if len(want) > 0 {
		t.Fatalf("in a copy: %d messages are not read, the first is %s", len(want), at(want, 0))
	}
}

func same(a, b natsfile.Message) bool {
	return a.Sequence == b.Sequence && a.Time.Equal(b.Time) && a.Subject == b.Subject &&
		string(a.Header) == string(b.Header) && string(a.Data) == string(b.Data)
}

func at(all []natsfile.Message, i int) string {
	if i >= len(all) {
		return "none"
	}
	m := all[i]
	return fmt.Sprintf("%d %s %s %q, %d bytes", m.Sequence, m.Time, m.Subject, m.Header, len(m.Data))
}
