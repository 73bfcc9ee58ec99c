package rpc

import (
	"net/http"
	"slices"
	"strings"

	"connectrpc.com/connect"
)

// Unknown answers calls of services and methods that there are not, in the protocol of the
// call.
func (s *Server) Unknown() http.Handler { return withMediaType(http.HandlerFunc(s.refuseUnknown)) }

func (s *Server) refuseUnknown(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	service, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	bound := "must be a method of one of the services " + strings.Join(s.services, ", ")
	if slices.Contains(s.services, service) {
		bound = "must be a method of " + service
	}
	err := fieldError(connect.CodeUnimplemented, "path", "method.known", bound)
	kind := r.Header.Get("Content-Type")
	if strings.HasPrefix(kind, "application/grpc") || strings.HasPrefix(kind, "application/connect+") {
		if decodeWebText(r) {
			w = &response{ResponseWriter: w, request: r, text: true}
		}
		refuse(w, r, err)
		return
	}
	// The status that the Connect protocol has for this.
	writeError(w, http.StatusNotFound, err)
}

// onlyMethods is a handler of a service that leaves unknown methods to refuseUnknown.
func (s *Server) onlyMethods(path string, handler http.Handler, methods []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(methods, strings.TrimPrefix(r.URL.Path, path)) {
			handler.ServeHTTP(w, r)
			return
		}
		s.refuseUnknown(w, r)
	})
}
