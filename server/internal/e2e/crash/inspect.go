package crash

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

const (
	scanEvery  = 3  // kills
	checkEvery = 10 // kills
)

// inspect looks into the files that a server has left, now and then.
func inspect(ctx context.Context, c Config, s *server, h *History, report *Report, begun time.Time) error {
	if report.Kills%checkEvery == 0 {
		fmt.Fprintf(c.Log, "%v: %d kills, %d acknowledgements\n", time.Since(begun).Round(time.Millisecond), report.Kills, h.ackedCount())
	}
	if !c.onDisk() {
		return nil
	}
	if report.Kills%scanEvery == 0 {
		if err := h.scan(c.Dir, false); err != nil {
			return fmt.Errorf("search the files: %w", err)
		}
	}
	if report.Kills%checkEvery != 0 {
		return nil
	}
	// The next server writes while it is checked.
	if err := s.start(); err != nil {
		return err
	}
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	if err := h.check(ctx, s, c.Dir, report); err != nil {
		return err
	}
	report.Kills++
	return s.kill()
}

// check has the server's own command verify a data directory that is in use.
func (h *History) check(ctx context.Context, s *server, dir string, report *Report) error {
	report.Checks++
	verify := exec.CommandContext(ctx, s.program, "verify", "-data", dir)
	out, err := verify.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); ended && ctx.Err() == nil {
		h.addFault(Fault{Damaged, fmt.Sprintf("%v: %v\n%s", verify, err, out)})
		return nil
	}
	return err
}
