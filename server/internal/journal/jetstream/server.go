package jetstream

import (
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// startTimeout bounds how long the embedded server may take to read its files.
const startTimeout = time.Minute

// embed starts a server without a port, and connects to it in the process.
func embed(c Config, options ...nats.Option) (*server.Server, *nats.Conn, error) {
	s, err := server.NewServer(&server.Options{
		ServerName: "chatroom",
		DontListen: true,
		JetStream:  true,
		StoreDir:   c.Dir,
		SyncAlways: !c.NoFsync,
		NoSigs:     true,
		NoLog:      true,
		MaxPayload: maxPayload,
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
