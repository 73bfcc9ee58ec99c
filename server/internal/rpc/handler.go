package rpc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"

	"chatroom/server/internal/requestid"
)

// withResponse wraps the handler of a method: it bounds what is read of a request, and
// passes a *response in the request's context.
func (s *Server) withResponse(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		id := requestid.Of(r)
		w.Header().Set(requestid.Header, id)
		if err := checkQuery(r); err != nil {
			writeError(w, http.StatusBadRequest, err)
			return
		}
		text := decodeWebText(r)
		response := &response{ResponseWriter: w, handler: handler, request: r, address: s.config.Proxies.Of(r), text: text}
		if err := checkHeaders(w.Header(), r); err != nil {
			refuse(response, r, err)
			return
		}
		r = r.WithContext(context.WithValue(requestid.NewContext(r.Context(), id), responseKey{}, response))
		r.Body = limitRequests(r)
		switch control := http.NewResponseController(w); {
		case r.ContentLength == 0:
			_ = control.SetReadDeadline(time.Time{}) // the call may last longer than a request may
		case !strings.HasSuffix(r.URL.Path, "/Chat"): // requests on Chat may come at any time
			r.Body = &timedBody{ReadCloser: r.Body, control: control, server: s, request: r}
		}
		handler.ServeHTTP(response, r)
	})
}

// bodyTimeout is how long a client may take to send a request that is not a stream.
const bodyTimeout = 10 * time.Second

// timedBody is the body of a request that must arrive within bodyTimeout.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	server  *Server
	request *http.Request
	begun   bool
}

// Read implements io.Reader. A deadline that can't be set is that of a test's recorder.
func (b *timedBody) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		_ = b.control.SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		_ = b.control.SetReadDeadline(time.Time{}) // a long poll lasts longer
	case errors.Is(err, os.ErrDeadlineExceeded):
		ctx := b.request.Context()
		b.server.counts.cut.Add(cutSlowRequest)
		b.server.peers.Warn(ctx, "a call was cut: its request did not arrive in time", "peer", clientAddress(ctx), "path", b.request.URL.Path)
		err = fieldError(connect.CodeDeadlineExceeded, "", "request.timeout", fmt.Sprintf("the request must arrive within %v", bodyTimeout))
	}
	return n, err
}

// checkQuery checks the message in the query of a GET of the Connect protocol, for
// which connect returns the code unknown if it is missing or is not base64.
func checkQuery(r *http.Request) *connect.Error {
	if r.Method != http.MethodGet {
		return nil
	}
	query := r.URL.Query()
	message := query.Get("message")
	switch {
	case !query.Has("encoding"):
		return nil // connect refuses it
	case !query.Has("message"):
		return fieldError(connect.CodeInvalidArgument, "message", "message.required", "must be set, as a query parameter")
	case query.Get("base64") != "1":
		return nil
	}
	if _, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(message, "=")); err != nil {
		return fieldError(connect.CodeInvalidArgument, "message", "message.base64", "must be URL-safe base64, as base64=1 says")
	}
	return nil
}

var errorWriter = connect.NewErrorWriter()

// refuse answers a call with an error, in the protocol of the call. To gRPC that is Trailers-Only: an
// ErrorWriter sends headers and then trailers.
func refuse(w http.ResponseWriter, r *http.Request, err error) {
	kind := r.Header.Get("Content-Type")
	if kind != "application/grpc" && !strings.HasPrefix(kind, "application/grpc+") {
		_ = errorWriter.Write(w, r, err) // the client may be gone
		return
	}
	held := heldHeader{w.Header()}
	_ = errorWriter.Write(held, r, err)
	w.Header().Del("Trailer")
	w.WriteHeader(http.StatusOK)
}

// heldHeader is an http.ResponseWriter that sends nothing: trailers become headers.
type heldHeader struct{ header http.Header }

func (h heldHeader) Header() http.Header         { return h.header }
func (h heldHeader) Write(p []byte) (int, error) { return len(p), nil }
func (h heldHeader) WriteHeader(int)             {}

// writeError writes an error of the Connect protocol with a status that need not be the one
// of its code.
func writeError(w http.ResponseWriter, status int, err *connect.Error) {
	// An ErrorWriter writes plain JSON for a request whose protocol it does not know. The
	// protocol of the actual request may be what is refused.
	_ = errorWriter.Write(statusWriter{w, status}, new(http.Request), err) // the client may be gone
}

// statusWriter is a http.ResponseWriter with a fixed status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w statusWriter) WriteHeader(int) { w.ResponseWriter.WriteHeader(w.status) }
