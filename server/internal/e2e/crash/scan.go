package crash

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// textWord matches the first word of each text that a publisher sends.
var textWord = regexp.MustCompile(`text-[0-9a-f]{16}`)

// scan searches all files of the servers' data. A server may use them meanwhile.
func (h *History) scan(dir string, final bool) error {
	s := Scan{Began: h.now(), Final: final, Found: make(map[string]string)}
	files := make(map[string]string) // of each word
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			for _, word := range textWord.FindAll(text, -1) {
				files[string(word)] = path
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was removed meanwhile
		}
		return err
	})
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Texts = len(files)
	for word, path := range files {
		if h.deleting[word] {
			s.Found[word] = path
		}
	}
	h.record.Scans = append(h.record.Scans, s)
	return nil
}
