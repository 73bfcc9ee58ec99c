package jetstream

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/store/storetest"
	"chatroom/server/internal/testenv"
)

const members = 3

// startCluster starts three servers that keep each event together.
func startCluster(t testing.TB) *natsServers {
	t.Helper()
	var routes, listen []string
	for range members {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		free.Close()
		listen = append(listen, free.Addr().String())
		routes = append(routes, fmt.Sprintf("%q", "nats://"+free.Addr().String()))
	}
	var options []*server.Options
	for i := range members {
		more := fmt.Sprintf("cluster { name: test, listen: %q, routes: [%s] }", listen[i], strings.Join(routes, ", "))
		options = append(options, configure(t, fmt.Sprint("member-", i), more))
	}
	s := start(t, options...)
	eventually(t, "the cluster has a leader that knows all members", func() bool {
		return slices.ContainsFunc(s.members, func(m *server.Server) bool {
			return m.JetStreamIsLeader() && len(m.JetStreamClusterPeers()) == members
		})
	})
	return s
}

// openIn opens a store of a cluster.
func (s *natsServers) openIn(t *testing.T, user string) *Store {
	t.Helper()
	return open(t, Config{URL: s.url(user), Replicas: members})
}

// It is not parallel: members that wait for a processor elect leaders over and over.
func TestCluster(t *testing.T) {
	servers := startCluster(t)
	t.Run("Store", func(t *testing.T) {
		testenv.RequireFull(t, "the suite takes a minute on three servers")
		storetest.Run(t, func(t *testing.T) storetest.Store { return servers.openIn(t, servers.user(t)) })
	})
	t.Run("Nodes", func(t *testing.T) {
		storetest.RunNodes(t, func(t *testing.T) (a, b storetest.Store) {
			user := servers.user(t)
			return servers.openIn(t, user), servers.openIn(t, user)
		})
	})
}

// The leader of the stream is stopped while events are appended: none is lost, none
// is stored twice, and each appender's are in its order.
func TestLeaderStops(t *testing.T) {
	t.Parallel()
	const appenders, each = 8, 300
	servers := startCluster(t)
	user := servers.user(t)
	nodes := []*Store{servers.openIn(t, user), servers.openIn(t, user)}
	seen := follow(t, nodes[1], "room")
	var wg sync.WaitGroup
	half := make(chan struct{}, appenders)
	for a := range appenders {
		wg.Go(func() {
			s := nodes[a%2]
			for i := range each {
				key := fmt.Sprintf("%d/%d", a, i)
				if _, duplicate, err := chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: key, Payload: []byte(key)}); err != nil || duplicate {
					t.Errorf("Append(%q) = %t, %v, want a new event", key, duplicate, err)
				}
				if i == each/3 {
					half <- struct{}{}
				}
			}
		})
	}
	for range appenders {
		<-half
	}
	stream, err := nodes[0].js.Stream(t.Context(), streamName)
	if err != nil {
		t.Fatal(err)
	}
	leader := stream.CachedInfo().Cluster.Leader
	for i, o := range servers.options {
		if o.ServerName == leader {
			servers.stop(i)
		}
	}
	stopped := time.Now()
	wg.Wait()
	t.Logf("all were stored %v after the leader was stopped", time.Since(stopped))

	seen.wait(t, wantAllInOrder(t, nodes[0], "room", appenders, each))
}
