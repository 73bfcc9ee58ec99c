package rpc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
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
		r.Body = limitRequests(r)
		handler.ServeHTTP(explained, r)
	})
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
	e.Header().Set("Content-Type", "application/json")
	e.ResponseWriter.WriteHeader(status)
	_ = json.NewEncoder(e.ResponseWriter).Encode(toWireError(err))
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
