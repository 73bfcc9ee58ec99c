package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	enoughAcks = 200 // acknowledgements before each backup, and around each restart
	sendsAfter = 10  // in each room, to a restored server
)

// backup is a backup that was made of a server with clients.
type backup struct {
	file  string
	began Tick // what was acknowledged by then is in it
	// shifts are how much greater sequences are where the rooms of an export were imported.
	shifts map[string]uint64
}

// RunBackups makes backups, or with Config.Export exports, of a server while clients publish, edit, delete and react, then
// restores each one elsewhere, sends more there, and judges what is in it. The server's files
// and the backups go to Dir. It returns an error if the verifier fails; faults of the server
// are in the report.
func RunBackups(ctx context.Context, c Config) (report *Report, err error) {
	c = c.withDefaults()
	begun := time.Now()
	base := c.Dir
	c.Dir = filepath.Join(base, "data")
	s, w, err := begin(ctx, c, rand.New(rand.NewPCG(c.Seed, 1)))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	defer w.close()
	report = &Report{}
	var backups []backup
	err = w.run(ctx, c, s, func() (err error) {
		backups, err = w.backUp(ctx, c, s, base, report)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := w.judge(ctx, c, s, report); err != nil {
		return nil, err
	}
	for i, b := range backups {
		c.Dir = filepath.Join(base, fmt.Sprint("restored-", i))
		if !w.history.restore(ctx, c, s, &b) {
			continue
		}
		if err := s.kill(); err != nil {
			return nil, err
		}
		s.args = c.serverArgs(w.address)
		faults, err := w.judgeRestored(ctx, c, s, b, fmt.Sprintf("restored-%d-", i))
		if err != nil {
			return nil, err
		}
		report.Backups++
		report.Faults = append(report.Faults, faults...)
	}
	report.Faults = append(report.Faults, w.history.takeFaults()...)
	report.Errors = s.log.errorLines()
	report.Elapsed = time.Since(begun)
	return report, nil
}

// backUp makes backups, each after further acknowledgements.
func (w *workload) backUp(ctx context.Context, c Config, s *server, dir string, report *Report) ([]backup, error) {
	if err := s.waitReady(ctx); err != nil {
		return nil, err
	}
	var backups []backup
	for i := range c.Backups {
		w.awaitAcks(ctx)
		b := backup{file: filepath.Join(dir, fmt.Sprint("backup-", i)), began: w.history.now()}
		before := w.history.ackedCount()
		command := "backup"
		if c.Export {
			command = "export"
		}
		if _, ok := w.history.command(ctx, s, command, "-data", c.Dir, b.file); !ok {
			continue
		}
		report.Meanwhile += w.history.ackedCount() - before
		if c.JudgeLate {
			w.awaitAcks(ctx)
			b.began = w.history.now()
		}
		if !c.Export {
			w.history.command(ctx, s, "verify", b.file)
		}
		if c.DropKind != "" {
			if err := dropLine(b.file, c.DropKind); err != nil {
				return nil, err
			}
		}
		backups = append(backups, b)
	}
	return backups, ctx.Err()
}

// awaitAcks waits for enough further acknowledgements.
func (w *workload) awaitAcks(ctx context.Context) {
	n := w.history.ackedCount() + enoughAcks
	for w.history.ackedCount() < n && ctx.Err() == nil {
		wait(ctx, 5*time.Millisecond)
	}
}

// restore restores a backup, or imports an export, into Config.Dir.
func (h *History) restore(ctx context.Context, c Config, s *server, b *backup) bool {
	if !c.Export {
		_, ok := h.command(ctx, s, "restore", b.file, "-data", c.Dir)
		return ok
	}
	out, ok := h.command(ctx, s, "import", b.file, "-data", c.Dir)
	b.shifts = shiftsIn(out)
	return ok
}

// command runs a command of the server's program, and notes a fault if it fails.
func (h *History) command(ctx context.Context, s *server, args ...string) (out string, ok bool) {
	command := exec.CommandContext(ctx, s.program, args...)
	text, err := command.CombinedOutput()
	if err != nil {
		h.addFault(Fault{Damaged, fmt.Sprintf("%v: %v\n%s", command, err, text)})
	}
	return string(text), err == nil
}

// judgeRestored starts a server on what was restored from a backup, sends more events, whose
// ids have a prefix, and judges what is there then.
func (w *workload) judgeRestored(ctx context.Context, c Config, s *server, b backup, prefix string) ([]Fault, error) {
	if err := s.start(); err != nil {
		return nil, err
	}
	if err := s.waitReady(ctx); err != nil {
		return nil, err
	}
	for _, room := range w.rooms {
		for i := range sendsAfter {
			id := fmt.Sprint(prefix, room, "-", i)
			if _, stored := w.reader.store(ctx, w.history, Send{Room: room, ID: id, Body: Body{Kind: Message, Text: id}}); !stored {
				return nil, fmt.Errorf("%s was not stored by a restored server: %w", id, context.Cause(ctx))
			}
		}
	}
	log, err := readLog(ctx, w.reader, w.rooms)
	if err != nil {
		return nil, err
	}
	w.history.command(ctx, s, "verify", "-data", c.Dir)
	return w.history.judgeBackup(log, b, prefix, w.epoch), nil
}

// judgeBackup compares the log of a restored server with what was acknowledged before the
// backup began, and by the restored server. The epoch is that of the server that was backed up.
func (h *History) judgeBackup(log []Event, b backup, prefix, epoch string) (faults []Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := Record{Log: log, Sends: h.record.Sends}
	restored := ""
	if len(log) > 0 {
		restored = log[0].Epoch
	}
	if restored == epoch {
		faults = append(faults, Fault{NewEpoch, b.file + ": what was restored has the epoch of what was backed up"})
	}
	for i := range r.Log {
		b.unshift(&r.Log[i])
	}
	for _, a := range h.record.Acks {
		switch {
		case strings.HasPrefix(a.ID, prefix):
			a.Sequence -= b.shifts[a.Room]
		case a.At < b.began && a.Epoch == epoch:
			a.Epoch = restored
		default:
			continue
		}
		r.Acks = append(r.Acks, a)
	}
	for _, f := range Verify(r) {
		f.Detail = b.file + ": " + f.Detail
		faults = append(faults, f)
	}
	return faults
}
