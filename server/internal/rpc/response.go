package rpc

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"

	"connectrpc.com/connect"

	"chatroom/server/internal/detach"
)

// response is the http.ResponseWriter that the handlers of the service write to. It lets a
// stream detach the response from its handler, and gives the bare statuses of connect a
// body.
type response struct {
	http.ResponseWriter
	request   *http.Request
	handler   http.Handler // of the method
	address   netip.Addr   // of the client
	buffering bool         // Write appends to buffered
	buffered  []byte
	detached  bool // Write discards
	text      bool // what is sent is encoded, for the text mode of gRPC-Web
	begun     bool // the headers are as they are to be sent
}

// responseKey is the context key of a request's *response.
type responseKey struct{}

func responseOf(ctx context.Context) *response {
	return ctx.Value(responseKey{}).(*response) // set by withResponse
}

// Unwrap is for http.ResponseController.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Write implements io.Writer.
func (r *response) Write(p []byte) (int, error) {
	switch {
	case r.detached:
		return len(p), nil
	case r.buffering:
		r.buffered = append(r.buffered, p...)
		return len(p), nil
	}
	r.begin()
	if r.text {
		if _, err := r.ResponseWriter.Write(encodeText(p)); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return r.ResponseWriter.Write(p)
}

// begin makes the headers those of the protocol that the client speaks.
func (r *response) begin() {
	if r.begun {
		return
	}
	r.begun = true
	if !r.text {
		return
	}
	h := r.Header()
	if encoding, ok := strings.CutPrefix(h.Get("Content-Type"), webBinary); ok {
		h.Set("Content-Type", webText+encoding)
	}
	h.Del("Content-Length") // it is that of the binary mode
}

// Flush implements http.Flusher.
func (r *response) Flush() {
	if !r.detached && !r.buffering {
		r.begin()
		_ = http.NewResponseController(r.ResponseWriter).Flush()
	}
}

// hold starts to buffer what is written: a client may accept headers and no data, and
// the handler must not wait for it.
func (r *response) hold() { r.buffering = true }

// takeOver detaches the response from its handler, whose later writes are discarded. It
// returns what was buffered.
func (r *response) takeOver(g *detach.Group, e detach.Events) (detach.Stream, []byte, error) {
	r.begin()
	out, err := g.Take(r.ResponseWriter, r.request, e)
	if r.text && err == nil {
		out = textStream{out}
	}
	r.buffering, r.detached = false, err == nil
	if err != nil && !errors.Is(err, detach.ErrUnsupported) {
		err = fmt.Errorf("%w: %w", errClientGone, err)
	}
	return out, r.buffered, err
}

// origin is the part of a request that determines how its stream ends. Authorization is not
// part of it: its token may have expired by then.
type origin struct {
	handler        http.Handler
	method         string
	path           string
	protoMajor     int
	contentType    string
	connectVersion string // the header Connect-Protocol-Version, empty without one
}

// origin returns a copy, so that a stream does not keep its request in memory.
func (r *response) origin() origin {
	return origin{
		handler:        r.handler,
		method:         r.request.Method,
		path:           strings.Clone(r.request.URL.Path),
		protoMajor:     r.request.ProtoMajor,
		contentType:    strings.Clone(r.request.Header.Get("Content-Type")),
		connectVersion: strings.Clone(r.request.Header.Get("Connect-Protocol-Version")),
	}
}

// codec returns the codec of the request's messages: json or protoCodec.
func (o *origin) codec(json *codec) *codec {
	if strings.HasSuffix(o.contentType, "+"+json.name) {
		return json
	}
	return protoCodec
}

// endingKey is the context key of the error that endingInterceptor returns.
type endingKey struct{}

// ending returns the bytes and the trailers that end a stream with an error, in the
// protocol of the request. Connect writes them to a recorder, for a stream that has sent
// one empty message: without a message, connect would put the end of a gRPC stream in the
// headers.
func (o *origin) ending(err error) (body []byte, trailers http.Header) {
	ctx := context.WithValue(context.Background(), endingKey{}, err)
	request := httptest.NewRequestWithContext(ctx, o.method, o.path, http.NoBody)
	request.ProtoMajor = o.protoMajor
	request.Header.Set("Content-Type", o.contentType)
	if o.connectVersion != "" {
		request.Header.Set("Connect-Protocol-Version", o.connectVersion)
	}
	recorder := httptest.NewRecorder()
	o.handler.ServeHTTP(recorder, request)
	body = recorder.Body.Bytes()
	if len(body) >= 5 { // skip the envelope of the empty message
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

// endingInterceptor ends a stream for origin.ending, before its request is read.
type endingInterceptor struct{}

func (endingInterceptor) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (endingInterceptor) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (endingInterceptor) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		end, ok := ctx.Value(endingKey{}).(error)
		if !ok {
			return next(ctx, conn)
		}
		return errors.Join(conn.Send(emptyMessage{}), end)
	}
}

// emptyMessage is encoded as no bytes by both codecs.
type emptyMessage struct{}

func (emptyMessage) encoded(*codec) ([]byte, error) { return nil, nil }

// WriteHeader implements http.ResponseWriter. Connect refuses some requests with a status
// and no body; those get an error of the Connect protocol that names the remedy.
func (r *response) WriteHeader(status int) {
	var err *connect.Error
	switch status {
	case http.StatusUnsupportedMediaType:
		err = fieldError(connect.CodeInvalidArgument, "content-type", "content-type.known",
			contentTypes(r.Header().Get("Accept-Post")))
		if r.request.Method == http.MethodGet {
			err = fieldError(connect.CodeInvalidArgument, "encoding", "encoding.known",
				`must be "json" or "proto", as a query parameter beside message, and the request must have no body`)
		}
	case http.StatusMethodNotAllowed:
		err = fieldError(connect.CodeUnimplemented, "method", "method.allowed",
			"must be "+strings.Join(splitHeader(r.Header().Get("Allow")), " or "))
	case http.StatusHTTPVersionNotSupported:
		err = fieldError(connect.CodeUnimplemented, "protocol", "protocol.http2",
			"must be HTTP/2 for this method: over HTTP/1.1, use chat.v1.ChatRoom/Subscribe and Send")
		// Clients of streams show the error of a stream, and of other statuses the number alone.
		refuse(r.ResponseWriter, r.request, err)
		return
	default:
		if !r.detached {
			r.begin()
			r.ResponseWriter.WriteHeader(status)
		}
		return
	}
	writeError(r.ResponseWriter, status, err)
}

// contentTypes says which content types a method accepts, and first the one of JSON in the
// Connect protocol, which people write by hand: it differs for streams.
func contentTypes(acceptPost string) string {
	all := splitHeader(acceptPost)
	for _, first := range []string{"application/json", "application/connect+json"} {
		if i := slices.Index(all, first); i >= 0 {
			return "must be " + first + ", or one of " + strings.Join(slices.Delete(all, i, i+1), ", ")
		}
	}
	return "must be one of " + acceptPost
}

// splitHeader returns the elements of a header's value.
func splitHeader(value string) (elements []string) {
	for element := range strings.SplitSeq(value, ",") {
		elements = append(elements, strings.TrimSpace(element))
	}
	return elements
}

var _ http.Flusher = (*response)(nil) // connect refuses server streams without it
