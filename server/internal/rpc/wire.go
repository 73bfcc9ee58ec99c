package rpc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// wire wraps the service's handlers: it bounds what is read, and gives them a
// response.
func wire(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := checkQuery(r); err != nil {
			writeError(w, http.StatusBadRequest, err)
			return
		}
		answer := &response{ResponseWriter: w, handler: handler, request: r}
		r = r.WithContext(context.WithValue(r.Context(), responseKey{}, answer))
		r.Body = limitRequests(r)
		if !strings.HasSuffix(r.URL.Path, "/Chat") { // whose requests may come at any time
			r.Body = &timedBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
		}
		handler.ServeHTTP(answer, r)
	})
}

// bodyTimeout is how long a client may take to send a request that is not a stream.
const bodyTimeout = 10 * time.Second

// timedBody is the body of a request that must arrive within bodyTimeout.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	begun   bool
}

// Read implements io.Reader. A deadline that can't be set is that of a test's recorder.
func (b *timedBody) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		_ = b.control.SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{}) // a long poll lasts longer
	}
	return n, err
}

// checkQuery looks at the request in the query of a GET, where it is meant to be
// one in the Connect protocol. Connect takes a message that can't be read there
// for an unknown error.
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

// writeError answers with an error of the Connect protocol.
func writeError(w http.ResponseWriter, status int, err *connect.Error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(toWireError(err)) // who asked may have gone
}

// wireError is the JSON form of an error in the Connect protocol.
type wireError struct {
	Code    string       `json:"code"`
	Message string       `json:"message"`
	Details []wireDetail `json:"details"`
}

type wireDetail struct {
	Type  string `json:"type"`
	Value string `json:"value"` // base64 without padding
}

func toWireError(err *connect.Error) wireError {
	wire := wireError{Code: err.Code().String(), Message: err.Message()}
	for _, d := range err.Details() {
		wire.Details = append(wire.Details, wireDetail{Type: d.Type(), Value: base64.RawStdEncoding.EncodeToString(d.Bytes())})
	}
	return wire
}
