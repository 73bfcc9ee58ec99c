package natsfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"

	"github.com/minio/highwayhash"
)

// A record is, in little endian: its size (4 bytes), its sequence (8), its time in
// Unix nanoseconds (8), the length of its subject (2), the subject, if it has headers
// their length (4) and the headers, the data, and a checksum (8). Size and sequence
// have flags in their high bits. The checksum covers all but the lengths: that of a
// subject is covered in effect if there are headers.
const (
	headSize     = 22
	checksumSize = 8
	minRecord    = headSize + checksumSize
	maxRecord    = 32 << 20

	hasHeaders  = 1 << 31 // in the size
	isErased    = 1 << 63 // in the sequence: the message was overwritten
	isTombstone = 1 << 62 // in the sequence: the message of this sequence, in another place, was removed
	flags       = isErased | isTombstone
)

type record struct {
	offset, size int // in the block
	sequence     uint64
	erased       bool
	tombstone    bool
	time         int64
	subject      []byte
	header       []byte
	data         []byte
}

// isMessage reports whether the record holds a message. One of sequence 0 is filler.
func (r record) isMessage() bool { return r.sequence > 0 && !r.erased && !r.tombstone }

// fault is what is wrong with a record.
type fault int

const (
	none fault = iota
	cutOff
	badSize
	badChecksum
)

// newHash returns the hash of the records of a block. Its key depends on where they
// are, so that a block under another name is noticed.
func newHash(stream string, block uint32) hash.Hash64 {
	return keyedHash(fmt.Sprintf("%s-%d", stream, block))
}

func keyedHash(name string) hash.Hash64 {
	key := sha256.Sum256([]byte(name))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		panic(err) // the key has the right size
	}
	return h
}

// readRecord reads the record at an offset of a block.
func readRecord(block []byte, offset int, h hash.Hash64) (record, fault) {
	text := block[offset:]
	if len(text) < headSize {
		return record{}, cutOff
	}
	word := binary.LittleEndian.Uint32(text)
	size := int(word &^ hasHeaders)
	subject := int(binary.LittleEndian.Uint16(text[20:]))
	fixed := minRecord + subject
	if word&hasHeaders != 0 {
		fixed += 4
	}
	switch {
	case size < fixed || size > maxRecord:
		return record{}, badSize
	case size > len(text):
		return record{}, cutOff
	}
	sequence := binary.LittleEndian.Uint64(text[4:])
	r := record{
		offset: offset, size: size,
		sequence: sequence &^ flags, erased: sequence&isErased != 0, tombstone: sequence&isTombstone != 0,
		time:    int64(binary.LittleEndian.Uint64(text[12:])),
		subject: text[headSize : headSize+subject],
	}
	body := text[headSize+subject : size-checksumSize]
	headers := 0
	if word&hasHeaders != 0 {
		headers = int(binary.LittleEndian.Uint32(body))
		body = body[4:]
		if headers > len(body) {
			return record{}, badSize
		}
	}
	h.Reset()
	h.Write(text[4:20])
	h.Write(r.subject)
	h.Write(body)
	if !bytes.Equal(h.Sum(nil), text[size-checksumSize:size]) {
		return record{}, badChecksum
	}
	r.header, r.data = body[:headers:headers], body[headers:]
	if headers > 0 && !isHeader(r.header) {
		return record{}, badChecksum
	}
	return r, none
}

// isHeader reports whether a header is whole. The checksum does not cover its length.
func isHeader(header []byte) bool {
	return bytes.HasPrefix(header, []byte("NATS/1.0")) && bytes.HasSuffix(header, []byte("\r\n\r\n"))
}

// gap is a part of a block that can't be read.
type gap struct{ from, to int }

// maxJump bounds how much greater the sequence of a record after a gap may be than
// the last one before it, to tell records from what looks like one.
const maxJump = 1 << 40

// scan calls visit with the records of a block, in their order, until it returns
// false. It returns the parts that can't be read, and at which offset the block ends
// in the middle of a record, or its size.
func scan(block []byte, last uint64, h hash.Hash64, visit func(record) bool) (gaps []gap, end int) {
	for offset := 0; offset < len(block); {
		r, fault := readRecord(block, offset, h)
		if fault != none {
			next := findRecord(block, offset+1, last, h)
			if next == len(block) && fault == cutOff {
				return gaps, offset
			}
			gaps = append(gaps, gap{offset, next})
			offset = next
			continue
		}
		if !r.tombstone {
			last = max(last, r.sequence)
		}
		if !visit(r) {
			return gaps, len(block)
		}
		offset += r.size
	}
	return gaps, len(block)
}

// findRecord returns the offset of the next record that can be read, or the size of
// the block.
func findRecord(block []byte, offset int, last uint64, h hash.Hash64) int {
	for ; offset+minRecord <= len(block); offset++ {
		sequence := binary.LittleEndian.Uint64(block[offset+4:])
		if s := sequence &^ flags; s == 0 || s > last+maxJump {
			continue
		}
		if _, fault := readRecord(block, offset, h); fault == none {
			return offset
		}
	}
	return len(block)
}
