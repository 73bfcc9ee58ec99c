package tracing

import (
	"context"
	"strings"
	"time"

	"connectrpc.com/connect"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"chatroom/server/internal/rpc"
)

// streams traces the beginning and the end of streams. Spans of otelconnect would last as long
// as the handler, which for Chat is as long as the stream.
type streams struct{ *Tracing }

// WrapUnary implements connect.Interceptor.
func (s streams) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

// WrapStreamingClient implements connect.Interceptor.
func (s streams) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (s streams) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if rpc.IsEnding(ctx) {
			return next(ctx, conn)
		}
		procedure := strings.TrimPrefix(conn.Spec().Procedure, "/")
		attributes := trace.WithAttributes(attribute.String("rpc.method", procedure), attribute.String("rpc.system.name", system(conn.Peer().Protocol)))
		ctx = s.propagator.Extract(ctx, propagation.HeaderCarrier(conn.RequestHeader()))
		ctx, span := s.tracer.Start(ctx, procedure+" begin", trace.WithSpanKind(trace.SpanKindServer), attributes)
		begun := time.Now()
		stream := span.SpanContext()
		ctx = rpc.WithStreamEnd(ctx, func(reason error) {
			parent := trace.ContextWithSpanContext(context.Background(), stream)
			_, end := s.tracer.Start(parent, procedure+" end", attributes, trace.WithAttributes(attribute.Float64("chatroom.stream.seconds", time.Since(begun).Seconds())))
			endWith(end, reason)
		})
		err := next(ctx, &beginning{StreamingHandlerConn: conn, span: span})
		endWith(span, err)
		return err
	}
}

// beginning is a connection that ends a span with the first message, which says what was
// joined. Handlers send it by themselves, and everything else around the connection.
type beginning struct {
	connect.StreamingHandlerConn
	span trace.Span
}

// Send implements connect.StreamingHandlerConn.
func (b *beginning) Send(message any) error {
	err := b.StreamingHandlerConn.Send(message)
	endWith(b.span, err)
	return err
}

// endWith ends a span. Ending it again has no effect.
func endWith(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
		span.SetAttributes(attribute.String("error.type", connect.CodeOf(err).String()))
	}
	span.End()
}

// system returns the value of rpc.system.name for a protocol.
func system(protocol string) string {
	if protocol == connect.ProtocolConnect {
		return "connectrpc"
	}
	return "grpc"
}

// BeginSend is for rpc.Config: it begins the span of a send on a stream. The span is the root
// of a trace of its own, since a stream may last for days, and has a link to the stream.
func (t *Tracing) BeginSend() func(context.Context, string) (context.Context, func(error)) {
	if t == nil {
		return nil
	}
	return func(ctx context.Context, room string) (context.Context, func(error)) {
		ctx, span := t.tracer.Start(ctx, "send on a stream", trace.WithNewRoot(), trace.WithLinks(trace.LinkFromContext(ctx)),
			trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("chatroom.room", room)))
		return ctx, func(err error) { endWith(span, err) }
	}
}
