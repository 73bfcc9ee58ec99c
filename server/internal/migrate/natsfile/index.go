package natsfile

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// index is the content of index.db, which describes the blocks of the stream: as of when the
// server stopped, or of some minutes before it was killed.
type index struct {
	messages uint64
	last     uint64 // the newest sequence that was assigned
	blocks   map[uint32]indexBlock
	newest   uint32             // the newest block
	checksum [checksumSize]byte // of the last record in it
}

type indexBlock struct {
	first, last uint64 // the sequences of its messages
	deleted     bitmap // messages between them that were removed
}

const (
	indexName    = "index.db"
	indexMagic   = 11
	indexVersion = 4
)

var errIndex = errors.New("it is damaged, or of another version")

// readIndex returns nil if there is no index.
func readIndex(dir, stream string) (*index, error) {
	text, err := os.ReadFile(filepath.Join(dir, indexName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(text) < 2+checksumSize {
		return nil, errIndex
	}
	content, sum := text[:len(text)-checksumSize], text[len(text)-checksumSize:]
	h := keyedHash(stream)
	h.Write(content)
	if !bytes.Equal(h.Sum(nil), sum) || content[0] != indexMagic || content[1] != indexVersion {
		return nil, errIndex
	}
	return parseIndex(&reader{text: content[2:]})
}

func parseIndex(r *reader) (*index, error) {
	x := &index{blocks: make(map[uint32]indexBlock)}
	x.messages = r.unsigned()
	r.unsigned() // bytes
	r.unsigned() // the first sequence
	r.signed()   // its time
	x.last = r.unsigned()
	r.signed() // its time
	for subjects := r.unsigned(); subjects > 0 && r.err == nil; subjects-- {
		r.take(r.unsigned())
		r.unsigned() // messages
		r.unsigned() // the first block
		r.unsigned() // the last block
	}
	for blocks := r.unsigned(); blocks > 0 && r.err == nil; blocks-- {
		number := uint32(r.unsigned())
		var b indexBlock
		r.unsigned() // bytes
		b.first = r.unsigned()
		r.signed() // its time
		b.last = r.unsigned()
		r.signed() // its time
		deleted := r.unsigned()
		r.unsigned() // messages that expire
		r.unsigned() // messages that are scheduled
		if deleted > 0 {
			b.deleted = readBitmap(r)
		}
		x.blocks[number] = b
	}
	x.newest = uint32(r.unsigned())
	copy(x.checksum[:], r.take(checksumSize))
	return x, r.err
}

// deletes reports whether the index has a message of a block as removed.
func (x *index) deletes(block uint32, sequence uint64) bool {
	if x == nil {
		return false
	}
	b, known := x.blocks[block]
	return known && (sequence < b.first || b.deleted.has(sequence))
}

// reader reads numbers until the first error.
type reader struct {
	text []byte
	err  error
}

func (r *reader) take(n uint64) []byte {
	if r.err != nil || n > uint64(len(r.text)) {
		r.err = errIndex
		return nil
	}
	taken := r.text[:n]
	r.text = r.text[n:]
	return taken
}

func (r *reader) unsigned() uint64 {
	v, n := binary.Uvarint(r.text)
	r.take(uint64(max(n, 0)))
	if n <= 0 {
		r.err = errIndex
	}
	return v
}

func (r *reader) signed() int64 {
	v, n := binary.Varint(r.text)
	r.take(uint64(max(n, 0)))
	if n <= 0 {
		r.err = errIndex
	}
	return v
}

// bitmap is a set of sequences.
type bitmap []bitmapNode // by base

type bitmapNode struct {
	base uint64
	bits [bitmapWords]uint64
}

const (
	bitmapMagic   = 22
	bitmapVersion = 2
	bitmapWords   = 32
	bitmapSpan    = bitmapWords * 64 // sequences in a node
)

// readBitmap reads magic and version, the number of nodes (4 bytes), that of
// sequences (4), and of each node its base (8), its bits and its height in a tree (2).
func readBitmap(r *reader) bitmap {
	head := r.take(10)
	if r.err != nil || head[0] != bitmapMagic || head[1] != bitmapVersion {
		r.err = errIndex
		return nil
	}
	var set bitmap
	for nodes := binary.LittleEndian.Uint32(head[2:]); nodes > 0; nodes-- {
		text := r.take(8 + 8*bitmapWords + 2)
		if r.err != nil {
			return nil
		}
		n := bitmapNode{base: binary.LittleEndian.Uint64(text)}
		for i := range n.bits {
			n.bits[i] = binary.LittleEndian.Uint64(text[8+8*i:])
		}
		set = append(set, n)
	}
	slices.SortFunc(set, func(a, b bitmapNode) int { return cmp.Compare(a.base, b.base) })
	return set
}

func (s bitmap) has(sequence uint64) bool {
	i, found := slices.BinarySearchFunc(s, sequence, func(n bitmapNode, sequence uint64) int { return cmp.Compare(n.base, sequence) })
	if !found {
		i--
	}
	if i < 0 || sequence-s[i].base >= bitmapSpan {
		return false
	}
	bit := sequence - s[i].base
	return s[i].bits[bit/64]&(1<<(bit%64)) != 0
}
