package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/testenv"
)

// specimen is a directory with a store in it, and all that the store answers.
type specimen struct {
	dir     string
	epoch   string
	rooms   []string
	entries map[string]chat.Entry // that were sent, by key
	seqs    map[string]uint64     // by key
	answers answers
}

// answers are what a store says, by what it was asked.
type answers map[string]string

const specimenRecords = 5

var specimenConfig = Config{RoomEvents: 60, indexEvery: 40, buryEvery: 10, segmentKeys: 30}

// newSpecimens returns a store of a directory as it is closed, and as a kill leaves
// it.
func newSpecimens(t *testing.T, dir string) (closedStore, killedStore *specimen) {
	t.Helper()
	c := specimenConfig
	c.Dir = dir
	s := start(t, c)
	made := &specimen{dir: c.Dir, epoch: s.epoch, entries: make(map[string]chat.Entry), seqs: make(map[string]uint64)}
	for i := range 3 {
		made.rooms = append(made.rooms, fmt.Sprint("room-", i))
	}
	send := func(e chat.Entry) uint64 {
		e.Room = made.rooms[len(made.entries)%3]
		if e.Target != 0 {
			e.Room = made.rooms[(len(made.entries)-1)%3]
		}
		made.entries[e.Key], made.seqs[e.Key] = e, 0
		made.seqs[e.Key] = add(t, s, e).Sequence
		return made.seqs[e.Key]
	}
	for i := range 240 {
		text := fmt.Sprintf("event %d %s", i, strings.Repeat("x", i%7*40))
		seq := send(chat.Entry{Key: fmt.Sprint("key-", i), Payload: []byte(text), Counted: true, Author: "ann"})
		switch i % 9 {
		case 3:
			send(chat.Entry{Key: fmt.Sprint("edit-", i), Payload: []byte("edit " + text), Relation: chat.Revises, Target: seq})
		case 6:
			send(chat.Entry{Key: fmt.Sprint("erase-", i), Payload: []byte("by bob"), Relation: chat.Erases, Target: seq})
		}
		if i%20 == 5 {
			key := fmt.Sprint("profiles/", i/20%specimenRecords)
			had, _ := s.Get(t.Context(), key) // there may be none
			if _, err := s.Put(t.Context(), key, []byte(text), had.Revision); err != nil {
				t.Fatal(err)
			}
		}
		if i == 120 {
			if _, err := s.Scrub(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	made.answers = made.ask(s)
	killed := *made
	killed.dir = t.TempDir()
	copyFiles(t, c.Dir, killed.dir)
	mark := highwater{Lineage: lineageOf(t, c.Dir), Epoch: s.epoch, Next: slices.Max(slices.Collect(maps.Values(made.seqs))) + 1}
	if err := writeMark(filepath.Join(killed.dir, markName), mark); err != nil {
		t.Fatal(err)
	}
	closed(t, s)
	return made, &killed
}

func lineageOf(t *testing.T, dir string) string {
	t.Helper()
	mark, err := readMark(dir)
	if err != nil || mark == nil {
		t.Fatalf("readMark() = %v, %v, want a mark", mark, err)
	}
	return mark.Lineage
}

const refusal = "error: "

// ask asks a store for everything. What it refuses as damaged or not stored is
// noted as such, and any other error as it is.
func (p *specimen) ask(s *Store) answers {
	ctx := context.Background()
	all := make(answers)
	note := func(question string, err error, answer any) {
		switch {
		case err == nil:
			all[question] = fmt.Sprintf("%v", answer)
		case errors.Is(err, chat.ErrDamaged), errors.Is(err, chat.ErrNotStored):
			all[question] = refusal
		default:
			all[question] = err.Error()
		}
	}
	for _, room := range p.rooms {
		head, err := s.Head(ctx, room)
		head.Epoch = ""
		note("head of "+room, err, head)
		n, err := s.Count(ctx, room, 0, "", 1000)
		note("count of "+room, err, n)
		for after := uint64(0); after < 300; after += 20 {
			events, err := s.Read(ctx, room, after, 7)
			note(fmt.Sprintf("%s after %d", room, after), err, shown(events))
			events, err = s.ReadBack(ctx, room, after, 7)
			note(fmt.Sprintf("%s before %d", room, after), err, shown(events))
			events, err = s.Changes(ctx, room, []uint64{after, after + 1, after + 4, after + 5}, 0)
			note(fmt.Sprintf("changes in %s of %d", room, after), err, shown(events))
		}
	}
	heads, err := s.Rooms(ctx, "", 10)
	for i := range heads {
		heads[i].Time = heads[i].Time.UTC()
	}
	note("rooms", err, heads)
	records, err := s.List(ctx, "profiles/", "", 100)
	note("records", err, records)
	for i := range specimenRecords {
		record, err := s.Get(ctx, fmt.Sprint("profiles/", i))
		note(fmt.Sprint("record ", i), err, record)
	}
	for _, key := range slices.Sorted(maps.Keys(p.entries)) {
		at, duplicate, err := chat.Append(ctx, s, p.entries[key])
		if err != nil {
			note("key "+key, err, nil)
		} else if note("key "+key, nil, at.Sequence); !duplicate {
			break // from here on the store is another one
		}
	}
	return all
}

func shown(events []chat.Stored) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%d<%d:%q ", e.Previous, e.Sequence, e.Payload)
	}
	return b.String()
}

// damage is a change of a file.
type damage struct {
	file string
	kind string
	at   int64
	n    int64
}

func (d damage) String() string {
	return fmt.Sprintf("%s: %s at byte %d, %d bytes", d.file, d.kind, d.at, d.n)
}

// damageFile damages a file of a directory at a random place.
func damageFile(t *testing.T, dir string, random *rand.Rand) damage {
	t.Helper()
	var files []string
	for name, content := range contents(t, dir) {
		if len(content) > 0 {
			files = append(files, name)
		}
	}
	slices.Sort(files)
	d := damage{file: files[random.IntN(len(files))]}
	if random.IntN(4) > 0 { // most are in the large ones
		d.file = files[random.IntN(len(files)-1)]
	}
	path := filepath.Join(dir, d.file)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d.at = random.Int64N(int64(len(content)))
	switch random.IntN(4) {
	case 0, 1:
		d.kind, d.n = "a bit flipped", 1
		content[d.at] ^= 1 << random.IntN(8)
	case 2:
		d.kind, d.n = "cut short", int64(len(content))-d.at
		content = content[:d.at]
	case 3:
		d.kind, d.n = "zeros", min(1+random.Int64N(5000), int64(len(content))-d.at)
		clear(content[d.at:][:d.n])
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

// outcome is what becomes of a damaged store.
type outcome string

const (
	harmless outcome = "harmless"
	refused  outcome = "refused"
	reset    outcome = "reset"
	partly   outcome = "damaged in part"
)

// open opens a damaged copy of the specimen and asks it everything. The error says
// what is wrong with the answers.
func (p *specimen) open(t *testing.T, dir string) (outcome, error) {
	t.Helper()
	before := contents(t, dir)
	var log logBuffer
	c := specimenConfig
	c.Dir, c.Log = dir, slog.New(slog.NewTextHandler(&log, nil))
	s, err := Open(t.Context(), c)
	if err != nil {
		after := contents(t, dir)
		switch {
		case !strings.Contains(err.Error(), fileName) && !strings.Contains(err.Error(), markName):
			return refused, fmt.Errorf("Open() = %w, want an error that names the file", err)
		case !maps.EqualFunc(before, after, bytes.Equal):
			return refused, fmt.Errorf("Open() = %w, and changed the directory", err)
		}
		return refused, nil
	}
	defer s.Close() // may fail
	got := p.ask(s)
	if s.epoch != p.epoch {
		if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "events are lost") {
			return reset, fmt.Errorf("the epoch changed, and the log is %q", log.String())
		}
		return reset, p.compareOlder(got)
	}
	result := harmless
	for question, want := range p.answers {
		switch answer := got[question]; answer {
		case want:
		case refusal:
			result = partly
		default:
			return result, fmt.Errorf("%s: %.300q, want %.300q", question, answer, want)
		}
	}
	return result, nil
}

// compareOlder finds nothing in the answers of a store that lost its newest events
// but what was sent.
func (p *specimen) compareOlder(got answers) error {
	sent := make(map[string]bool)
	for key, e := range p.entries {
		sent[fmt.Sprintf("%d:%q", p.seqs[key], e.Payload)] = true
	}
	for question, answer := range got {
		if !strings.Contains(question, "room-") || strings.HasPrefix(question, "count") || strings.HasPrefix(question, "head") || answer == refusal {
			continue
		}
		for _, event := range strings.SplitAfter(answer, `" `) {
			if _, event, _ = strings.Cut(strings.TrimSuffix(event, " "), "<"); event != "" && !sent[event] {
				return fmt.Errorf("%s: %q was never sent", question, event)
			}
		}
	}
	return nil
}

// verified runs Verify on a damaged copy, and tells whether it finds anything.
func verified(t *testing.T, dir string) (finds bool, err error) {
	t.Helper()
	before := contents(t, dir)
	report, err := Verify(t.Context(), dir)
	if after := contents(t, dir); !maps.EqualFunc(before, after, bytes.Equal) {
		return true, errors.New("Verify changed the directory")
	}
	return err != nil || len(report.Findings) > 0, nil
}

// corrupt damages copies of a store and returns how often each outcome came.
func corrupt(t *testing.T, seed uint64, cases int, specimens ...*specimen) (map[outcome]int, error) {
	random := rand.New(rand.NewPCG(seed, 6))
	outcomes := make(map[outcome]int)
	for i := range cases {
		p := specimens[i%len(specimens)]
		dir, apart := t.TempDir(), t.TempDir()
		copyFiles(t, p.dir, dir)
		done := damageFile(t, dir, random)
		copyFiles(t, dir, apart)
		result, err := p.open(t, dir)
		if err != nil {
			return nil, fmt.Errorf("case %d, %s: %w", i, done, err)
		}
		finds, err := verified(t, apart)
		if err != nil {
			return nil, fmt.Errorf("case %d, %s: %w", i, done, err)
		}
		if !finds && result != harmless {
			return nil, fmt.Errorf("case %d, %s: %s, and Verify finds nothing", i, done, result)
		}
		outcomes[result]++
	}
	return outcomes, nil
}

// Whatever is damaged, a store answers what was stored, or refuses, or begins
// another log and says so. It changes no file that it can't read.
func TestCorruption(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	closedStore, killedStore := newSpecimens(t, t.TempDir())
	outcomes, err := corrupt(t, seed, testenv.Rounds(25, 100), closedStore, killedStore)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("outcomes: %v", outcomes)
}

// A file that lacks its end is refused, though SQLite takes that for zeros.
func TestCutShort(t *testing.T) {
	closedStore, _ := newSpecimens(t, t.TempDir())
	content, err := os.ReadFile(filepath.Join(closedStore.dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	for _, missing := range []int{1, 100, databasePageSize / 2, databasePageSize - 1, databasePageSize, databasePageSize + 1} {
		dir := t.TempDir()
		copyFiles(t, closedStore.dir, dir)
		if err := os.Truncate(filepath.Join(dir, fileName), int64(len(content)-missing)); err != nil {
			t.Fatal(err)
		}
		if result, err := closedStore.open(t, dir); err != nil || result != refused {
			t.Errorf("without the last %d bytes: %s, %v, want %s", missing, result, err, refused)
		}
	}
}

// A bit that flips within the write-ahead log is noticed even when the high-water
// mark is not, and the log can be cut there to do without the rest.
func TestDamagedLog(t *testing.T) {
	_, killedStore := newSpecimens(t, t.TempDir())
	path := filepath.Join(killedStore.dir, fileName+"-wal")
	if err := os.Remove(filepath.Join(killedStore.dir, markName)); err != nil {
		t.Fatal(err)
	}
	intact := contents(t, killedStore.dir)
	size := len(intact[filepath.Base(path)])
	for _, at := range []int{5, 20, walHeaderSize + 2, walHeaderSize + 10, walHeaderSize + 18, walHeaderSize + 100, size / 2} {
		flip(t, path, int64(at))
		c := specimenConfig
		c.Dir = killedStore.dir
		s, err := Open(t.Context(), c)
		if err == nil {
			s.Close()
			t.Fatalf("Open() with byte %d of the log changed = nil, want an error", at)
		}
		if !strings.Contains(err.Error(), fileName+"-wal") || !strings.Contains(err.Error(), "cut it to") {
			t.Errorf("Open() with byte %d of the log changed = %v, want what to do", at, err)
		}
		flip(t, path, int64(at))
	}
	c := specimenConfig
	c.Dir = killedStore.dir
	log, err := readLog(path)
	if err != nil || log.damagedAt != 0 {
		t.Fatalf("readLog() = damaged at %d, %v, want 0", log.damagedAt, err)
	}
	flip(t, path, int64(size/2))
	if log, err = readLog(path); err != nil || log.damagedAt == 0 || log.damagedAt > int64(size/2) {
		t.Fatalf("readLog() = damaged at %d, %v, want at most %d", log.damagedAt, err, size/2)
	}
	if err := os.Truncate(path, log.damagedAt); err != nil {
		t.Fatal(err)
	}
	s := start(t, c)
	defer closed(t, s)
	if events, err := s.Read(t.Context(), killedStore.rooms[0], 0, maxRows); err != nil || len(events) == 0 {
		t.Errorf("Read with the log cut = %d events, %v, want some", len(events), err)
	}
}

// The test notices a database that is not protected.
func TestCorruptionNotices(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	dir := t.TempDir()
	c, err := dial(filepath.Join(dir, fileName), "", sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(migrate(c, 0), c.Close()); err != nil { // without page checksums
		t.Fatal(err)
	}
	closedStore, _ := newSpecimens(t, dir)
	if _, err = corrupt(t, seed, 300, closedStore); err == nil {
		t.Fatalf("nothing was noticed, seed %d", seed)
	}
	t.Logf("seed %d: %v", seed, err)
}
