// Package natstest runs nats-server in the process of a test, to write the files that
// natsfile reads. Only tests import it.
package natstest

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Server is a server without a port, and a connection to it.
type Server struct {
	jetstream.JetStream

	server *server.Server
	conn   *nats.Conn
}

// Start starts a server with its files in a directory. The end of the test stops it.
func Start(t testing.TB, dir string) *Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	n := &Server{server: s}
	t.Cleanup(n.Stop)
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("nats-server does not start")
	}
	if n.conn, err = nats.Connect("", nats.InProcessServer(s)); err == nil {
		n.JetStream, err = jetstream.New(n.conn)
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Stop stops the server as SIGTERM does. It may be called more than once.
func (s *Server) Stop() {
	if s.conn != nil {
		s.conn.Close()
	}
	s.server.Shutdown()
	s.server.WaitForShutdown()
}
