package kit

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"chatroom/server/internal/conformance/driver"
)

const (
	// patience is how long a scenario waits for what a client should do soon.
	patience = 15 * time.Second
	// startPatience is how long a driver may take to be ready.
	startPatience = 45 * time.Second
	// longPatience is how long it waits for a client to notice that a connection is dead.
	longPatience = 35 * time.Second
	// early is how much too early a timer may fire: those of JavaScript round.
	early = 20 * time.Millisecond
)

// Result is the result of one scenario.
type Result struct {
	Scenario Scenario
	Problems []string // what the client did wrong; empty if it passed
	Skipped  string   // why the scenario was not run; empty if it was
	Took     time.Duration
}

// Config configures Run.
type Config struct {
	Client    Client
	Scenarios []Scenario // which to run. Nil means all.
	Network   Network
	Parallel  int // how many scenarios run at the same time. Zero means 12.
	// Report is called with each result as soon as it is known. It may be nil.
	Report func(Result)
}

// Run runs scenarios, and returns their results by name.
func Run(ctx context.Context, c Config) []Result {
	if c.Scenarios == nil {
		c.Scenarios = Scenarios()
	}
	if c.Parallel == 0 {
		c.Parallel = 12
	}
	scenarios := slices.Clone(c.Scenarios)
	slices.SortStableFunc(scenarios, func(a, b Scenario) int { return b.weight - a.weight })
	results := make([]Result, len(scenarios))
	slots := make(chan struct{}, c.Parallel)
	var running sync.WaitGroup
	var reporting sync.Mutex
	for i, scenario := range scenarios {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i] = runOne(ctx, c, scenario)
			if c.Report != nil {
				reporting.Lock()
				defer reporting.Unlock()
				c.Report(results[i])
			}
		})
	}
	running.Wait()
	slices.SortFunc(results, func(a, b Result) int { return strings.Compare(a.Scenario.Name, b.Scenario.Name) })
	return results
}

// run is a scenario with a client. The monitor guards the second group.
type run struct {
	*server
	ctx     context.Context
	client  Client
	store   string // a directory
	process *Process
	reading sync.WaitGroup

	ready    *driver.Report
	views    map[string]*view
	sends    map[string]*sending
	order    []string // refs
	handling map[driver.Sequence]bool
	tokens   map[string]bool
	refusals int    // reports of StatusRefused
	ended    string // how the driver has ended; empty while it runs
	expected int    // streams
	killed   bool
	problems []string
	skipped  string
}

// sending is a send that the client was told to do.
type sending struct {
	room, text string
	report     *driver.Report // Sent or Failed
}

// runOne runs a scenario in a goroutine of its own, which fail ends.
func runOne(ctx context.Context, c Config, scenario Scenario) (result Result) {
	begun := time.Now()
	result = Result{Scenario: scenario}
	defer func() { result.Took = time.Since(begun) }()
	store, err := os.MkdirTemp("", "conformance-")
	if err == nil {
		defer func() { _ = os.RemoveAll(store) }()
		store, err = filepath.Abs(store)
	}
	if err != nil {
		result.Problems = []string{err.Error()}
		return result
	}
	s, err := newServer(newMonitor(), c.Network)
	if err != nil {
		result.Problems = []string{err.Error()}
		return result
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{
		server: s, ctx: ctx, client: c.Client, store: store, expected: 1,
		views: make(map[string]*view), sends: make(map[string]*sending),
		handling: make(map[driver.Sequence]bool), tokens: make(map[string]bool),
	}
	var running sync.WaitGroup
	running.Go(func() {
		defer s.close()
		defer r.kill()
		r.start()
		if reason, ok := r.ready.Cannot[scenario.needs]; ok && scenario.needs != "" {
			r.skipped = reason
			return
		}
		scenario.run(r)
		if !scenario.ends {
			r.finish()
		}
		r.stop()
	})
	running.Wait()
	result.Problems, result.Skipped = r.problems, r.skipped
	return result
}

// problem notes what the client did wrong, once.
func (r *run) problem(format string, a ...any) {
	r.do(func() { r.problemLocked(fmt.Sprintf(format, a...)) })
}

// maxProblems is how many are noted. A client that is wrong may be so a thousand times.
const maxProblems = 5

func (r *run) problemLocked(p string) {
	if p != "" && len(r.problems) < maxProblems && !slices.Contains(r.problems, p) {
		r.problems = append(r.problems, p)
	}
}

// fail notes what the client did wrong, and ends the scenario.
func (r *run) fail(format string, a ...any) {
	r.problem(format, a...)
	runtime.Goexit()
}

// check ends the scenario if the client did anything wrong.
func (r *run) check() {
	r.mu.Lock()
	wrong := len(r.problems) > 0
	r.mu.Unlock()
	if wrong {
		runtime.Goexit()
	}
}

// until waits for a condition. It returns whether it became true, and ends the scenario if
// the client did anything wrong or has ended.
func (r *run) until(d time.Duration, condition func() bool) bool {
	var ok bool
	r.wait(r.ctx, d, func() bool {
		ok = condition()
		return ok || len(r.problems) > 0 || r.ended != ""
	})
	r.check()
	if !ok && r.ended != "" {
		r.fail("the driver has ended in the middle of the scenario: %s", r.ended)
	}
	return ok
}

// pause lets time pass in which the client may do something wrong.
func (r *run) pause(d time.Duration) { r.until(d, func() bool { return false }) }

// start starts the driver, and waits until it is ready.
func (r *run) start() {
	process, err := r.client()
	if err != nil {
		r.fail("the driver can't be started: %v", err)
	}
	r.process, r.ready = process, nil
	r.do(func() { r.ended, r.killed = "", false })
	r.reading.Go(func() { r.read(process) })
	if !r.until(startPatience, func() bool { return r.ready != nil }) {
		r.fail("the driver did not report that it is ready within %v", startPatience)
	}
}

// read notes what the driver reports until it ends.
func (r *run) read(process *Process) {
	lines := bufio.NewScanner(process.output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var report driver.Report
		if err := json.Unmarshal(lines.Bytes(), &report); err != nil {
			if r.isKilled() {
				return
			}
			r.problem("the driver has written a line that is no report: %.200q: %v", lines.Text(), err)
			continue
		}
		r.do(func() { r.note(report) })
	}
	err := errors.Join(lines.Err(), process.wait())
	r.do(func() {
		r.ended = "status 0"
		if err != nil {
			r.ended = fmt.Sprintf("%v\n%v", err, process.errors)
		}
	})
}

func (r *run) isKilled() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.killed
}

// note notes a report. The caller holds the monitor.
func (r *run) note(report driver.Report) {
	switch report.Report {
	case driver.Ready:
		r.ready = &report
	case driver.Event:
		r.problemLocked(r.view(report.Room).event(r.room(report.Room), uint64(report.Sequence), report.Text))
	case driver.Reset:
		r.problemLocked(r.view(report.Room).reset(r.room(report.Room)))
	case driver.Handling:
		r.handling[report.Sequence] = true
	case driver.Sent, driver.Failed:
		s := r.sends[report.Ref]
		switch {
		case s == nil:
			r.problemLocked(fmt.Sprintf("the driver reported the send %q, which it was not told to do", report.Ref))
		case s.report != nil:
			r.problemLocked(fmt.Sprintf("the client reported the outcome of one send twice: %s, then %s", s.report.Report, report.Report))
		default:
			s.report = &report
		}
	case driver.NewToken:
		r.tokens[report.Token] = true
	case driver.Status:
		if report.Status == driver.StatusRefused {
			r.refusals++
		}
	default:
		r.problemLocked(fmt.Sprintf("the driver has written a report of the unknown kind %q", report.Report))
	}
}

// view returns what the application has seen of a room. The caller holds the monitor.
func (r *run) view(name string) *view {
	v := r.views[name]
	if v == nil {
		v = newView()
		r.views[name] = v
	}
	return v
}

// command sends a command to the driver.
func (r *run) command(c driver.Command) {
	line, err := json.Marshal(c)
	if err != nil {
		panic(err) // a Command can always be encoded
	}
	if _, err := r.process.input.Write(append(line, '\n')); err != nil {
		r.until(patience, func() bool { return false }) // the driver has ended
		r.fail("the driver does not read its input: %v", err)
	}
}

// finish ends a scenario: one more event in each room reaches the application, the client
// has opened no more streams than it needs, and follows its rooms by one of them.
func (r *run) finish() {
	r.mu.Lock()
	rooms := slices.Sorted(maps.Keys(r.views))
	r.mu.Unlock()
	for _, name := range rooms {
		r.publish(name, 1)
	}
	r.await()
	r.mu.Lock()
	streams := len(r.streams)
	r.mu.Unlock()
	if streams > r.expected+2 {
		r.problem("the client opened %d streams where %d are enough", streams, r.expected)
	}
	if !r.until(patience/2, func() bool { return r.openStreams() <= 1 }) {
		r.problem("the client follows its rooms by several streams: one carries up to 100 rooms")
	}
	r.check()
}

// openStreams returns how many streams are open. The caller holds the monitor.
func (r *run) openStreams() int {
	n := 0
	for _, st := range r.streams {
		st.conn.mu.Lock()
		if st.open() && !st.conn.black {
			n++
		}
		st.conn.mu.Unlock()
	}
	return n
}

// stop tells the driver to close the client and to end.
func (r *run) stop() {
	r.command(driver.Command{Command: driver.Close})
	r.wait(r.ctx, patience, func() bool { return r.ended != "" })
	switch r.ended {
	case "":
		r.problem("the driver did not end within %v after close", patience)
	case "status 0":
	default:
		r.problem("the driver has ended with an error after close: %s", r.ended)
	}
}

// kill ends the driver, if it runs.
func (r *run) kill() {
	if r.process == nil {
		return
	}
	r.do(func() { r.killed = true })
	_ = r.process.input.Close()
	r.process.kill()
	r.reading.Wait()
}
