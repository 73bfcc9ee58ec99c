package jetstream

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// erasures is the list of what is being erased, in a file beside the log. The
// server notes that an event is gone, and then overwrites it: a crash between the
// two leaves the payload, of which the server knows no more. What is in the list
// when the log is opened is cut out of the files, before the server has them.
//
// A nil erasures keeps no list.
type erasures struct {
	path string

	mu      sync.Mutex // guards below
	pending int        // begun, and not ended
}

// begin puts an event on the list, durably.
func (e *erasures) begin(sequence uint64) error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	f, err := os.OpenFile(e.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("note what is being erased: %w", err)
	}
	_, err = fmt.Fprintln(f, sequence)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return fmt.Errorf("note what is being erased: %w", err)
	}
	e.pending++
	return nil
}

// end is called for an event that was erased. Those that it is never called for
// stay on the list until the next start.
func (e *erasures) end() {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pending--; e.pending == 0 {
		_ = os.Truncate(e.path, 0) // what is on the list too long costs time at the next start
	}
}

// openErasures completes what was being erased when the log was last open. The
// server must not run yet.
func openErasures(store string) (*erasures, error) {
	e := &erasures{path: filepath.Join(filepath.Dir(store), "erasing")}
	text, err := os.ReadFile(e.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var sequences []uint64
	lines := strings.Split(string(text), "\n")
	for _, line := range lines[:len(lines)-1] { // the last one has no end: it was not begun
		sequence, err := strconv.ParseUint(line, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.path, err)
		}
		sequences = append(sequences, sequence)
	}
	if err := scrub(blocksOf(store), sequences); err != nil {
		return nil, fmt.Errorf("complete what was being erased: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(e.path), 0o700); err != nil {
		return nil, err
	}
	return e, writeFile(e.path, nil)
}

// scrub removes events from the files of a log, and copies of blocks that a crash
// has left. A block without an event reads like one that the server has compacted;
// but its index may not know so, and has to be made anew, at a second for each GiB.
func scrub(blocks string, sequences []uint64) error {
	entries, err := os.ReadDir(blocks)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		path := filepath.Join(blocks, e.Name())
		switch ext := filepath.Ext(path); {
		case ext == ".tmp" || ext == ".new":
			err = os.Remove(path)
		case ext == ".blk" && len(sequences) > 0:
			err = scrubBlock(path, sequences)
		}
		if err != nil {
			return err
		}
	}
	_, err = syncFile(blocks)
	return err
}

func removeIndex(blocks string) error {
	err := os.Remove(filepath.Join(blocks, "index.db"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// scrubBlock cuts events out of a block.
func scrubBlock(path string, sequences []uint64) error {
	if above, err := beginsAbove(path, slices.Max(sequences)); err != nil || above {
		return err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	left, cut := make([]byte, 0, len(text)), false
	for len(text) > 0 {
		r, whole := readRecord(text)
		if !whole {
			break // the end of a block in which the server was interrupted
		}
		if !slices.Contains(sequences, r.sequence) {
			left = append(left, text[:r.size]...)
		} else {
			cut = true
		}
		text = text[r.size:]
	}
	if !cut {
		return nil
	}
	if err := removeIndex(filepath.Dir(path)); err != nil {
		return err
	}
	return writeFile(path, append(left, text...))
}

// beginsAbove tells whether all events in a block come after a sequence.
func beginsAbove(path string, sequence uint64) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 4<<10)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, err
	}
	for head = head[:n]; len(head) >= recordHeader; {
		r, whole := readRecord(head)
		if r.isEvent {
			return r.sequence > sequence, nil
		}
		if !whole {
			break
		}
		head = head[r.size:]
	}
	return false, nil
}

// A record of a block begins with its size and its sequence; both have bits that
// are flags.
const (
	recordHeader = 22 // bytes
	recordMin    = 30

	hasHeaders  = 1 << 31 // in the size
	isErased    = 1 << 63 // in the sequence: there is no event any more
	isTombstone = 1 << 62 // in the sequence: an event of another place is gone
)

type record struct {
	size     int
	sequence uint64
	isEvent  bool
}

// readRecord reads the header of the record that text begins with, and tells
// whether the record is whole.
func readRecord(text []byte) (r record, whole bool) {
	if len(text) < recordHeader {
		return record{}, false
	}
	r.size = int(binary.LittleEndian.Uint32(text) &^ hasHeaders)
	r.sequence = binary.LittleEndian.Uint64(text[4:])
	r.isEvent = r.sequence&(isErased|isTombstone) == 0
	return r, r.size >= recordMin && r.size <= len(text)
}
