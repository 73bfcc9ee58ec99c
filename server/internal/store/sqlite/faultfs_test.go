package sqlite

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// sector is how many bytes a power cut leaves whole or drops, at a multiple of it.
const sector = 512

// operation is what a file system is asked to do that changes a file.
type operation int

const (
	opCreate operation = iota
	opWrite
	opTruncate
	opSync
	opDelete
)

// disk is a VFS over the files of one directory. For each file it keeps what a
// power cut is sure to leave: what was synced. What was written after that, a cut
// leaves or drops by the sector, in any combination.
//
// Nothing is really synced.
type disk struct {
	dir string
	vfs string        // the name it is registered under
	off chan struct{} // closed when the power fails

	mu     sync.Mutex // guards below
	images map[string]*image
	ops    int
	failAt int    // the operation at which the power fails, 0 for none
	mark   []byte // the high-water mark when it failed, nil for none
	// fault is asked for each operation. An error is its outcome, and nothing is
	// changed, but for half of a write. It may be nil.
	fault func(op operation, file string) error
	// lies tells for which files Sync does nothing. It may be nil.
	lies func(file string) bool
}

// image is a file as the disk has it.
type image struct {
	synced   []byte
	linked   bool // the directory on disk has its name
	deleted  bool // but it was removed from the directory since
	unsynced []change
}

// change is a write, or a truncation when data is nil.
type change struct {
	at   int64
	data []byte
}

// newDisk registers a disk for a directory whose files are those of images.
func newDisk(t testing.TB, images map[string]*image) *disk {
	t.Helper()
	d := &disk{dir: t.TempDir(), off: make(chan struct{}), images: images}
	d.vfs = "disk:" + d.dir
	for name, i := range images {
		if i.deleted {
			continue
		}
		if err := os.WriteFile(filepath.Join(d.dir, name), i.written(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vfs.Register(d.vfs, d)
	t.Cleanup(func() { vfs.Unregister(d.vfs) })
	return d
}

// written returns the content of a file with all that was written.
func (i *image) written() []byte {
	content := bytes.Clone(i.synced)
	for _, c := range i.unsynced {
		content = c.apply(content)
	}
	return content
}

// apply returns a content after the change. Gaps are filled with zeros.
func (c change) apply(content []byte) []byte {
	end := c.at + int64(len(c.data))
	if grow := end - int64(len(content)); grow > 0 {
		content = append(content, make([]byte, grow)...)
	}
	if c.data == nil {
		return content[:c.at]
	}
	copy(content[c.at:], c.data)
	return content
}

// clone returns a copy that changes apart.
func (i *image) clone() *image {
	return &image{synced: bytes.Clone(i.synced), linked: i.linked, deleted: i.deleted, unsynced: slices.Clone(i.unsynced)}
}

// killed returns the files as the end of the process leaves them: the operating
// system has all that was written, and the disk may not.
func (d *disk) killed() map[string]*image {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := make(map[string]*image)
	for name, i := range d.images {
		left[name] = i.clone()
	}
	return left
}

// cut returns the files as a power cut leaves them.
func (d *disk) cut(random *rand.Rand) map[string]*image {
	d.mu.Lock()
	defer d.mu.Unlock()
	// How much of what was not synced is left.
	share := []float64{0, 0.5, 0.9, 1}[random.IntN(4)]
	inOrder := random.IntN(3) == 0
	left := make(map[string]*image)
	for name, i := range d.images {
		if (!i.linked || i.deleted) && random.IntN(2) == 0 {
			continue
		}
		left[name] = &image{synced: i.survivors(random, share, inOrder), linked: true}
	}
	return left
}

// dropped returns the files as a power cut leaves them that drops all it can, but
// no names.
func (d *disk) dropped() map[string]*image {
	d.mu.Lock()
	defer d.mu.Unlock()
	left := make(map[string]*image)
	for name, i := range d.images {
		left[name] = &image{synced: bytes.Clone(i.synced), linked: true}
	}
	return left
}

// survivors returns a content that a power cut may leave: with the oldest of the
// changes, or with any of them, torn.
func (i *image) survivors(random *rand.Rand, share float64, inOrder bool) []byte {
	content := bytes.Clone(i.synced)
	if inOrder && len(i.unsynced) > 0 {
		for _, c := range i.unsynced[:random.IntN(len(i.unsynced)+1)] {
			content = c.apply(content)
		}
		return content
	}
	for _, c := range i.unsynced {
		if c.data == nil {
			if random.Float64() < share {
				content = c.apply(content)
			}
			continue
		}
		for at := c.at; at < c.at+int64(len(c.data)); {
			end := min(at-at%sector+sector, c.at+int64(len(c.data)))
			if random.Float64() < share {
				content = change{at, c.data[at-c.at : end-c.at]}.apply(content)
			}
			at = end
		}
	}
	return content
}

// isOff tells whether the power has failed.
func (d *disk) isOff() bool {
	select {
	case <-d.off:
		return true
	default:
		return false
	}
}

// failAfter lets the power fail after so many operations.
func (d *disk) failAfter(ops int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failAt = d.ops + ops
}

// failNow lets the power fail, if it has not.
func (d *disk) failNow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failLocked()
}

func (d *disk) failLocked() {
	if d.isOff() {
		return
	}
	close(d.off)
	d.mark, _ = os.ReadFile(filepath.Join(d.dir, markName)) // there may be none
}

// stepLocked counts an operation and returns its outcome. last tells that the
// power fails now: the operation may have been begun.
func (d *disk) stepLocked(op operation, file string) (last bool, err error) {
	if d.isOff() {
		return false, sqlite3.IOERR
	}
	d.ops++
	if d.ops == d.failAt {
		d.failLocked()
		return true, sqlite3.IOERR
	}
	if d.fault != nil {
		return false, d.fault(op, file)
	}
	return false, nil
}

// linkLocked puts the names of the directory on disk.
func (d *disk) linkLocked() {
	for name, i := range d.images {
		if i.deleted {
			delete(d.images, name)
		}
		i.linked = true
	}
}

func system() vfs.VFSFilename { return vfs.Find("").(vfs.VFSFilename) }

// Open implements vfs.VFS.
func (d *disk) Open(string, vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return nil, 0, sqlite3.CANTOPEN // OpenFilename is called
}

// OpenFilename implements vfs.VFSFilename.
func (d *disk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	if name == nil {
		return system().OpenFilename(nil, flags)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	base := filepath.Base(name.String())
	i := d.images[base]
	if (i == nil || i.deleted) && flags&vfs.OPEN_CREATE != 0 {
		if _, err := d.stepLocked(opCreate, base); err != nil {
			return nil, flags, err
		}
		if i == nil {
			i = new(image)
			d.images[base] = i
		}
		i.deleted = false
	}
	f, flags, err := system().OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &diskFile{File: f, disk: d, base: base}, flags, nil
}

// Delete implements vfs.VFS.
func (d *disk) Delete(name string, syncDir bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	base := filepath.Base(name)
	if _, err := d.stepLocked(opDelete, base); err != nil {
		return err
	}
	if err := system().Delete(name, false); err != nil {
		return err
	}
	if i := d.images[base]; i != nil {
		i.deleted = true
		i.unsynced = append(i.unsynced, change{})
	}
	if syncDir {
		d.linkLocked()
	}
	return nil
}

// Access implements vfs.VFS.
func (d *disk) Access(name string, flags vfs.AccessFlag) (bool, error) {
	return system().Access(name, flags)
}

// FullPathname implements vfs.VFS.
func (d *disk) FullPathname(name string) (string, error) { return system().FullPathname(name) }

// diskFile is an open file of a disk.
type diskFile struct {
	vfs.File
	disk   *disk
	base   string
	synced bool // the first Sync syncs the directory
}

// imageLocked returns the file as the disk has it.
func (f *diskFile) imageLocked() *image {
	i := f.disk.images[f.base]
	if i == nil {
		i = new(image) // deleted while it is open
	}
	return i
}

// WriteAt implements io.WriterAt.
func (f *diskFile) WriteAt(p []byte, at int64) (int, error) {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	last, err := f.disk.stepLocked(opWrite, f.base)
	switch {
	case last:
	case f.disk.isOff():
		return 0, err
	case err != nil:
		p = p[:len(p)/2]
		fallthrough
	default:
		if _, failed := f.File.WriteAt(p, at); failed != nil {
			return 0, failed
		}
	}
	i := f.imageLocked()
	i.unsynced = append(i.unsynced, change{at, append([]byte{}, p...)})
	return len(p), err
}

// Truncate implements vfs.File.
func (f *diskFile) Truncate(size int64) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	last, err := f.disk.stepLocked(opTruncate, f.base)
	if err == nil {
		err = f.File.Truncate(size)
	}
	if err == nil || last {
		i := f.imageLocked()
		i.unsynced = append(i.unsynced, change{at: size})
	}
	return err
}

// Sync implements vfs.File.
func (f *diskFile) Sync(vfs.SyncFlag) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	if _, err := f.disk.stepLocked(opSync, f.base); err != nil {
		return err
	}
	if f.disk.lies != nil && f.disk.lies(f.base) {
		return nil
	}
	i := f.imageLocked()
	for _, c := range i.unsynced {
		i.synced = c.apply(i.synced)
	}
	i.unsynced = nil
	if f.base != fileName && !f.synced {
		f.synced = true
		f.disk.linkLocked()
	}
	return nil
}

// SharedMemory implements vfs.FileSharedMemory.
func (f *diskFile) SharedMemory() vfs.SharedMemory { return vfsutil.WrapSharedMemory(f.File) }

// LockState implements vfs.FileLockState.
func (f *diskFile) LockState() vfs.LockLevel { return vfsutil.WrapLockState(f.File) }

// PersistWAL implements vfs.FilePersistWAL.
func (f *diskFile) PersistWAL() bool { return vfsutil.WrapPersistWAL(f.File) }

// SetPersistWAL implements vfs.FilePersistWAL.
func (f *diskFile) SetPersistWAL(keep bool) { vfsutil.WrapSetPersistWAL(f.File, keep) }

// PowersafeOverwrite implements vfs.FilePowersafeOverwrite.
func (f *diskFile) PowersafeOverwrite() bool { return vfsutil.WrapPowersafeOverwrite(f.File) }

// SetPowersafeOverwrite implements vfs.FilePowersafeOverwrite.
func (f *diskFile) SetPowersafeOverwrite(psow bool) {
	vfsutil.WrapSetPowersafeOverwrite(f.File, psow)
}

// HasMoved implements vfs.FileHasMoved.
func (f *diskFile) HasMoved() (bool, error) { return vfsutil.WrapHasMoved(f.File) }
