package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layer says what a package may import: packages of this module, or modules, by
// prefix, or exactly with "=" before it. The standard library is always allowed.
type layer struct {
	pkg    string   // this package and those below it
	may    []string // for the package and its tests
	tests  []string // for its tests only, in addition
	reason string
}

// testLibraries may be imported by every test: they check properties of any code.
var testLibraries = []string{"go.uber.org/goleak", "pgregory.net/rapid", "chatroom/server/internal/testenv"}

// clientLibraries are what tests call a server with, as its users do.
var clientLibraries = []string{
	"chatroom/gen", "buf.build/", "connectrpc.com/connect", "google.golang.org/genproto", "google.golang.org/grpc", "google.golang.org/protobuf",
}

// The first layer that a package is in applies.
var layers = []layer{
	{"chatroom/server/fanout", nil,
		append([]string{"chatroom/server/internal/e2e/oldclients/testdata"}, clientLibraries...),
		"fanout is for anyone to use, so it must not bring a service along; its examples are handlers of connect-go and grpc-go"},
	{"chatroom/server/internal/presence", []string{"github.com/tidwall/btree"}, nil,
		"who is in a room follows from names, connections and time alone"},
	{"chatroom/server/internal/chat/hub", []string{
		"chatroom/server/fanout", "chatroom/server/internal/chat", "chatroom/server/internal/presence", "chatroom/server/internal/text"},
		[]string{
			"chatroom/server/internal/eventpb", "chatroom/server/internal/store/memory", "chatroom/server/internal/store/sqlite",
			"chatroom/gen", "buf.build/go/protovalidate", "google.golang.org/protobuf"},
		"the service puts the parts of the domain together, and must not know how it is reached or stored; its tests need an encoding and a store in memory, and open a store that an earlier version has written"},
	{"chatroom/server/internal/chat/directory/roomindex", []string{"=chatroom/server/internal/chat", "github.com/tidwall/btree"}, nil,
		"an ordered list in memory needs no store and no goroutine"},
	{"chatroom/server/internal/chat/directory", []string{
		"chatroom/server/fanout", "=chatroom/server/internal/chat", "chatroom/server/internal/chat/directory/roomindex"},
		[]string{"chatroom/server/internal/eventpb", "chatroom/server/internal/store/memory"},
		"the list of rooms follows the stores, and is independent of who is connected; its tests need one store and one encoding that work"},
	{"chatroom/server/internal/chat/history", []string{
		"chatroom/server/fanout", "=chatroom/server/internal/chat", "golang.org/x/sync/singleflight"},
		nil,
		"reading depends on the journal alone; readers of one page share a look-up by singleflight"},
	{"chatroom/server/internal/chat/ephemeral", []string{"chatroom/server/fanout", "=chatroom/server/internal/chat"}, nil,
		"what is not stored must not touch a store"},
	{"chatroom/server/internal/chat/erasure", []string{"=chatroom/server/internal/chat"}, nil,
		"erasing depends on the journal alone"},
	{"chatroom/server/internal/chat", []string{"chatroom/server/internal/text"}, nil,
		"stores, handlers and tools import the vocabulary of the domain, which must bring none of them along"},
	{"chatroom/server/internal/eventpb", []string{"=chatroom/server/internal/chat", "chatroom/gen", "google.golang.org/protobuf"}, nil,
		"events are stored and sent as the same message: what converts them knows the domain and the contract alone"},
	{"chatroom/server/internal/roomfile", []string{
		"chatroom/server/internal/chat", "chatroom/server/internal/eventpb", "chatroom/server/internal/schema", "chatroom/gen", "google.golang.org/protobuf"}, nil,
		"a file of rooms is the domain in the contract's JSON form, whichever store the rooms are from"},
	{"chatroom/server/internal/store/storetest", []string{"=chatroom/server/internal/chat", "chatroom/server/internal/testenv", "pgregory.net/rapid"}, nil,
		"one suite judges every store, so it must know none of them"},
	{"chatroom/server/internal/store/memory", []string{"=chatroom/server/internal/chat", "github.com/tidwall/btree"},
		[]string{"chatroom/server/internal/store/storetest"},
		"a store is an adapter: it knows the ports, not the other stores, not the wire"},
	{"chatroom/server/internal/store/sqlite", []string{"=chatroom/server/internal/chat", "github.com/ncruces", "chatroom/server/internal/durable", "golang.org/x/sys"},
		[]string{"chatroom/server/internal/store/storetest"},
		"a store is an adapter: it knows the ports, not the other stores, not the wire"},
	{"chatroom/server/internal/store/jetstream", []string{"=chatroom/server/internal/chat", "github.com/nats-io/nats.go", "github.com/synadia-io", "github.com/tidwall/btree", "golang.org/x/sync/errgroup", "chatroom/server/internal/logsample"},
		[]string{"chatroom/server/internal/store/storetest", "github.com/nats-io/nats-server"},
		"a store is an adapter: it knows the ports, not the other stores, not the wire; only its tests run NATS servers"},
	{"chatroom/server/internal/durable", nil, nil,
		"how a file survives a crash of the machine is the same for whatever is in it"},
	{"chatroom/server/internal/datadir", []string{"chatroom/server/internal/durable", "github.com/gofrs/flock", "golang.org/x/sys"}, nil,
		"a directory is locked before anything else is opened, so nothing else may be needed for it"},
	{"chatroom/server/internal/migrate/natsfile/natstest", []string{"github.com/nats-io"}, nil,
		"only tests run the server whose files are read"},
	{"chatroom/server/internal/migrate/natsfile", []string{"github.com/minio/highwayhash"},
		[]string{"chatroom/server/internal/migrate/natsfile/natstest", "github.com/nats-io/nats.go"},
		"a reader of files must not bring along the server that wrote them"},
	{"chatroom/server/internal/migrate/formertest", []string{"=chatroom/server/internal/chat"}, nil,
		"it is data, and what the former code has said about it; only tests use it"},
	{"chatroom/server/internal/migrate", []string{"=chatroom/server/internal/chat", "chatroom/server/internal/datadir", "chatroom/server/internal/durable", "chatroom/server/internal/migrate/natsfile"},
		[]string{"chatroom/server/internal/migrate", "chatroom/server/internal/eventpb", "github.com/nats-io/nats.go"},
		"what a former store holds is known without the program that wrote it; its tests write such stores, in the stored encoding"},
	{"chatroom/server/internal/identity", []string{
		"=chatroom/server/internal/chat", "chatroom/server/internal/durable", "chatroom/server/internal/policy", "chatroom/server/internal/ratelimit",
		"chatroom/server/internal/text", "github.com/golang-jwt/jwt", "github.com/go-jose/go-jose"},
		[]string{"chatroom/server/internal/store/memory"},
		"who calls is independent of the protocol the call came by"},
	{"chatroom/server/internal/policy", []string{"go.yaml.in/yaml"}, nil,
		"who may do what follows from names, rights and addresses, however callers prove them and whatever they call"},
	{"chatroom/server/internal/moderation", []string{"=chatroom/server/internal/chat", "chatroom/server/internal/policy"},
		[]string{"chatroom/server/internal/store/memory"},
		"bans and mutes are records of any store, whatever asks for them; its tests need one store that works"},
	{"chatroom/server/internal/text", []string{"github.com/rivo/uniseg", "go.mau.fi/util/confusable", "golang.org/x/text"}, nil,
		"what may be written follows from the text alone"},
	{"chatroom/server/internal/apikey", []string{
		"=chatroom/server/internal/chat", "chatroom/server/internal/identity", "chatroom/server/internal/policy", "chatroom/server/internal/ratelimit", "chatroom/server/internal/text"},
		[]string{"chatroom/server/internal/store/memory"},
		"keys are records of a State, whatever stores them and whatever brings them"},
	{"chatroom/server/internal/revocation", []string{"=chatroom/server/internal/chat", "chatroom/server/internal/identity"},
		[]string{"chatroom/server/internal/store/memory", "chatroom/server/internal/store/sqlite"},
		"revocations are records of a State, whatever stores them and whatever brings them"},
	{"chatroom/server/internal/signin/providertest", []string{"github.com/zitadel/oidc", "github.com/go-jose/go-jose"}, nil,
		"only tests run a provider, and its users"},
	{"chatroom/server/internal/signin", []string{
		"=chatroom/server/internal/chat", "chatroom/server/internal/identity", "chatroom/server/internal/policy", "chatroom/server/internal/ratelimit",
		"chatroom/server/internal/clientaddr", "chatroom/server/internal/logsample", "chatroom/server/internal/tally", "github.com/coreos/go-oidc", "golang.org/x/oauth2"},
		[]string{"chatroom/server/internal/signin", "chatroom/server/internal/store/memory"},
		"people sign in on pages, whatever they call afterwards; its tests run a provider, and need one store that works"},
	{"chatroom/server/internal/nearest", nil, nil,
		"which name is meant follows from the names alone"},
	{"chatroom/server/internal/ratelimit", []string{"golang.org/x/time/rate", "chatroom/server/internal/nearest"}, nil,
		"how often is too often follows from names and addresses, whatever is called"},
	{"chatroom/server/internal/clientaddr", nil, nil,
		"which headers of a proxy are believed follows from headers and addresses"},
	{"chatroom/server/internal/systemd", []string{"github.com/coreos/go-systemd"}, nil,
		"sockets and states are passed in the same way whatever is served"},
	{"chatroom/server/internal/requestid", nil, nil,
		"a request has an id whatever it asks for"},
	{"chatroom/server/internal/tally", nil, nil,
		"counting depends on nothing that is counted"},
	{"chatroom/server/internal/metrics", []string{
		"chatroom/server/internal/chat", "chatroom/server/internal/health", "chatroom/server/internal/httpd", "chatroom/server/internal/rpc",
		"chatroom/server/internal/logsample", "github.com/prometheus/client_golang"},
		[]string{"chatroom/server/internal/store/memory", "chatroom/server/internal/h2", "go.yaml.in/yaml"},
		"metrics are collected from the parts, which know nothing of them: only here is there a library for metrics"},
	{"chatroom/server/internal/tracing", []string{
		"=chatroom/server/internal/chat", "chatroom/server/internal/rpc", "chatroom/server/internal/logsample",
		"connectrpc.com/connect", "connectrpc.com/otelconnect", "go.opentelemetry.io/otel"}, nil,
		"the parts have hooks for tracing and know nothing of it: only here is there a library for spans"},
	{"chatroom/server/internal/e2e/operations/tracing", nil, append([]string{
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service", "chatroom/server/internal/tracing", "go.opentelemetry.io/proto/otlp"},
		clientLibraries...),
		"these tests are an OTLP receiver, and configure tracing as main does"},
	{"chatroom/server/internal/health", nil, nil,
		"whether a server is ready follows from what its parts report, whatever asks"},
	{"chatroom/server/internal/logsample", nil, nil,
		"how many lines are logged does not depend on what they say"},
	{"chatroom/server/internal/rpc", []string{
		"chatroom/server/internal/chat", "chatroom/server/internal/delivery", "chatroom/server/internal/detach", "chatroom/server/internal/eventpb",
		"chatroom/server/internal/health", "chatroom/server/internal/identity", "chatroom/server/internal/apikey", "chatroom/server/internal/moderation", "chatroom/server/internal/policy", "chatroom/server/internal/revocation", "chatroom/server/internal/schema", "chatroom/gen",
		"chatroom/server/internal/clientaddr", "chatroom/server/internal/logsample", "chatroom/server/internal/ratelimit", "chatroom/server/internal/requestid", "chatroom/server/internal/tally",
		"connectrpc.com/", "google.golang.org/protobuf", "google.golang.org/genproto", "buf.build/"},
		[]string{"chatroom/server/internal/h2", "chatroom/server/internal/presence", "chatroom/server/internal/store/memory", "github.com/golang-jwt/jwt", "google.golang.org/grpc/health"},
		"the wire is mapped to the domain here and nowhere else, and where events are stored does not matter; its tests serve rooms in memory over HTTP/2"},
	{"chatroom/server/internal/schema", []string{"google.golang.org/protobuf", "buf.build/"}, nil,
		"an application's types are checked by what its descriptors say, and by nothing of the service's"},
	{"chatroom/server/internal/outbound", nil, nil,
		"writing to a socket without waiting is the same for any protocol"},
	{"chatroom/server/internal/detach", []string{"chatroom/server/internal/outbound"}, nil,
		"a response without a handler is bytes: what they mean is not known here"},
	{"chatroom/server/internal/delivery", nil, nil,
		"who runs when is decided without knowing what is delivered, or where to"},
	{"chatroom/server/internal/h2", []string{"chatroom/server/internal/detach", "chatroom/server/internal/outbound", "golang.org/x/net/http2", "golang.org/x/net/http/httpguts"},
		clientLibraries,
		"HTTP/2 is the same for any handler, and of x/net only frames and header compression are used; its tests serve connect-go to real clients"},
	{"chatroom/server/internal/httpd", []string{
		"chatroom/server/internal/clientaddr", "chatroom/server/internal/h2", "chatroom/server/internal/health", "chatroom/server/internal/logsample", "chatroom/server/internal/outbound", "chatroom/server/internal/ratelimit", "chatroom/server/internal/tally",
		"connectrpc.com/cors", "github.com/rs/cors", "golang.org/x/crypto/acme"},
		[]string{"golang.org/x/net/http2", "github.com/letsencrypt/pebble", "github.com/miekg/dns"},
		"listening and stopping are the same for any handler"},
	{"chatroom/server/internal/service", []string{
		"chatroom/server/internal/chat", "chatroom/server/internal/datadir", "chatroom/server/internal/eventpb", "chatroom/server/internal/health", "chatroom/server/internal/httpd", "chatroom/server/internal/identity", "chatroom/server/internal/metrics",
		"chatroom/server/internal/apikey", "chatroom/server/internal/migrate", "chatroom/server/internal/moderation", "chatroom/server/internal/policy", "chatroom/server/internal/presence", "chatroom/server/internal/revocation", "chatroom/server/internal/rpc", "chatroom/server/internal/schema", "chatroom/server/internal/signin",
		"chatroom/server/internal/clientaddr", "chatroom/server/internal/ratelimit", "chatroom/server/internal/store", "chatroom/server/internal/systemd", "chatroom/server/internal/tracing", "chatroom/web"},
		[]string{"github.com/nats-io/nats-server"},
		"the service puts the parts together, and has no part in what they do; its tests run the NATS server that nodes share"},
	{"chatroom/server/internal/e2e/crash", []string{
		"chatroom/client", "chatroom/gen", "chatroom/server/internal/e2e/crash",
		"connectrpc.com/connect", "google.golang.org/genproto", "google.golang.org/grpc", "google.golang.org/protobuf"}, nil,
		"the verifier sees the server from outside, as its clients do: it must share no code with it"},
	{"chatroom/server/internal/e2e/harness", append([]string{
		"chatroom/server/internal/service", "chatroom/server/internal/identity", "chatroom/server/internal/apikey", "chatroom/server/internal/migrate/formertest", "github.com/chromedp/chromedp", "go.uber.org/goleak"},
		clientLibraries...), nil,
		"the harness configures a service and calls it as its users do, also in a browser: it knows nothing of the parts but how a data directory is prepared, with keys in it"},
	{"chatroom/server/internal/e2e/durability/formerstores", append([]string{"chatroom/server/internal/e2e/durability/formerstores"}, clientLibraries...), nil,
		"what writes a store for later versions sees the server from outside, whichever version it is"},
	{"chatroom/server/internal/e2e/durability", nil, append([]string{
		"chatroom/server/internal/e2e/durability/formerstores",
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service", "chatroom/server/internal/datadir", "chatroom/server/internal/identity",
		"chatroom/server/internal/migrate/formertest", "github.com/ncruces/go-sqlite3"},
		clientLibraries...),
		"damage is done to files by their names, so these tests know the names, and hold a database open; else they see what users see"},
	{"chatroom/server/internal/e2e/trust", nil, append([]string{
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service", "chatroom/server/internal/apikey", "chatroom/server/internal/identity",
		"chatroom/server/internal/policy", "chatroom/client", "github.com/golang-jwt/jwt"},
		clientLibraries...),
		"these tests are a back end, which creates API keys and signs tokens; they compare the documented policy with the rights in those"},
	{"chatroom/server/internal/e2e/goclient", nil, append([]string{
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service", "chatroom/client"},
		clientLibraries...),
		"these tests are programs that use the Go client, and know of the service only the configuration"},
	{"chatroom/server/internal/e2e/rights", nil, append([]string{
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service", "chatroom/server/internal/apikey",
		"chatroom/server/internal/identity", "github.com/golang-jwt/jwt/v5"},
		clientLibraries...),
		"these tests are every kind of caller, and so create API keys and issue tokens"},
	{"chatroom/server/internal/e2e/terminal", nil, append([]string{
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service", "github.com/charmbracelet/x/vt", "github.com/creack/pty"},
		clientLibraries...),
		"these tests look at a terminal, in which a program runs that they do not link"},
	{"chatroom/server/internal/e2e/proxies", nil, append([]string{
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service", "chatroom/client", "github.com/chromedp/chromedp"},
		clientLibraries...),
		"these tests go through proxies as every kind of client does, the Go client among them"},
	{"chatroom/server/internal/e2e/page", nil, append([]string{
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service",
		"=chatroom/server/internal/chat", "=chatroom/server/internal/chat/directory", "chatroom/server/internal/eventpb",
		"=chatroom/server/internal/chat/hub", "chatroom/server/internal/store/sqlite", "chatroom/server/internal/signin/providertest",
		"github.com/chromedp/", "github.com/rivo/uniseg"}, clientLibraries...),
		"messages of former days are stored before the server starts, as no caller can send them; a row of emoji is split by grapheme"},
	{"chatroom/server/internal/e2e", nil, append([]string{
		"chatroom/server/internal/e2e/harness", "chatroom/server/internal/service", "chatroom/server/internal/chat/hub",
		"chatroom/server/internal/signin/providertest", "chatroom/server/internal/systemd", "github.com/chromedp/chromedp", "github.com/chromedp/cdproto", "golang.org/x/net/http2"},
		clientLibraries...),
		"these tests see the service as its users do, and know of it only the configuration; clients that break the rules of HTTP/2 write its frames"},
	{"chatroom/server/internal/conformance/driver", nil, nil,
		"lines of JSON, which clients in any language write, need no library"},
	{"chatroom/server/internal/conformance/kit", append([]string{"chatroom/server/internal/conformance/driver"}, clientLibraries...), nil,
		"what judges clients knows the contract alone: neither a client, nor the server whose behaviour it acts"},
	{"chatroom/server/internal/conformance/reference", append([]string{"chatroom/server/internal/conformance/driver"}, clientLibraries...), nil,
		"a client that the kit judges must share nothing with it, nor with the clients that are published"},
	{"chatroom/server/internal/conformance/goclient", []string{"chatroom/server/internal/conformance/driver", "chatroom/client", "connectrpc.com/connect"}, nil,
		"the Go client is judged as programs use it, by its API"},
	{"chatroom/server/internal/conformance", []string{"chatroom/server/internal/conformance", "chatroom/client", "connectrpc.com/connect"},
		append([]string{"chatroom/server/internal/e2e/harness"}, clientLibraries...),
		"the commands run the kit, and drivers of our clients; the tests judge clients, which talk to a real server too"},
	{"chatroom/server/internal/testenv", nil, nil,
		"any test may ask how thorough it is to be, so it must not bring anything along"},
	{"chatroom/client/chat", []string{
		"chatroom/client", "chatroom/gen", "charm.land/", "connectrpc.com/connect", "github.com/charmbracelet/colorprofile", "github.com/charmbracelet/x/ansi", "github.com/charmbracelet/x/term",
		"github.com/rivo/uniseg", "google.golang.org/genproto", "google.golang.org/protobuf"}, nil,
		"chat in the terminal is a program of its own, which anyone could have written on the client: it links nothing of the service"},
	{"chatroom/client", []string{"chatroom/gen", "connectrpc.com/connect", "google.golang.org/protobuf"}, clientLibraries,
		"the client is for anyone to use: it must not bring the service along"},
	{"chatroom/server", []string{
		"chatroom/server/internal/chat", "chatroom/server/internal/datadir", "chatroom/server/internal/eventpb", "chatroom/server/internal/apikey", "chatroom/server/internal/identity", "chatroom/server/internal/migrate",
		"chatroom/server/internal/durable", "chatroom/server/internal/nearest", "chatroom/server/internal/requestid", "chatroom/server/internal/roomfile", "chatroom/server/internal/schema", "chatroom/server/internal/service", "chatroom/server/internal/store/sqlite", "chatroom/server/internal/systemd", "chatroom/server/internal/tracing"},
		append([]string{"chatroom/server/internal/e2e/harness"}, clientLibraries...),
		"main turns flags into a configuration and runs commands; what a service is made of is decided in the package service"},
	{"chatroom/gen", []string{"chatroom/gen", "connectrpc.com/connect", "google.golang.org/protobuf", "buf.build/gen/"}, nil,
		"generated code depends on the contract alone"},
	{"chatroom/proto", nil, nil, "the contract depends on nothing"},
	{"chatroom/web", nil, nil, "the page is files"},
}

func TestLayers(t *testing.T) {
	list := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "chatroom/...")
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var pkg struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
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
		l := layers[i]
		for _, imported := range pkg.Imports {
			if forbidden(l.may, imported) {
				t.Errorf("%s imports %s: %s", pkg.ImportPath, imported, l.reason)
			}
		}
		may := slices.Concat(l.may, l.tests, testLibraries, []string{pkg.ImportPath})
		for _, imported := range slices.Concat(pkg.TestImports, pkg.XTestImports) {
			if forbidden(may, imported) {
				t.Errorf("a test of %s imports %s: %s", pkg.ImportPath, imported, l.reason)
			}
		}
	}
}

// forbidden reports whether an import is neither in the standard library nor among
// those that are allowed.
func forbidden(may []string, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	if first != "chatroom" && !strings.Contains(first, ".") {
		return false // the standard library
	}
	return !slices.ContainsFunc(may, func(prefix string) bool {
		if pkg, exact := strings.CutPrefix(prefix, "="); exact {
			return imported == pkg
		}
		return within(imported, strings.TrimSuffix(prefix, "/"))
	})
}

func within(pkg, prefix string) bool {
	return pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
}

// The rules themselves can fail.
func TestLayersForbid(t *testing.T) {
	for _, tt := range []struct {
		pkg, imported string
		inTest        bool
		want          bool
	}{
		{"chatroom/server/fanout", "sync", false, false},
		{"chatroom/server/fanout", "golang.org/x/sync/errgroup", false, true},
		{"chatroom/server/fanout", "connectrpc.com/connect", false, true},
		{"chatroom/server/fanout", "connectrpc.com/connect", true, false},
		{"chatroom/server/fanout", "chatroom/server/internal/chat", true, true},
		{"chatroom/server/internal/chat", "chatroom/server/fanout", false, true},
		{"chatroom/server/internal/chat", "chatroom/server/internal/chat/hub", false, true},
		{"chatroom/server/internal/chat/hub", "chatroom/server/fanout", false, false},
		{"chatroom/server/internal/chat/history", "chatroom/server/internal/chat/hub", false, true},
		{"chatroom/server/internal/store/memory", "chatroom/server/internal/chat", false, false},
		{"chatroom/server/internal/store/memory", "chatroom/server/internal/chat/hub", false, true},
		{"chatroom/server/internal/presence", "container/list", false, false},
		{"chatroom/server/internal/presence", "chatroom/server/internal/chat", false, true},
		{"chatroom/server/internal/chat/hub", "chatroom/server/internal/presence", false, false},
		{"chatroom/server/internal/chat", "chatroom/gen/chat/v1", false, true},
		{"chatroom/server/internal/chat", "connectrpc.com/connect", false, true},
		{"chatroom/server/internal/chat", "connectrpc.com/connect", true, true},
		{"chatroom/server/internal/chat", "github.com/nats-io/nats.go", false, true},
		{"chatroom/server/internal/store/memory", "chatroom/server/internal/store/jetstream", false, true},
		{"chatroom/server/internal/store/sqlite", "chatroom/server/internal/store/jetstream", true, true},
		{"chatroom/server/internal/store/jetstream", "github.com/nats-io/nats-server/v2/server", false, true},
		{"chatroom/server/internal/store/jetstream", "github.com/nats-io/nats-server/v2/server", true, false},
		{"chatroom/server/internal/rpc", "chatroom/server/internal/store/memory", false, true},
		{"chatroom/server/internal/rpc", "chatroom/server/internal/store/memory", true, false},
		{"chatroom/server/internal/httpd", "chatroom/server", false, true},
		{"chatroom/server/internal/service", "chatroom/server/internal/e2e/harness", false, true},
		{"chatroom/server/internal/e2e/rooms", "chatroom/server/internal/rpc", true, true},
		{"chatroom/server/internal/e2e/crash", "chatroom/server/internal/service", false, true},
	} {
		l := layers[slices.IndexFunc(layers, func(l layer) bool { return within(tt.pkg, l.pkg) })]
		may := l.may
		if tt.inTest {
			may = slices.Concat(l.may, l.tests, testLibraries)
		}
		if got := forbidden(may, tt.imported); got != tt.want {
			t.Errorf("forbidden(%s, %s) in a test %t = %t, want %t", tt.pkg, tt.imported, tt.inTest, got, tt.want)
		}
	}
}

// CONTRIBUTING names each folder of server/internal.
func TestLayoutIsComplete(t *testing.T) {
	guide, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, layout, found := strings.Cut(string(guide), "\n## Layout\n")
	layout, _, _ = strings.Cut(layout, "\n## ")
	folders, err := os.ReadDir("internal")
	if err != nil || !found {
		t.Fatalf("no folders (%v), or no layout in CONTRIBUTING.md", err)
	}
	for _, folder := range folders {
		if !strings.Contains(layout, " "+folder.Name()+"/") {
			t.Errorf("the layout in CONTRIBUTING.md does not name server/internal/%s", folder.Name())
		}
	}
}
