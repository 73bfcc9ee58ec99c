package policy

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"
)

// File is a policy file that an Evaluator follows.
type File struct {
	path      string
	evaluator *Evaluator

	data []byte // that was read last; nil before the first
	err  error  // what is wrong with it
}

// OpenFile reads a policy file and has the evaluator decide by it. The error names what
// is wrong in the file.
func OpenFile(path string, e *Evaluator) (*File, error) {
	f := &File{path: path, evaluator: e}
	if _, err := f.Reload(); err != nil {
		return nil, err
	}
	return f, nil
}

// Reload reads the file again and exchanges the policy if the file has changed. While
// the file is missing or wrong the former policy stays in force. Reload and Follow must
// not run at the same time.
func (f *File) Reload() (changed bool, err error) {
	data, err := read(f.path)
	if err != nil {
		return false, fmt.Errorf("read the policy: %w", err)
	}
	if f.data != nil && bytes.Equal(data, f.data) {
		return false, f.err
	}
	f.data = data
	p, err := Parse(f.path, data)
	if err != nil {
		f.err = fmt.Errorf("read the policy: %w", err)
		return false, f.err
	}
	f.err = nil
	f.evaluator.SetPolicy(p)
	return true, nil
}

// Follow reloads the file at an interval until ctx ends. It calls report with nil for
// each policy that came into force, also for the former one after an error, and with an error when one begins. Contents are
// compared, so that a file that was exchanged by a link or has an older time is noticed.
func (f *File) Follow(ctx context.Context, interval time.Duration, report func(error)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	former := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		changed, err := f.Reload()
		if changed || err == nil && former != "" {
			report(nil)
		}
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if problem != "" && problem != former {
			report(err)
		}
		former = problem
	}
}

// read returns the content of a file, and one byte more than Parse takes of a larger
// one.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if data == nil {
		data = []byte{}
	}
	return data, err
}
