package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layer says what a package may import: packages of this module, or modules, by
// prefix. The standard library is always allowed.
type layer struct {
	pkg    string // this package and those below it
	may    []string
	reason string
}

// The first layer that a package is in applies.
var layers = []layer{
	{"chatroom/server/fanout", nil,
		"fanout is for anyone to use: it must not bring a service along"},
	{"chatroom/server/internal/presence", nil,
		"who is in a room is a matter of names, connections and time: nothing else may have a say in it"},
	{"chatroom/server/internal/chat/directory", []string{"github.com/tidwall/btree"},
		"an ordered list of rooms in memory needs no knowledge of events, members or stores"},
	{"chatroom/server/internal/chat", []string{
		"chatroom/server/fanout", "chatroom/server/internal/chat", "chatroom/server/internal/presence", "golang.org/x/text", "golang.org/x/sync/singleflight"},
		"the domain must not know how it is reached or stored, or neither could be exchanged; readers of one page share a look-up by singleflight"},
	{"chatroom/server/internal/store/storetest", []string{"chatroom/server/internal/chat", "pgregory.net/rapid"},
		"one suite judges every store, so it must know none of them"},
	{"chatroom/server/internal/store/memory", []string{"chatroom/server/internal/chat"},
		"a store is an adapter: it knows the ports, not the other stores, not the wire"},
	{"chatroom/server/internal/store/sqlite", []string{"chatroom/server/internal/chat", "github.com/ncruces", "chatroom/server/internal/durable", "golang.org/x/sys"},
		"a store is an adapter: it knows the ports, not the other stores, not the wire"},
	{"chatroom/server/internal/store/jetstream", []string{"chatroom/server/internal/chat", "github.com/nats-io", "github.com/synadia-io", "golang.org/x/sync/errgroup"},
		"a store is an adapter: it knows the ports, not the other stores, not the wire"},
	{"chatroom/server/internal/durable", nil,
		"how a file survives a crash of the machine is the same for whatever is in it"},
	{"chatroom/server/internal/datadir", []string{"chatroom/server/internal/durable", "github.com/gofrs/flock"},
		"a directory is locked before anything else is opened, so nothing else may be needed for it"},
	{"chatroom/server/internal/migrate/natsfile/natstest", []string{"github.com/nats-io"},
		"only tests run the server whose files are read"},
	{"chatroom/server/internal/migrate/natsfile", []string{"github.com/minio/highwayhash"},
		"a reader of files must not bring along the server that wrote them"},
	{"chatroom/server/internal/migrate/formertest", []string{"chatroom/server/internal/chat"},
		"only tests use it: it is data, and what the former code has said about it"},
	{"chatroom/server/internal/migrate", []string{"chatroom/server/internal/chat", "chatroom/server/internal/datadir", "chatroom/server/internal/durable", "chatroom/server/internal/migrate/natsfile"},
		"what a former store holds is known without the program that wrote it"},
	{"chatroom/server/internal/identity", []string{"chatroom/server/internal/chat", "chatroom/server/internal/durable", "github.com/golang-jwt/jwt"},
		"who calls is independent of the protocol the call came by"},
	{"chatroom/server/internal/rpc", []string{
		"chatroom/server/internal/chat", "chatroom/server/internal/delivery", "chatroom/server/internal/detach",
		"chatroom/server/internal/identity", "chatroom/server/internal/schema", "chatroom/gen",
		"connectrpc.com/", "google.golang.org/protobuf", "google.golang.org/genproto", "buf.build/"},
		"the wire is mapped to the domain here and nowhere else; where events are stored is not its business"},
	{"chatroom/server/internal/schema", []string{"google.golang.org/protobuf", "buf.build/"},
		"an application's types are checked by what its descriptors say, and by nothing of the service's"},
	{"chatroom/server/internal/outbound", nil,
		"writing to a socket without waiting is the same for any protocol"},
	{"chatroom/server/internal/detach", []string{"chatroom/server/internal/outbound"},
		"a response without a handler is bytes: what they mean is not known here"},
	{"chatroom/server/internal/delivery", nil,
		"who runs when is decided without knowing what is delivered, or where to"},
	{"chatroom/server/internal/h2", []string{"chatroom/server/internal/detach", "golang.org/x/net/http2", "golang.org/x/net/http/httpguts"},
		"HTTP/2 is the same for any handler, and of x/net only frames and header compression are used"},
	{"chatroom/server/internal/httpd", []string{"chatroom/server/internal/h2"},
		"listening and stopping are the same for any handler"},
	{"chatroom/server/internal/crash", []string{
		"chatroom/client", "chatroom/gen", "chatroom/server/internal/crash",
		"connectrpc.com/connect", "google.golang.org/genproto", "google.golang.org/grpc", "google.golang.org/protobuf"},
		"the verifier sees the server from outside, as its clients do: it must share no code with it"},
	{"chatroom/server/internal/service", []string{
		"chatroom/server/internal/chat", "chatroom/server/internal/datadir", "chatroom/server/internal/httpd", "chatroom/server/internal/identity",
		"chatroom/server/internal/migrate", "chatroom/server/internal/presence", "chatroom/server/internal/rpc", "chatroom/server/internal/schema",
		"chatroom/server/internal/store", "chatroom/web"},
		"the service puts the parts together, and has no part in what they do"},
	{"chatroom/client", []string{"chatroom/gen", "connectrpc.com/connect"},
		"the client is for anyone to use: it must not bring the service along"},
	{"chatroom/server", []string{
		"chatroom/server/internal/", "chatroom/web"},
		"main puts the parts together, and has no part in what they do"},
	{"chatroom/gen", []string{"chatroom/gen", "connectrpc.com/connect", "google.golang.org/protobuf", "buf.build/gen/"},
		"generated code depends on the contract alone"},
	{"chatroom/proto", nil, "the contract depends on nothing"},
	{"chatroom/web", nil, "the page is files"},
}

func TestLayers(t *testing.T) {
	list := exec.Command("go", "list", "-json=ImportPath,Imports,Standard", "chatroom/...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("output of %v: %v", list, err)
		}
		i := slices.IndexFunc(layers, func(l layer) bool { return within(pkg.ImportPath, l.pkg) })
		if i < 0 {
			t.Errorf("%s is in no layer: say in this test what it may import, and why", pkg.ImportPath)
			continue
		}
		for _, imported := range pkg.Imports {
			if forbidden(layers[i], imported) {
				t.Errorf("%s imports %s: %s", pkg.ImportPath, imported, layers[i].reason)
			}
		}
	}
}

func forbidden(l layer, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if first != "chatroom" && !strings.Contains(first, ".") {
		return false // the standard library
	}
	return !slices.ContainsFunc(l.may, func(prefix string) bool {
		return within(imported, strings.TrimSuffix(prefix, "/"))
	})
}

func within(pkg, prefix string) bool {
	return pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
}

// The rules themselves must bite.
func TestLayersForbid(t *testing.T) {
	for _, tt := range []struct {
		pkg, imported string
		want          bool
	}{
		{"chatroom/server/fanout", "sync", false},
		{"chatroom/server/fanout", "golang.org/x/sync/errgroup", true},
		{"chatroom/server/internal/chat", "chatroom/server/fanout", false},
		{"chatroom/server/internal/presence", "container/list", false},
		{"chatroom/server/internal/presence", "chatroom/server/internal/chat", true},
		{"chatroom/server/internal/chat", "chatroom/server/internal/presence", false},
		{"chatroom/server/internal/chat", "chatroom/gen/chat/v1", true},
		{"chatroom/server/internal/chat", "connectrpc.com/connect", true},
		{"chatroom/server/internal/chat", "github.com/nats-io/nats.go", true},
		{"chatroom/server/internal/store/memory", "chatroom/server/internal/store/jetstream", true},
		{"chatroom/server/internal/rpc", "chatroom/server/internal/store/memory", true},
		{"chatroom/server/internal/httpd", "chatroom/server", true},
	} {
		i := slices.IndexFunc(layers, func(l layer) bool { return within(tt.pkg, l.pkg) })
		if got := forbidden(layers[i], tt.imported); got != tt.want {
			t.Errorf("forbidden(%s, %s) = %t, want %t", tt.pkg, tt.imported, got, tt.want)
		}
	}
}
