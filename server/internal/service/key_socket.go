package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"chatroom/server/internal/apikey"
)

// adminSocket is the name of the socket in the data directory on which a running server
// carries out the commands of chatroom key. A process that may open it can make API keys. So can
// one that may write the directory, when the server is stopped.
const adminSocket = "admin.sock"

// keySocket serves the socket. Its zero value serves none.
type keySocket struct {
	server   *http.Server
	path     string
	finished chan struct{}
}

// serveKeys serves API keys on the socket of a data directory that this process has locked.
// A directory that can hold no socket has none, which is logged.
func serveKeys(dir string, keys *apikey.Keys, log *slog.Logger) *keySocket {
	path := filepath.Join(dir, adminSocket)
	listener, err := listenPrivately(path)
	if err != nil {
		log.Warn("there is no admin socket: chatroom key works on a stopped server only", "file", path, "err", err)
		return &keySocket{}
	}
	a := &keySocket{path: path, finished: make(chan struct{}), server: &http.Server{
		Handler: apikey.Handler(keys), ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	go func() {
		defer close(a.finished)
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Warn("the admin socket is not served any more", "file", path, "err", err)
		}
	}()
	return a
}

// listenPrivately listens on a socket that only this user can open. It is made in a directory
// of its own, so that at no time another user can, whatever the umask and the mode of the data
// directory are.
func listenPrivately(path string) (_ net.Listener, err error) {
	private, err := os.MkdirTemp(filepath.Dir(path), ".a")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(private)) }()
	at := filepath.Join(private, "s")
	listener, err := net.Listen("unix", at)
	if err != nil {
		return nil, err
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false) // it is at path then
	err = os.Chmod(at, 0o600)
	if err == nil {
		err = os.Rename(at, path) // replaces that of a process that was killed
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// Close waits for commands that are being carried out, for at most the end of ctx.
func (a *keySocket) Close(ctx context.Context) error {
	if a.server == nil {
		return nil
	}
	err := os.Remove(a.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if stopErr := a.server.Shutdown(ctx); stopErr != nil {
		err = errors.Join(err, fmt.Errorf("stop the admin socket: %w", stopErr), a.server.Close())
	}
	<-a.finished
	return err
}
