package rpc

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"

	"chatroom/server/internal/health"
	"chatroom/server/internal/ratelimit"
)

// healthChecker answers grpc.health.v1.Health. All services of the server, and the empty
// name, have the same health.
type healthChecker struct {
	health   *health.Health
	services []string
}

var _ grpchealth.Watcher = healthChecker{}

// Check implements grpchealth.Checker.
func (c healthChecker) Check(_ context.Context, r *grpchealth.CheckRequest) (*grpchealth.CheckResponse, error) {
	if err := c.known(r.Service); err != nil {
		return nil, err
	}
	if c.health.Ready() {
		return &grpchealth.CheckResponse{Status: grpchealth.StatusServing}, nil
	}
	return &grpchealth.CheckResponse{Status: grpchealth.StatusNotServing}, nil
}

// Watch implements grpchealth.Watcher.
func (c healthChecker) Watch(_ context.Context, r *grpchealth.CheckRequest, changed func()) (stop func(), err error) {
	if err := c.known(r.Service); err != nil {
		return nil, err
	}
	return c.health.Watch(changed), nil
}

func (c healthChecker) known(service string) error {
	if service == "" || slices.Contains(c.services, service) {
		return nil
	}
	return fieldError(connect.CodeNotFound, "service", "service.known",
		fmt.Sprintf("must be empty or one of %s", strings.Join(c.services, ", ")))
}

// limitWatches counts streams of Health.Watch with the others, and ends them with the
// server.
func (s *Server) limitWatches(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/Watch") {
			next.ServeHTTP(w, r)
			return
		}
		giveBack, err := s.streamSlots.Acquire(ratelimit.Network(clientAddress(r.Context())))
		if err != nil {
			s.refuseStream(w, r, err)
			return
		}
		defer giveBack()
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(s.serving, cancel)()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
