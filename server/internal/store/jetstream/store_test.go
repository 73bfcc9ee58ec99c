package jetstream

import (
	"sync"
	"testing"

	"chatroom/server/internal/store/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	storetest.Run(t, func(t *testing.T) storetest.Store { return open(t, Config{URL: servers.fresh(t)}) })
}

func TestRetention(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	storetest.RunRetention(t, func(t *testing.T, roomEvents int) storetest.Store {
		return open(t, Config{URL: servers.fresh(t), RoomEvents: roomEvents})
	})
}

// The servers stay up while the node is restarted.
func TestRestart(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	var users sync.Map // by directory
	storetest.RunRestart(t, func(t *testing.T, dir string) storetest.Store {
		user, known := users.Load(dir)
		if !known {
			user = servers.user(t)
			users.Store(dir, user)
		}
		return open(t, Config{URL: servers.url(user.(string))})
	})
}

func TestNodes(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	storetest.RunNodes(t, func(t *testing.T) (a, b storetest.Store) {
		url := servers.fresh(t)
		return open(t, Config{URL: url}), open(t, Config{URL: url})
	})
}
