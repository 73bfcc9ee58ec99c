package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// runCommand runs the program and returns what it prints.
func runCommand(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, log bytes.Buffer
	err = run(t.Context(), args, func(string) string { return "" }, &out, &log)
	return out.String(), log.String(), err
}

// A key is created on a stopped server's data, works on the running server, shows when it
// was used, and is refused once it is revoked.
func TestKeyCommands(t *testing.T) {
	dir := t.TempDir()
	sent, log, err := runCommand(t, "key", "create", "-data", dir, "-name", "shop", "-send-as", "-grant", "order-*=read,post,create", "-grant", "news=moderate", "-limit", "send=100/s:500")
	sent = strings.TrimSpace(sent)
	if err != nil || !strings.HasPrefix(sent, "chatroom_") || strings.Contains(log, sent) {
		t.Fatalf("key create = %q, %q, %v, want a key on standard output alone", sent, log, err)
	}
	id := strings.Split(sent, "_")[1]
	list, _, err := runCommand(t, "key", "list", "-data", dir)
	for _, want := range []string{id, "shop", "never", "true", "order-*=read,post,edit_own,create news=moderate"} {
		if err != nil || !strings.Contains(list, want) {
			t.Errorf("key list = %q, %v, want %q in it", list, err, want)
		}
	}
	call := func(ctx context.Context) error {
		s := harness.Start(t, harness.InDir(dir))
		defer s.Stop(t)
		if list, _, err := runCommand(t, "key", "list", "-data", dir); err != nil || !strings.Contains(list, "ID") {
			t.Errorf("key list while a server runs = %q, %v, want the list", list, err)
		}
		client := chatv1connect.NewChatRoomClient(harness.BearerClient{Client: harness.H2CClient(t), Token: sent}, s.URL)
		_, err := client.Send(ctx, harness.TextRequest("order-7", "hello"))
		return err
	}
	if err := call(harness.Context(t)); err != nil {
		t.Errorf("Send with the key = %v, want nil", err)
	}
	if list, _, err := runCommand(t, "key", "list", "-data", dir); err != nil || strings.Contains(list, "never") {
		t.Errorf("key list after a use = %q, %v, want the hour of the use", list, err)
	}
	if _, _, err := runCommand(t, "key", "revoke", "-data", dir, id); err != nil {
		t.Errorf("key revoke = %v, want nil", err)
	}
	if err := call(harness.Context(t)); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("Send with the revoked key = %v, want code unauthenticated", err)
	}
	if list, _, err := runCommand(t, "key", "list", "-data", dir); err != nil || strings.Contains(list, id) {
		t.Errorf("key list after the revocation = %q, %v, want nothing", list, err)
	}
	if _, _, err := runCommand(t, "key", "revoke", "-data", dir, id); err == nil {
		t.Error("key revoke again = nil, want an error")
	}
}

func TestKeyCommandsRefuse(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		"create, list or revoke":       {"key"},
		"must be followed by":          {"key", "drop"},
		"-data":                        {"key", "list", "-data", dir + "/none"},
		`-name: ""`:                    {"key", "create", "-data", dir, "-grant", "a=read"},
		"-grant: must be set":          {"key", "create", "-data", dir, "-name", "shop"},
		`-grant: "a=fly": right "fly"`: {"key", "create", "-data", dir, "-name", "shop", "-grant", "a=fly"},
		"PATTERN=RIGHTS":               {"key", "create", "-data", dir, "-name", "shop", "-grant", "a"},
		"KIND=RATE":                    {"key", "create", "-data", dir, "-name", "shop", "-grant", "a=read", "-limit", "send"},
		`-limit: "fly=1/s": limit "fly" is not known`: {"key", "create", "-data", dir, "-name", "shop", "-grant", "a=read", "-limit", "fly=1/s"},
		`-grant: "A!=read": a pattern must be`:        {"key", "create", "-data", dir, "-name", "shop", "-grant", "A!=read"},
		"the ID of one key":                           {"key", "revoke", "-data", dir},
		"no key with the id":                          {"key", "revoke", "-data", dir, "../other"},
	} {
		if _, _, err := runCommand(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q = %v, want an error with %q", args, err, want)
		}
	}
	if _, usage, err := runCommand(t, "key", "-h"); !errors.Is(err, flag.ErrHelp) || !strings.Contains(usage, "chatroom key create") {
		t.Errorf("key -h = %q, %v, want the usage", usage, err)
	}
	if _, err := os.Stat(dir + "/none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the missing directory: %v, want it still missing", err)
	}
}

// While a server runs, it carries out the commands: a new key works at once, and one that is
// revoked does not any more. Only the user of the server may open its socket.
func TestKeyCommandsOnARunningServer(t *testing.T) {
	dir := t.TempDir()
	s, ctx := harness.Start(t, harness.InDir(dir)), harness.Context(t)
	info, err := os.Stat(dir + "/admin.sock")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the admin socket = %v, %v, want the mode 0600", info, err)
	}
	create := []string{"key", "create", "-data", dir, "-name", "shop", "-send-as", "-grant", "order-*=read,post,create"}
	sent, log, err := runCommand(t, create...)
	sent = strings.TrimSpace(sent)
	if err != nil || !strings.HasPrefix(sent, "chatroom_") || strings.Contains(log, sent) {
		t.Fatalf("key create = %q, %q, %v, want a key on standard output alone", sent, log, err)
	}
	client := chatv1connect.NewChatRoomClient(harness.BearerClient{Client: harness.H2CClient(t), Token: sent}, s.URL)
	if _, err := client.Send(ctx, harness.TextRequest("order-7", "hello")); err != nil {
		t.Errorf("Send with the new key = %v, want nil", err)
	}
	list, _, err := runCommand(t, "key", "list", "-data", dir)
	id := strings.Split(sent, "_")[1]
	for _, want := range []string{id, "shop", "true", "order-*=read,post,edit_own,create"} {
		if err != nil || !strings.Contains(list, want) {
			t.Errorf("key list = %q, %v, want %q in it", list, err, want)
		}
	}
	if _, _, err := runCommand(t, "key", "create", "-data", dir, "-name", "shop", "-grant", "a=fly"); err == nil || !strings.HasPrefix(err.Error(), `-grant: "a=fly": right "fly"`) {
		t.Errorf("key create with an unknown right = %v, want an error that names it", err)
	}
	if _, _, err := runCommand(t, "key", "revoke", "-data", dir, id); err != nil {
		t.Errorf("key revoke = %v, want nil", err)
	}
	if _, err := client.Send(ctx, harness.TextRequest("order-7", "hello again")); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("Send with the revoked key = %v, want code unauthenticated", err)
	}
	for _, unknown := range []string{id, "../other"} {
		if _, _, err := runCommand(t, "key", "revoke", "-data", dir, unknown); err == nil || !strings.Contains(err.Error(), "no key with the id") {
			t.Errorf("key revoke %s = %v, want an error", unknown, err)
		}
	}
	s.Stop(t)
	if _, err := os.Stat(dir + "/admin.sock"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the admin socket of a stopped server: %v, want none", err)
	}
}
