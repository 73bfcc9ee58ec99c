package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// OpenCopy copies the store of a directory, which may be in use, as of one moment into another
// directory, which is empty, verifies the copy, and opens it. There is no store if anything is
// wrong: that is in Report.Findings, as for Verify, or in the error. The caller removes the
// directory.
func OpenCopy(ctx context.Context, dir, to string) (s *Store, report Report, err error) {
	fail := func(err error) (*Store, Report, error) {
		return nil, report, fmt.Errorf("sqlite: copy: %w", causeOf(ctx, err))
	}
	from, err := filepath.Abs(dir)
	path, err2 := filepath.Abs(to)
	if err := errors.Join(err, err2); err != nil {
		return fail(err)
	}
	had, err := readMark(from) // before the copy, which is not older than it then
	if err != nil {
		return fail(err)
	}
	v := &verifier{ctx: ctx, had: had, noMark: had == nil}
	err = v.run(filepath.Join(from, fileName), filepath.Join(path, fileName))
	if report = v.report; err != nil {
		return fail(withSpace(path, err))
	}
	if len(report.Findings) > 0 {
		return nil, report, nil
	}
	c := withoutLimits(path)
	c.NoFsync = true
	if s, err = Open(ctx, c); err != nil {
		return fail(err)
	}
	return s, report, nil
}
