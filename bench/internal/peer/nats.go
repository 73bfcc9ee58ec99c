package peer

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// serveNATS serves core NATS, without JetStream, as it is by default.
func serveNATS(ctx context.Context, listening func(net.Addr)) error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return err
	}
	s.Start()
	defer s.WaitForShutdown()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		return errors.New("nats is not ready after 10 s")
	}
	listening(s.Addr())
	<-ctx.Done()
	return nil
}
