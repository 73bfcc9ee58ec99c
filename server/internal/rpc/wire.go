package rpc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
)

// controlKey is the context key of a request's *http.ResponseController.
type controlKey struct{}

// wire wraps the service's handlers: it bounds what is read, lets streams set
// deadlines, and explains what connect refuses before it looks at a request.
func wire(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		explained := &explainer{ResponseWriter: w, request: r}
		ctx := context.WithValue(r.Context(), controlKey{}, http.NewResponseController(w))
		r = r.WithContext(ctx)
		if err := checkQuery(r); err != nil {
			writeError(explained, http.StatusBadRequest, err)
			return
		}
		r.Body = limitRequests(r)
		handler.ServeHTTP(explained, r)
	})
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

// limitWrites gives writes until the returned function is called this long to
// be taken by the client. The deadline must not stand any longer: on HTTP/2 it
// resets even a stream that is idle.
func limitWrites(ctx context.Context, limit time.Duration) (lift func()) {
	control, ok := ctx.Value(controlKey{}).(*http.ResponseController)
	if !ok || control.SetWriteDeadline(time.Now().Add(limit)) != nil {
		return func() {}
	}
	return func() { _ = control.SetWriteDeadline(time.Time{}) }
}

// interruptReads ends a Receive that waits for the client.
func interruptReads(ctx context.Context) {
	if control, ok := ctx.Value(controlKey{}).(*http.ResponseController); ok {
		_ = control.SetReadDeadline(time.Now())
	}
}

// explainer gives the bare statuses with which connect refuses a request a body
// that says what to do: a Connect error, as all others are.
type explainer struct {
	http.ResponseWriter
	request *http.Request
}

func (e *explainer) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// Flush makes it an http.Flusher, which connect asks for.
func (e *explainer) Flush() { _ = http.NewResponseController(e.ResponseWriter).Flush() }

func (e *explainer) WriteHeader(status int) {
	var err *connect.Error
	switch status {
	case http.StatusUnsupportedMediaType:
		err = fieldError(connect.CodeInvalidArgument, "content-type", "content-type.known",
			"must be one of "+e.Header().Get("Accept-Post"))
		if e.request.Method == http.MethodGet {
			err = fieldError(connect.CodeInvalidArgument, "encoding", "encoding.known",
				`must be "json" or "proto", as a query parameter beside message, and the request must have no body`)
		}
	case http.StatusMethodNotAllowed:
		err = fieldError(connect.CodeUnimplemented, "method", "method.allowed",
			"must be one of "+e.Header().Get("Allow"))
	case http.StatusHTTPVersionNotSupported:
		err = fieldError(connect.CodeUnimplemented, "protocol", "protocol.http2",
			"must be HTTP/2 for this method: over HTTP/1.1, use chat.v1.ChatRoom/Subscribe and Send")
	default:
		e.ResponseWriter.WriteHeader(status)
		return
	}
	writeError(e.ResponseWriter, status, err)
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
