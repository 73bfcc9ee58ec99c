package h2

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
)

// pipe serves one end of an in-memory connection and returns a peer on the other,
// and the result of ServeConn.
func pipe(t *testing.T, s *Server) (*peer, chan error) {
	t.Helper()
	client, server := net.Pipe()
	result := make(chan error, 1)
	go func() { result <- s.ServeConn(server) }()
	p := newPeer(t, client)
	if err := client.SetDeadline(noDeadline); err != nil {
		t.Fatal(err)
	}
	return p, result
}

// A silent peer is asked after 15 s and given up after another 15; one that
// answers is asked again; one without streams is sent away after 2 minutes.
func TestTimeouts(t *testing.T) {
	for name, tt := range map[string]struct {
		stream, answer bool
		want           time.Duration
	}{
		"silent":              {true, false, 30 * time.Second},
		"answers, no streams": {false, true, 2 * time.Minute},
		"answers":             {true, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				owner := newRecorder()
				p, result := pipe(t, &Server{Handler: newDetacher(owner)})
				begin := time.Now()
				if tt.stream {
					p.get(1, "/")
				}
				if tt.want == 0 {
					time.AfterFunc(time.Hour, func() { _ = p.nc.Close() })
				}
				readAndAnswer(p, tt.answer)
				took := time.Since(begin).Round(time.Second)
				_ = p.nc.Close()
				err := <-result
				if tt.want == 0 {
					if took != time.Hour {
						t.Errorf("the connection ended after %v with %v, want it to live", took, err)
					}
					return
				}
				if took != tt.want {
					t.Errorf("the connection ended after %v with %v, want %v", took, err, tt.want)
				}
				if e := new(ConnError); tt.stream && (!errors.As(err, &e) || !errors.Is(<-owner.closed, err)) {
					t.Errorf("ServeConn = %v, want a ConnError, as the owner is told", err)
				}
			})
		})
	}
}

// readAndAnswer reads to the end of the connection.
func readAndAnswer(p *peer, answer bool) {
	for {
		f, err := p.read()
		if err != nil {
			return
		}
		if answer && f.Type == http2.FramePing && !f.Flags.Has(http2.FlagPingAck) {
			if p.framer.WritePing(true, [8]byte(f.data)) != nil {
				return
			}
		}
	}
}

// A peer that takes nothing is given up after the write timeout.
func TestWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		p, result := pipe(t, &Server{Handler: http.NotFoundHandler(), WriteTimeout: 10 * time.Second})
		err := <-result // nothing reads the server's SETTINGS
		if took := time.Since(begin).Round(time.Second); took != 10*time.Second || !errors.As(err, new(*ConnError)) {
			t.Errorf("ServeConn = %v after %v, want a ConnError after 10 s", err, took)
		}
		_ = p.nc.Close()
	})
}
