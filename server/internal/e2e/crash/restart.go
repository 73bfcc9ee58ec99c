package crash

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// RunRestarts restarts a server that inherits its port, as from systemd, while clients publish
// and subscribe, and judges what was acknowledged and received. It returns an error if the
// verifier fails; faults of the server are in the report.
func RunRestarts(ctx context.Context, c Config) (report *Report, err error) {
	c = c.withDefaults()
	c.inherit = !c.OwnPort
	begun := time.Now()
	s, w, err := begin(ctx, c, rand.New(rand.NewPCG(c.Seed, 1)))
	if err != nil {
		return nil, err
	}
	defer func() {
		err = errors.Join(err, s.kill())
		if s.socket != nil {
			err = errors.Join(err, s.socket.Close())
		}
	}()
	defer w.close()
	report = &Report{}
	if err := w.run(ctx, c, s, func() error { return w.restart(ctx, c, s, report) }); err != nil {
		return nil, err
	}
	refused := int(w.history.refusals.Load()) // before the judge kills the server
	if err := w.judge(ctx, c, s, report); err != nil {
		return nil, err
	}
	report.Refused = refused
	report.Errors = s.log.errorLines()
	report.Elapsed = time.Since(begun)
	return report, nil
}

// listeningFile returns a socket that listens on an address, for servers to inherit.
func listeningFile(address string) (*os.File, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	return l.(*net.TCPListener).File()
}

// restart restarts the server, each time after further acknowledgements, and measures how long
// the slowest send takes.
func (w *workload) restart(ctx context.Context, c Config, s *server, report *Report) error {
	p := &probe{client: w.reader, history: w.history, room: w.rooms[0]}
	probing, end := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer end()
	running.Go(func() { p.run(probing) })
	for range c.Restarts {
		if err := s.waitReady(ctx); err != nil {
			return err
		}
		w.awaitAcks(ctx)
		p.longest.Store(0)
		if err := errors.Join(s.stop(), s.start()); err != nil {
			return err
		}
		report.Stops++
		if err := s.waitReady(ctx); err != nil {
			return err
		}
		w.awaitAcks(ctx)
		report.Gaps = append(report.Gaps, time.Duration(p.longest.Load()))
	}
	return ctx.Err()
}

// probe sends one message after the other.
type probe struct {
	client  *protocolClient
	history *History
	room    string
	longest atomic.Int64 // how long the slowest one took, in nanoseconds
}

func (p *probe) run(ctx context.Context) {
	for i := 0; ctx.Err() == nil; i++ {
		id := fmt.Sprint("probe-", i)
		begun := time.Now()
		p.client.store(context.WithoutCancel(ctx), p.history, Send{Room: p.room, ID: id, Body: Body{Kind: Message, Text: id}})
		p.longest.Store(max(p.longest.Load(), int64(time.Since(begun))))
		wait(ctx, 2*time.Millisecond)
	}
}
