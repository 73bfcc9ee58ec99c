package sqlite

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/ncruces/go-sqlite3"
)

const (
	walHeaderSize   = 32
	frameHeaderSize = 24
)

// checkFiles returns an error if the database or its write-ahead log is damaged in
// a way that SQLite does not report: it takes the end of a file that is cut short
// for zeros, and the first damaged frame of the log for its end.
func checkFiles(c Config) error {
	log, err := readLog(c.path() + "-wal")
	if err != nil {
		return err
	}
	if log.damagedAt > 0 && !c.NoFsync {
		return fmt.Errorf("the log %s-wal is damaged, and transactions follow: %w; to start without them, "+
			"cut it to %d bytes", fileName, sqlite3.CORRUPT, log.damagedAt)
	}
	if journal, err := sizeOf(c.path() + "-journal"); err != nil || journal > 0 {
		return err // the database is about to be rolled back
	}
	return log.checkSize(c.path())
}

// checkFilesInUse is checkFiles for a store that may be in use. Files that change
// while they are read can look damaged, but not three times.
func checkFilesInUse(c Config) (err error) {
	for range 3 {
		if err = checkFiles(c); err == nil {
			break
		}
	}
	return err
}

// walLog is what is in a write-ahead log.
type walLog struct {
	pages     map[uint32]bool // that its transactions wrote
	size      uint32          // of the database after the last one, in pages; 0 without one
	damagedAt int64           // where a frame is damaged that others follow, 0 for nowhere
}

// checkSize returns an error if pages of the database are in neither file.
func (l *walLog) checkSize(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	var b [2]byte
	if _, err := f.ReadAt(b[:], 16); err != nil {
		return nil // SQLite says what it is
	}
	pageSize := int64(binary.BigEndian.Uint16(b[:]))
	if pageSize == 1 {
		pageSize = 1 << 16
	}
	if pageSize < 512 {
		return nil
	}
	last := (info.Size() + pageSize - 1) / pageSize
	if l.size > 0 {
		last = int64(l.size)
	}
	for page := info.Size()/pageSize + 1; page <= last; page++ {
		if !l.pages[uint32(page)] {
			return fmt.Errorf("page %d is missing, the file is cut short at byte %d: %w", page, info.Size(), sqlite3.CORRUPT)
		}
	}
	return nil
}

// readLog reads a write-ahead log. It is empty if there is none.
//
// Every frame has a checksum that continues that of the frame before. After a
// power cut there can be frames behind the last good one: those of a transaction
// whose sync did not end, and of others that it overwrote. A transaction that
// continues with another one was synced: a damaged frame before it is no remnant.
func readLog(path string) (*walLog, error) {
	log := &walLog{pages: make(map[uint32]bool)}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return log, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := bufio.NewReaderSize(f, 1<<18)
	var header [walHeaderSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return log, endOfLog(err)
	}
	w := walReader{
		log: log, order: binary.LittleEndian, salts: [8]byte(header[16:24]), sum: sumAt(header[24:]),
		at: walHeaderSize,
	}
	if header[3]&1 != 0 {
		w.order = binary.BigEndian
	}
	w.good = walChecksum(w.order, walSum{}, header[:24]) == w.sum
	w.saltsKnown = w.good
	pageSize := binary.BigEndian.Uint32(header[8:])
	if pageSize < 512 || pageSize > 1<<16 {
		pageSize = databasePageSize
	}
	frame := make([]byte, frameHeaderSize+pageSize)
	for {
		if _, err := io.ReadFull(r, frame); err != nil {
			return log, endOfLog(err)
		}
		w.frame(frame)
	}
}

// endOfLog returns nil for an error that is the end of a file.
func endOfLog(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// walReader goes through the frames of a write-ahead log.
type walReader struct {
	log        *walLog
	order      binary.ByteOrder
	salts      [8]byte
	saltsKnown bool // the header is good; otherwise they are those of the first frame
	sum        walSum
	at         int64
	good       bool     // all is, up to here
	begun      []uint32 // pages of a transaction that has begun
	firstBad   int64    // where the first damaged frame is
	committed  bool     // behind it, the frame before ends a transaction or follows one
}

func (w *walReader) frame(frame []byte) {
	if !w.saltsKnown {
		w.salts, w.saltsKnown = [8]byte(frame[8:16]), true
		w.firstBad = w.at
	}
	sum := walChecksum(w.order, walChecksum(w.order, w.sum, frame[:8]), frame[frameHeaderSize:])
	w.sum = sumAt(frame[16:])
	follows := [8]byte(frame[8:16]) == w.salts && sum == w.sum
	page, size := binary.BigEndian.Uint32(frame), binary.BigEndian.Uint32(frame[4:])
	switch {
	case w.good && follows:
		w.begun = append(w.begun, page)
		if size > 0 {
			for _, p := range w.begun {
				w.log.pages[p] = true
			}
			w.begun, w.log.size = w.begun[:0], size
		}
	case w.good:
		w.good, w.firstBad = false, w.at
	case !follows:
		w.committed = false
	case w.committed:
		w.log.damagedAt = w.firstBad
	default:
		w.committed = size > 0
	}
	w.at += int64(len(frame))
}

// walSum is a checksum of a write-ahead log.
type walSum [2]uint32

func sumAt(b []byte) walSum {
	return walSum{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// walChecksum continues a checksum with the words of some bytes.
func walChecksum(order binary.ByteOrder, sum walSum, b []byte) walSum {
	s0, s1 := sum[0], sum[1]
	if order == binary.LittleEndian {
		for ; len(b) >= 8; b = b[8:] { // not by way of the interface: 10 times as fast
			s0 += binary.LittleEndian.Uint32(b) + s1
			s1 += binary.LittleEndian.Uint32(b[4:]) + s0
		}
		return walSum{s0, s1}
	}
	for ; len(b) >= 8; b = b[8:] {
		s0 += order.Uint32(b) + s1
		s1 += order.Uint32(b[4:]) + s0
	}
	return walSum{s0, s1}
}
