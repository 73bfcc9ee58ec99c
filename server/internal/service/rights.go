package service

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/moderation"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/rpc"
)

// policyInterval is how often the policy file is read.
const policyInterval = 2 * time.Second

// rights is what decides what callers may do. Create it with openRights.
type rights struct {
	evaluator  *policy.Evaluator
	file       *policy.File           // nil for the built-in policy
	moderation *moderation.Moderation // nil before moderate
	log        *slog.Logger

	api     atomic.Pointer[rpc.Server] // nil before follow
	cancel  context.CancelFunc         // ends following the file; nil before follow
	running sync.WaitGroup
}

// openRights reads the policy file.
func openRights(c *Config) (*rights, error) {
	r := &rights{evaluator: policy.New(nil), log: c.Log}
	if c.Policy == "" {
		return r, nil
	}
	var err error
	if r.file, err = policy.OpenFile(c.Policy, r.evaluator); err != nil {
		return nil, fmt.Errorf("-policy: %w", err)
	}
	return r, nil
}

// moderate has the bans and mutes of a store in force.
func (r *rights) moderate(ctx context.Context, state chat.State) (err error) {
	r.moderation, err = moderation.Open(ctx, moderation.Config{State: state, Denials: r.evaluator.Denials(), Changed: r.denied, Log: r.log})
	return err
}

func (r *rights) denied(d policy.Denial) {
	if api := r.api.Load(); api != nil {
		api.Denied(d)
	}
}

// follow applies changes of the policy file and of the bans to the streams of a server.
func (r *rights) follow(api *rpc.Server) {
	r.api.Store(api)
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	if r.file == nil {
		return
	}
	r.running.Go(func() {
		r.file.Follow(ctx, policyInterval, func(err error) {
			if err != nil {
				r.log.Error("the policy file is wrong: the former policy stays in force", "err", err)
				return
			}
			r.log.Info("the policy file is in force")
			api.Recheck()
		})
	})
}

// close ends following the file and the store.
func (r *rights) close() {
	if r.cancel != nil {
		r.cancel()
	}
	r.running.Wait()
	if r.moderation != nil {
		r.moderation.Close()
	}
}
