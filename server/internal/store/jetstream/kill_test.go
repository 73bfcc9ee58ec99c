package jetstream

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/testenv"
)

// killable is a cluster of processes of their own, by server name.
type killable struct {
	url       string
	processes map[string]*exec.Cmd
}

func startKillable(t *testing.T) *killable {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "nats-server")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/nats-io/nats-server/v2").CombinedOutput(); err != nil {
		t.Fatalf("build nats-server: %v\n%s", err, out)
	}
	var clients, routes, urls []string
	for range members {
		clients, routes = append(clients, freeAddr(t)), append(routes, freeAddr(t))
		urls = append(urls, "nats://"+clients[len(clients)-1])
	}
	k := &killable{strings.Join(urls, ","), make(map[string]*exec.Cmd)}
	for i := range members {
		name := fmt.Sprint("member-", i)
		text := fmt.Sprintf("server_name: %s\nlisten: %q\njetstream { store_dir: %q }\ncluster { name: test, listen: %q, routes: [\"nats://%s\"] }\n",
			name, clients[i], filepath.Join(dir, name), routes[i], strings.Join(routes, "\", \"nats://"))
		config := filepath.Join(dir, name+".conf")
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var output bytes.Buffer
		process := exec.Command(binary, "-c", config)
		process.Stdout, process.Stderr = &output, &output
		if err := process.Start(); err != nil {
			t.Fatal(err)
		}
		k.processes[name] = process
		t.Cleanup(func() {
			k.kill(name)
			if t.Failed() {
				t.Logf("%s:\n%s", name, output.String())
			}
		})
	}
	return k
}

func freeAddr(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.Addr().String()
}

func (k *killable) kill(name string) {
	if process := k.processes[name]; process != nil {
		_ = process.Process.Kill()
		_ = process.Wait()
		delete(k.processes, name)
	}
}

// The process that leads the stream is killed while events are submitted, without a
// chance to hand over: none is lost or stored twice, and each appender's are in its
// order.
func TestLeaderIsKilled(t *testing.T) {
	testenv.RequireFull(t, "TestLeaderStops does it with servers in this process")
	t.Parallel()
	const appenders, each = 8, 500
	servers := startKillable(t)
	c := Config{URL: servers.url, Replicas: members}
	var first *Store
	eventually(t, "the cluster is ready", func() bool {
		var err error
		first, err = Open(t.Context(), c)
		return err == nil
	})
	t.Cleanup(func() { closed(t, first) })
	nodes := []*Store{first, open(t, c)}
	seen := follow(t, nodes[1], "room")
	var wg sync.WaitGroup
	begun := make(chan struct{}, appenders)
	for a := range appenders {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%d/%d", a, i)
				e := chat.Entry{Room: "room", Key: key, Payload: []byte(key)}
				if _, duplicate, err := chat.Append(t.Context(), nodes[a%2], e); err != nil || duplicate {
					t.Errorf("Append(%q) = %t, %v, want a new event", key, duplicate, err)
				}
				if i == each/4 {
					begun <- struct{}{}
				}
			}
		})
	}
	for range appenders {
		<-begun
	}
	info, err := nodes[0].events.info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	servers.kill(info.Cluster.Leader)
	killed := time.Now()
	wg.Wait()
	t.Logf("all were stored %v after the leader was killed", time.Since(killed))
	seen.wait(t, wantAllInOrder(t, nodes[0], "room", appenders, each))
}
