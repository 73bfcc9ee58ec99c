// Package goclient drives the Go client in the conformance kit.
package goclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"sync"

	"connectrpc.com/connect"

	"chatroom/client"
	"chatroom/server/internal/conformance/driver"
)

// Config is which client to drive. The zero value is the one that programs get by default.
type Config struct {
	Transport client.Transport
	HTTP1     bool
	Options   []connect.ClientOption
	HTTP      *http.Client
}

// app is the application: it follows rooms and sends.
type app struct {
	config  Config
	report  *driver.Reporter
	client  *client.Client
	feed    *client.Feed
	hangAt  driver.Sequence
	running sync.WaitGroup

	mu    sync.Mutex // guards below
	token string
}

// Run is the driver: it carries out the commands of in until it ends, and reports to out.
func Run(ctx context.Context, in io.Reader, out io.Writer, config Config) (err error) {
	a := &app{config: config, report: driver.NewReporter(out)}
	ctx, cancel := context.WithCancel(ctx)
	defer a.running.Wait()
	defer func() {
		if a.client != nil {
			err = errors.Join(err, closed(ctx, a.client))
		}
		cancel()
	}()
	a.report.Report(driver.Report{Report: driver.Ready, Client: "the Go client"})
	return driver.Commands(in, func(c driver.Command) error {
		switch c.Command {
		case driver.Connect:
			return a.connect(ctx, c)
		case driver.Join:
			return a.feed.Join(client.Resume(client.Live(c.Room)))
		case driver.Send:
			return a.send(ctx, c)
		case driver.Token:
			a.mu.Lock()
			a.token = c.Token
			a.mu.Unlock()
			a.report.Report(driver.Report{Report: driver.NewToken, Token: c.Token})
		}
		return nil
	})
}

// closed closes the client. That sends are left in its outbox is not an error of the driver.
func closed(ctx context.Context, c *client.Client) error {
	err := c.Close(ctx)
	if _, unsent := errors.AsType[*client.UnsentError](err); unsent {
		return nil
	}
	return err
}

func (a *app) connect(ctx context.Context, c driver.Command) error {
	a.token, a.hangAt = c.Token, c.HangAt
	cursors, err := client.OpenFileCursors(filepath.Join(c.Store, "cursors.json"))
	if err != nil {
		return err
	}
	a.client, err = client.New(client.Config{
		URL: c.URL, Cursors: cursors,
		Token: client.TokenFunc(func(context.Context) (string, error) {
			a.mu.Lock()
			defer a.mu.Unlock()
			return a.token, nil
		}),
		Transport: a.config.Transport, HTTP1: a.config.HTTP1, HTTP: a.config.HTTP, Options: a.config.Options,
	})
	if err != nil {
		return err
	}
	a.feed = a.client.Follow()
	for _, room := range c.Rooms {
		if err := a.feed.Join(client.Resume(client.Live(room))); err != nil {
			return err
		}
	}
	a.running.Go(func() { a.follow(ctx) })
	return nil
}

func (a *app) follow(ctx context.Context) {
	for e, err := range a.feed.Events(ctx) {
		switch {
		case errors.Is(err, client.ErrClosed), ctx.Err() != nil:
			return
		case err != nil:
			a.report.Report(driver.Report{Report: driver.Status, Status: status(err), Message: err.Error()})
		case e.Reset != nil:
			a.report.Report(driver.Report{Report: driver.Reset, Room: e.GetRoom()})
		case e.GetMessage() == nil:
		case driver.Sequence(e.GetSequence()) == a.hangAt:
			a.report.Report(driver.Report{Report: driver.Handling, Room: e.GetRoom(), Sequence: a.hangAt})
			<-ctx.Done()
			return
		default:
			a.report.Report(driver.Report{
				Report: driver.Event, Room: e.GetRoom(), Sequence: driver.Sequence(e.GetSequence()), Text: e.GetMessage().GetText(),
			})
		}
	}
}

func status(err error) string {
	if connect.CodeOf(err) == connect.CodeUnauthenticated {
		return driver.StatusRefused
	}
	return "failed"
}

func (a *app) send(ctx context.Context, c driver.Command) error {
	sending, err := a.client.Enqueue(c.Room, client.Text(c.Text))
	if err != nil {
		return err
	}
	a.running.Go(func() {
		receipt, err := sending.Wait(ctx)
		switch {
		case err == nil:
			a.report.Report(driver.Report{Report: driver.Sent, Ref: c.Ref, Sequence: driver.Sequence(receipt.Sequence)})
		case ctx.Err() == nil:
			a.report.Report(driver.Report{Report: driver.Failed, Ref: c.Ref, Code: connect.CodeOf(err).String(), Message: err.Error()})
		}
	})
	return nil
}
