package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"connectrpc.com/connect"

	"chatroom/server/internal/detach"
)

// response is the http.ResponseWriter of the service's handlers. It lets streams take
// the response over, and explains what connect refuses before it looks at a request.
type response struct {
	http.ResponseWriter
	request *http.Request
	handler http.Handler // of the method
	holding bool         // what is written goes to held
	held    []byte
	taken   bool // what is written from now on is discarded
}

// responseKey is the context key of a request's *response.
type responseKey struct{}

func responseOf(ctx context.Context) *response {
	return ctx.Value(responseKey{}).(*response) // wire puts it there for all handlers
}

// Unwrap is for http.ResponseController.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Write implements http.ResponseWriter.
func (r *response) Write(p []byte) (int, error) {
	switch {
	case r.taken:
		return len(p), nil
	case r.holding:
		r.held = append(r.held, p...)
		return len(p), nil
	}
	return r.ResponseWriter.Write(p)
}

// Flush implements http.Flusher.
func (r *response) Flush() {
	if !r.taken && !r.holding {
		_ = http.NewResponseController(r.ResponseWriter).Flush()
	}
}

// hold keeps what is written, until takeOver returns it: a client may accept headers
// and no data, and the handler must not wait for it.
func (r *response) hold() { r.holding = true }

// takeOver takes the response away from its handler. It returns what was held.
func (r *response) takeOver(g *detach.Group, e detach.Events) (detach.Stream, []byte, error) {
	out, err := g.Take(r.ResponseWriter, r.request, e)
	r.holding, r.taken = false, err == nil
	if err != nil && !errors.Is(err, detach.ErrUnsupported) {
		err = fmt.Errorf("%w: %w", errNotTaken, err) // the client has gone meanwhile
	}
	return out, r.held, err
}

// origin is what is kept of a request for the end of its stream.
type origin struct {
	handler    http.Handler
	method     string
	path       string
	protoMajor int
	header     http.Header
}

// endHeaders are the headers of a request that say how its stream ends. A token is not
// among them: it may have expired by then.
var endHeaders = []string{"Content-Type", "Connect-Protocol-Version"}

func (r *response) origin() origin {
	o := origin{r.handler, r.request.Method, r.request.URL.Path, r.request.ProtoMajor, make(http.Header, len(endHeaders))}
	for _, name := range endHeaders {
		if value := r.request.Header.Get(name); value != "" {
			o.header.Set(name, strings.Clone(value))
		}
	}
	o.path = strings.Clone(o.path)
	return o
}

// codec returns the codec of the request's messages.
func (o *origin) codec(json *codec) *codec {
	if _, name, found := strings.Cut(o.header.Get("Content-Type"), "+"); found && strings.HasPrefix(name, json.name) {
		return json
	}
	return protoCodec
}

// endingKey is the context key of the error with which connect is to end a stream.
type endingKey struct{}

// ending returns the bytes and the trailers that end a stream with an error, in the
// protocol of the request. Connect produces them in a recorder, for a stream on which
// one empty message was sent: without one, gRPC would have the end in the headers.
func (o *origin) ending(err error) (body []byte, trailers http.Header) {
	ctx := context.WithValue(context.Background(), endingKey{}, err)
	request := httptest.NewRequestWithContext(ctx, o.method, o.path, http.NoBody)
	request.Header, request.ProtoMajor = o.header, o.protoMajor
	recorder := httptest.NewRecorder()
	o.handler.ServeHTTP(recorder, request)
	body = recorder.Body.Bytes()
	if len(body) >= 5 {
		body = body[min(len(body), 5+int(binary.BigEndian.Uint32(body[1:5]))):]
	}
	trailers = make(http.Header)
	for name, values := range recorder.Header() {
		if name, isTrailer := strings.CutPrefix(name, http.TrailerPrefix); isTrailer {
			trailers[name] = values
		}
	}
	return body, trailers
}

// ender is the interceptor that ends a stream for origin.ending. Nothing of the
// request is looked at.
type ender struct{}

func (ender) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (ender) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (ender) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		end, ok := ctx.Value(endingKey{}).(error)
		if !ok {
			return next(ctx, conn)
		}
		return errors.Join(conn.Send(emptyMessage{}), end)
	}
}

// emptyMessage is encoded as no bytes.
type emptyMessage struct{}

func (emptyMessage) encoded(*codec) ([]byte, error) { return nil, nil }

// WriteHeader gives the bare statuses with which connect refuses a request a body
// that says what to do: a Connect error, as all others are.
func (r *response) WriteHeader(status int) {
	var err *connect.Error
	switch status {
	case http.StatusUnsupportedMediaType:
		err = fieldError(connect.CodeInvalidArgument, "content-type", "content-type.known",
			"must be one of "+r.Header().Get("Accept-Post"))
		if r.request.Method == http.MethodGet {
			err = fieldError(connect.CodeInvalidArgument, "encoding", "encoding.known",
				`must be "json" or "proto", as a query parameter beside message, and the request must have no body`)
		}
	case http.StatusMethodNotAllowed:
		err = fieldError(connect.CodeUnimplemented, "method", "method.allowed",
			"must be one of "+r.Header().Get("Allow"))
	case http.StatusHTTPVersionNotSupported:
		err = fieldError(connect.CodeUnimplemented, "protocol", "protocol.http2",
			"must be HTTP/2 for this method: over HTTP/1.1, use chat.v1.ChatRoom/Subscribe and Send")
	default:
		if !r.taken {
			r.ResponseWriter.WriteHeader(status)
		}
		return
	}
	writeError(r.ResponseWriter, status, err)
}

var _ http.Flusher = (*response)(nil) // connect asks for it
