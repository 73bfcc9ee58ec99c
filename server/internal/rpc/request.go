package rpc

import (
	"context"
	"errors"
	"net/http"

	"buf.build/go/protovalidate"
	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// decodeError is the codec's error for a request that is too large or not what the
// method takes. Connect wraps the errors of a codec in one of its own, without details,
// so toError and refused unwrap it.
type decodeError struct {
	refusal *connect.Error // what the client is told
}

func (e *decodeError) Error() string { return e.refusal.Message() }
func (e *decodeError) Unwrap() error { return e.refusal }

// refused returns the error to reply to a request with if err is about that request
// alone, so that its stream continues.
func refused(err error) (*connect.Error, bool) {
	if e, ok := errors.AsType[*decodeError](err); ok {
		return e.refusal, true
	}
	if _, ok := errors.AsType[*protovalidate.ValidationError](err); ok {
		return errors.AsType[*connect.Error](err)
	}
	return nil, false
}

// unaryRequest is the request message of a unary method, or the reason why it could not
// be decoded.
//
// Connect decodes the request of a unary call before its interceptors run, and sends
// an error of the codec to the client without details. So the codec stores the error
// here instead of returning it, and refuseUndecodable returns it (decision 10).
// Streams don't need this: their interceptors see the errors of Receive.
type unaryRequest[T any, M protoMessage[T]] struct {
	message T
	err     error
}

// protoMessage is the constraint for a pointer *T that is a protobuf message.
type protoMessage[T any] interface {
	*T
	proto.Message
}

// ProtoReflect implements proto.Message, so that the codec and the interceptors handle
// the request as the message in it.
func (r *unaryRequest[T, M]) ProtoReflect() protoreflect.Message {
	return M(&r.message).ProtoReflect()
}

func (r *unaryRequest[T, M]) setDecodeError(err error) { r.err = err }
func (r *unaryRequest[T, M]) decodeError() error       { return r.err }
func (r *unaryRequest[T, M]) content() proto.Message   { return M(&r.message) }

// anyUnaryRequest is a unaryRequest of any type.
type anyUnaryRequest interface {
	setDecodeError(error)
	decodeError() error
	content() proto.Message
}

// handlerConstructor returns the handler of one method.
type handlerConstructor func(procedure string, options ...connect.HandlerOption) http.Handler

// unary returns the constructor for a unary method.
func unary[Req, Res any, M protoMessage[Req]](method func(context.Context, *Req) (*Res, error)) handlerConstructor {
	handle := func(ctx context.Context, r *unaryRequest[Req, M]) (*Res, error) { return method(ctx, &r.message) }
	return func(procedure string, options ...connect.HandlerOption) http.Handler {
		return connect.NewUnaryHandlerSimple(procedure, handle, options...)
	}
}

// serviceHandler returns the handler of a service of the contract and its pattern. It is
// what chatv1connect returns, except that the unary methods take a unaryRequest. It panics
// if a method of the service has no constructor.
func serviceHandler(service protoreflect.ServiceDescriptor, constructors map[protoreflect.Name]handlerConstructor, unknown http.HandlerFunc, options connect.HandlerOption) (string, http.Handler) {
	pattern := "/" + string(service.FullName()) + "/"
	handlers := make(map[string]http.Handler)
	for i := range service.Methods().Len() {
		method := service.Methods().Get(i)
		procedure := pattern + string(method.Name())
		handlers[procedure] = constructors[method.Name()](procedure, connect.WithSchema(method), withIdempotency(method), options)
	}
	return pattern, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if handler := handlers[r.URL.Path]; handler != nil {
			handler.ServeHTTP(w, r)
			return
		}
		unknown(w, r)
	})
}

// withIdempotency is the option for a method's idempotency_level in the contract, which
// decides whether it can be called with GET.
func withIdempotency(method protoreflect.MethodDescriptor) connect.HandlerOption {
	options, _ := method.Options().(*descriptorpb.MethodOptions)
	if options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS {
		return connect.WithIdempotency(connect.IdempotencyNoSideEffects)
	}
	return connect.WithIdempotency(connect.IdempotencyUnknown)
}

// refuseUndecodable is the interceptor that refuses the unary requests that could not be
// decoded. It runs before the one that validates.
func refuseUndecodable(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		if r, ok := req.Any().(anyUnaryRequest); ok && r.decodeError() != nil {
			return nil, r.decodeError()
		}
		return next(ctx, req)
	}
}
