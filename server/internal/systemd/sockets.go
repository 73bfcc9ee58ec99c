// Package systemd connects the server to systemd: it takes the sockets that systemd has opened
// for it, and tells systemd in which state it is. Under anything else it does nothing.
package systemd

import (
	"fmt"
	"net"
	"os"

	"github.com/coreos/go-systemd/v22/activation"
)

// The names of sockets (FileDescriptorName= of a .socket unit) that are not for clients.
const (
	AdminName    = "admin"
	RedirectName = "http-redirect"
)

// Sockets are listeners that another process keeps open, so that connections to them wait
// while this one restarts.
type Sockets struct {
	Clients  []net.Listener // all that have another name
	Admin    []net.Listener
	Redirect []net.Listener
}

// Inherit returns the sockets that were passed to the process: none unless systemd has started
// it from a .socket unit. It returns them once, and takes their variables from the environment.
func Inherit() (Sockets, error) { return sort(activation.Files(true)) }

func sort(files []*os.File) (s Sockets, err error) {
	for _, f := range files {
		l, err := listener(f)
		if err != nil {
			s.Close()
			return Sockets{}, err
		}
		switch f.Name() {
		case AdminName:
			s.Admin = append(s.Admin, l)
		case RedirectName:
			s.Redirect = append(s.Redirect, l)
		default:
			s.Clients = append(s.Clients, l)
		}
	}
	return s, nil
}

// listener takes the place of a file.
func listener(f *os.File) (net.Listener, error) {
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("the socket %q of systemd is not one to accept connections from, as with ListenStream=: %w", f.Name(), err)
	}
	if _, ok := l.(*net.TCPListener); !ok {
		_ = l.Close()
		return nil, fmt.Errorf("the socket %q of systemd, %s, is not a TCP port", f.Name(), l.Addr())
	}
	return l, nil
}

// Close closes the listeners in this process. It may be called more than once.
func (s *Sockets) Close() {
	for _, listeners := range [][]net.Listener{s.Clients, s.Admin, s.Redirect} {
		for _, l := range listeners {
			_ = l.Close()
		}
	}
}
