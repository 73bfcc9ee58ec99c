package jetstream

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startTimeout bounds how long the embedded server may take to read its files.
const startTimeout = time.Minute

// embed starts a server without a port, and connects to it in the process.
func embed(c Config, options ...nats.Option) (*server.Server, *nats.Conn, error) {
	if err := checkWritable(c.Dir); err != nil {
		return nil, nil, fmt.Errorf("keep events in %s: %w", c.Dir, err)
	}
	s, err := server.NewServer(&server.Options{
		ServerName: "chatroom",
		DontListen: true,
		JetStream:  true,
		StoreDir:   c.Dir,
		// The default, three quarters of what is free, refuses a stream that may
		// become larger some day.
		JetStreamMaxStore: math.MaxInt64 / 2,
		NoSigs:            true,
		NoLog:             true,
		MaxPayload:        maxPayload,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("embed nats-server: %w", err)
	}
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return nil, nil, errors.New("embed nats-server: it does not start")
	}
	conn, err := nats.Connect("", append(options, nats.InProcessServer(s))...)
	if err != nil {
		s.Shutdown()
		return nil, nil, fmt.Errorf("connect to the embedded nats-server: %w", err)
	}
	return s, conn, nil
}

// checkWritable finds out what the server would keep to itself.
func checkWritable(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "writable-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
