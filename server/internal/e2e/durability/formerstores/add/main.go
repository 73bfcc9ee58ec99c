// Command add adds the store that a version writes to the data of the upgrade test. Run it in the
// module's directory, with the server of the version:
//
//	go build -o /tmp/chatroom ./server
//	go run ./server/internal/e2e/durability/formerstores/add -version 0.1.0 -program /tmp/chatroom
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"chatroom/server/internal/e2e/durability/formerstores"
)

const (
	testdata = "server/internal/e2e/durability/testdata/stores"
	schema   = "server/internal/schema/testdata/app.binpb"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "add:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	version := flag.String("version", "", "`name` of the version, such as 0.1.0")
	program := flag.String("program", "", "`path` of its server")
	flag.Parse()
	if *version == "" || *program == "" {
		return errors.New("-version and -program must be set")
	}
	dir := filepath.Join(testdata, *version)
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s exists: what a version has written is never changed", dir)
	}
	data, err := os.MkdirTemp("", "chatroom-store-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	set, err := os.ReadFile(schema)
	if err != nil {
		return err
	}
	application, err := formerstores.NewApplication(set)
	if err != nil {
		return err
	}
	stored, err := write(ctx, application, *program, data)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"chatroom.db", "highwater", "guests.key"} {
		content, err := os.ReadFile(filepath.Join(data, name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			return err
		}
	}
	text, err := application.Encode(stored)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, formerstores.StoredName), text, 0o644)
}

// write runs a server on a directory, and returns what it has stored there.
func write(ctx context.Context, application *formerstores.Application, program, data string) (_ *formerstores.Stored, err error) {
	server := exec.CommandContext(ctx, program, "-data", data, "-listen", "127.0.0.1:0", "-schema", schema)
	server.Stderr = os.Stderr
	stdout, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	stop := func() error {
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, stdout)
		return server.Wait()
	}
	defer func() { err = errors.Join(err, stop()) }()
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		return nil, errors.New("the server has not printed its address")
	}
	_, url, _ := strings.Cut(lines.Text(), "chatroom: open ")
	url = strings.TrimSuffix(strings.TrimSpace(url), "/")
	key, err := createKey(ctx, program, data)
	if err != nil {
		return nil, err
	}
	stored := new(formerstores.Stored)
	if stored.State, err = application.Write(ctx, http.DefaultClient, url, key); err != nil {
		return nil, err
	}
	stored.Contents, err = formerstores.Read(ctx, http.DefaultClient, url, stored.State)
	http.DefaultClient.CloseIdleConnections()
	return stored, err
}

// createKey creates an API key that moderates, and returns nothing for a version without keys.
func createKey(ctx context.Context, program, data string) (string, error) {
	create := exec.CommandContext(ctx, program, "key", "create", "-data", data, "-name", "upgrade test", "-grant", "*=read,post,create,manage,moderate")
	out, err := create.Output()
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	if failed, ok := errors.AsType[*exec.ExitError](err); ok && strings.Contains(string(failed.Stderr), "there is no command") {
		return "", nil
	}
	return "", fmt.Errorf("%v: %w", create, err)
}
