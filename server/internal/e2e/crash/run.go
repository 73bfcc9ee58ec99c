package crash

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"
)

// Config is how hard, and for how long, to try. Program is required; the zero
// value of everything else works.
type Config struct {
	// Program is the server, as Build returns it.
	Program string
	// Args are further flags of the server.
	Args []string
	// Dir is where the servers' data goes. Empty means a temporary directory that
	// is removed at the end, unless there are faults.
	Dir string
	// Kills is the smallest number of kills. Zero means 20.
	Kills int
	// Duration is how long to go on killing, beyond Kills. Zero means no longer.
	Duration time.Duration
	// Seed makes the choices. Their timing is never the same twice.
	Seed uint64
	// Rooms is how many rooms there are. Zero means 4.
	Rooms int
	// Publishers is the number of publishers on each protocol, and of clients on Chat.
	// Zero means 6: together enough for the server to store in batches.
	Publishers int
	// Settle is how long readers may take to catch up at the end: what they have not
	// seen by then is lost. Zero means 60 s.
	Settle time.Duration
	// Backups is how many backups RunBackups makes. Zero means 2.
	Backups int
	// Restarts is how often RunRestarts restarts the server. Zero means 3.
	Restarts int
	// OwnPort is a planted fault: the server of RunRestarts opens its port itself.
	OwnPort bool
	// JudgeLate is a planted fault: backups are judged by what was acknowledged after them,
	// too.
	JudgeLate bool
	// Export makes RunBackups export and import the rooms instead.
	Export bool
	// DropKind is a planted fault: an event of this kind is removed from each export, which
	// stays valid otherwise.
	DropKind BodyKind
	inherit  bool // the server inherits its port
	// Log receives the progress. Nil discards it.
	Log io.Writer
}

// Report is what came of it.
type Report struct {
	Kills     int             // of these,
	Early     int             // before the server was ready
	Stops     int             // with SIGTERM, besides
	Acks      int             // acknowledgements of sends; of these,
	Edits     int             // of edits, and
	Deletions int             // of deletions
	Events    int             // in the logs at the end
	Sightings int             // events that readers saw
	Scans     int             // searches of all files for deleted texts
	Checks    int             // how often the server's own check of the store was run
	Backups   int             // that were restored, and judged
	Meanwhile int             // acknowledgements while backups were made
	Refused   int             // connections, as nothing listened
	Gaps      []time.Duration // how long the slowest send took in each restart of RunRestarts
	Resumes   int             // streams opened and pages asked for again
	Elapsed   time.Duration
	Faults    []Fault
	Errors    []string // that servers logged
}

func (r *Report) String() string {
	return fmt.Sprintf("%d kills (%d before the server was ready) and %d stops, %d acknowledgements (%d edits, %d deletions), %d events, %d sightings, %d resumes, %d scans, %d checks of the store and %d backups in %v: %d faults, %d errors logged",
		r.Kills, r.Early, r.Stops, r.Acks, r.Edits, r.Deletions, r.Events, r.Sightings, r.Resumes, r.Scans, r.Checks, r.Backups, r.Elapsed.Round(10*time.Millisecond), len(r.Faults), len(r.Errors))
}

func (c Config) withDefaults() Config {
	c.Kills = cmp.Or(c.Kills, 20)
	c.Rooms = cmp.Or(c.Rooms, 4)
	c.Publishers = cmp.Or(c.Publishers, 6)
	c.Settle = cmp.Or(c.Settle, 60*time.Second)
	c.Backups = cmp.Or(c.Backups, 2)
	c.Restarts = cmp.Or(c.Restarts, 3)
	if c.Log == nil {
		c.Log = io.Discard
	}
	return c
}

// Run runs the verifier. It returns an error if the verifier fails; faults of the server
// are in the report. When ctx ends early, Run stops killing, and judges.
func Run(ctx context.Context, c Config) (report *Report, err error) {
	c = c.withDefaults()
	begun := time.Now()
	random := rand.New(rand.NewPCG(c.Seed, 1))
	fmt.Fprintf(c.Log, "seed %d\n", c.Seed)
	if c.Dir == "" {
		if c.Dir, err = os.MkdirTemp("", "chatroom-crash-"); err != nil {
			return nil, err
		}
		defer func() {
			if err == nil && len(report.Faults) == 0 {
				err = os.RemoveAll(c.Dir)
			}
		}()
	}
	s, workload, err := begin(ctx, c, random)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.kill()) }()
	defer workload.close()
	report = &Report{}
	kill := func() error { return killRepeatedly(ctx, c, s, random, workload.history, report) }
	if err := workload.run(ctx, c, s, kill); err != nil {
		return nil, err
	}
	if err := workload.judge(ctx, c, s, report); err != nil {
		return nil, err
	}
	report.Errors = s.log.errorLines()
	report.Elapsed = time.Since(begun)
	return report, nil
}

// begin starts a server, and creates its clients.
func begin(ctx context.Context, c Config, random *rand.Rand) (_ *server, _ *workload, err error) {
	address, err := freeAddress(random)
	if err != nil {
		return nil, nil, err
	}
	s := &server{program: c.Program, args: c.serverArgs(address)}
	if c.inherit {
		if s.socket, err = listeningFile(address); err != nil {
			return nil, nil, err
		}
	}
	if err := s.start(); err != nil {
		return nil, nil, err
	}
	err = s.waitReady(ctx)
	var w *workload
	if err == nil {
		w, err = newWorkload(ctx, c, address, random)
	}
	if err != nil {
		return nil, nil, errors.Join(err, s.kill())
	}
	return s, w, nil
}

// serverArgs are the flags of a server on Dir.
func (c Config) serverArgs(address string) []string {
	return append([]string{
		"-listen", address, "-data", c.Dir, "-heartbeat", "1s", "-drain", "500ms", "-limits", "off",
	}, c.Args...)
}

// run runs the clients while the server goes through something, and lets them settle.
func (w *workload) run(ctx context.Context, c Config, s *server, meanwhile func() error) error {
	// What is under way is finished, even if ctx has ended.
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := make(chan struct{})
	stopTalking := sync.OnceFunc(func() { close(stop) })
	var publishing, reading sync.WaitGroup
	defer reading.Wait()
	defer publishing.Wait()
	defer end()
	defer stopTalking()
	w.start(running, stop, &publishing, &reading)

	if err := meanwhile(); err != nil {
		return err
	}
	if err := s.waitReady(running); err != nil {
		return err
	}
	settling, cancel := context.WithTimeout(running, c.Settle)
	defer cancel()
	defer context.AfterFunc(settling, end)()
	stopTalking()
	publishing.Wait()
	return w.settle(settling)
}

// judge kills the server once more, since what readers have seen must be there after
// another crash, and compares.
func (w *workload) judge(ctx context.Context, c Config, s *server, report *Report) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*readyTimeout)
	defer cancel()
	if err := errors.Join(s.kill(), s.start()); err != nil {
		return err
	}
	report.Kills++
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	log, err := readLog(ctx, w.reader, w.rooms)
	if err != nil {
		return err
	}
	if c.onDisk() {
		if err := w.history.scan(c.Dir, true); err != nil {
			return err
		}
		if err := w.history.check(ctx, s, c.Dir, report); err != nil {
			return err
		}
	}
	w.history.count(report)
	report.Events, report.Resumes = len(log), w.resumes()
	report.Faults = w.history.judge(log)
	return nil
}

// onDisk reports whether the servers keep their data in Dir.
func (c Config) onDisk() bool { return !slices.Contains(c.Args, "memory") }

// killRepeatedly kills the server and starts it again. Some kills come before the server is
// ready, while it reads what the last one left; others come during a burst. Some are a stop
// with SIGTERM, as by an operator.
func killRepeatedly(ctx context.Context, c Config, s *server, random *rand.Rand, h *History, report *Report) error {
	begun := time.Now()
	for report.Kills < c.Kills || time.Since(begun) < c.Duration {
		chance := random.IntN(20)
		if chance < 4 && report.Kills > 0 {
			report.Early++
			wait(ctx, time.Duration(random.IntN(100))*time.Millisecond)
		} else if err := awaitMoment(ctx, s, random, h, chance < 12); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return nil
		}
		if chance == 19 {
			report.Stops++
			if err := s.stop(); err != nil {
				return err
			}
		} else {
			report.Kills++
			if err := s.kill(); err != nil {
				return err
			}
		}
		if err := inspect(ctx, c, s, h, report, begun); err != nil {
			return err
		}
		wait(ctx, time.Duration(random.IntN(50))*time.Millisecond)
		if err := s.start(); err != nil {
			return err
		}
	}
	return nil
}

// awaitMoment waits until the server is to be killed: for a random time, or for the
// middle of a burst.
func awaitMoment(ctx context.Context, s *server, random *rand.Rand, h *History, burst bool) error {
	if err := s.waitReady(ctx); err != nil {
		return err
	}
	wait(ctx, time.Duration(150+random.IntN(250))*time.Millisecond)
	if !burst {
		return nil
	}
	select {
	case <-h.bursts: // one of before
	default:
	}
	patience := time.NewTimer(250 * time.Millisecond)
	defer patience.Stop()
	select {
	case <-h.bursts:
		wait(ctx, time.Duration(random.IntN(12_000))*time.Microsecond)
	case <-patience.C:
	case <-ctx.Done():
	}
	return nil
}
