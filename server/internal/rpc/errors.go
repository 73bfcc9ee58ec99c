package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/schema"
)

// errorDomain is the domain of ErrorInfo details.
const errorDomain = "chat.v1"

// errGoingAway ends streams when the server stops, and refuses new ones.
var errGoingAway = errors.New("the server is going away: reconnect")

// errClientGone ends a stream whose client disconnects before the stream begins.
var errClientGone = errors.New("the client has disconnected")

// errInternal hides the cause of an internal error, which is logged.
var errInternal = errors.New("internal error")

// toError maps the errors of all methods to codes. This is how a client reacts to each:
//   - invalid_argument, not_found, permission_denied, already_exists, resource_exhausted:
//     it changes the request
//   - resource_exhausted with RetryInfo: it came too often, and it retries after that
//   - unauthenticated: it signs in, again if it has a token
//   - out_of_range: it lists the room's events without a cursor
//   - unavailable, deadline_exceeded: it retries after a delay
//   - internal: it reports the error; the server's log has the cause
func toError(ctx context.Context, log *slog.Logger, err error) *connect.Error {
	if coded := withDetails(err); coded != nil {
		return coded
	}
	switch {
	case errors.Is(err, chat.ErrSignIn):
		return newError(connect.CodeUnauthenticated, "this method needs an identity: sign in, and send the token",
			&errdetails.ErrorInfo{Reason: "TOKEN_REQUIRED", Domain: errorDomain, Metadata: map[string]string{"header": "Authorization"}})
	case errors.Is(err, chat.ErrIDReused):
		return newError(connect.CodeAlreadyExists, "id: was used for an event with another body: a new event needs a new id",
			&errdetails.ErrorInfo{Reason: "ID_REUSED", Domain: errorDomain, Metadata: map[string]string{"field": "id"}})
	case errors.Is(err, chat.ErrUnknownRoom):
		return fieldError(connect.CodeNotFound, "room", "room.known", "must be a room that has an event, a member or a profile")
	case errors.Is(err, identity.ErrGuestsOff) && !errors.Is(err, identity.ErrInvalidToken):
		return newError(connect.CodePermissionDenied, "this server does not let guests sign in",
			&errdetails.ErrorInfo{Reason: "GUESTS_OFF", Domain: errorDomain})
	case errors.Is(err, identity.ErrInvalidToken):
		return credentialError(err)
	case errors.Is(err, identity.ErrKeysUnavailable):
		return newError(connect.CodeUnavailable, "the token can't be verified now, as the keys of its issuer are not available: retry",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(10 * time.Second)})
	case errors.Is(err, errNotAGuest):
		return newError(connect.CodePermissionDenied, err.Error(),
			&errdetails.ErrorInfo{Reason: "NOT_A_GUEST", Domain: errorDomain})
	case errors.Is(err, errGoingAway), errors.Is(err, chat.ErrClosed), errors.Is(err, chat.ErrStoreClosed):
		return newError(connect.CodeUnavailable, errGoingAway.Error(),
			&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	case errors.Is(err, chat.ErrUnknownOutcome):
		return newError(connect.CodeUnavailable, "the event may or may not be stored: send it again with the same id, which stores it once",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	case errors.Is(err, chat.ErrNotStored):
		return newError(connect.CodeUnavailable, "the event could not be stored, and was not delivered to anyone: send it again with the same id",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(5 * time.Second)})
	case errors.Is(err, chat.ErrUnreachable):
		return newError(connect.CodeUnavailable, "the store can't be reached now: retry",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	case errors.Is(err, errClientGone):
		return connect.NewError(connect.CodeCanceled, errClientGone)
	case ctx.Err() != nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return connect.NewError(connect.CodeDeadlineExceeded, context.DeadlineExceeded)
		}
		return connect.NewError(connect.CodeCanceled, context.Canceled)
	default:
		log.ErrorContext(ctx, "internal error", "err", err)
		return connect.NewError(connect.CodeInternal, errInternal)
	}
}

// withDetails maps an error that has details of its own. It returns nil for another one.
func withDetails(err error) *connect.Error {
	var (
		decode  *decodeError
		coded   *connect.Error
		field   *chat.FieldError
		lost    *chat.CursorLostError
		target  *chat.TargetError
		payload *schema.InvalidError
		delayed *chat.ErasureDelayedError
	)
	if limit, ok := limitError(err); ok {
		return limit
	}
	if refusal, ok := errors.AsType[*refusal](err); ok {
		return refusal.coded()
	}
	switch {
	case errors.As(err, &decode):
		return decode.refusal
	case errors.As(err, &coded):
		return coded
	case errors.As(err, &field):
		return fieldError(connect.CodeInvalidArgument, field.Field, field.Rule, field.Bound)
	case errors.As(err, &target):
		return targetError(target)
	case errors.As(err, &payload):
		return payloadError(payload)
	case errors.As(err, &delayed):
		return erasureDelayed(delayed)
	case errors.As(err, &lost):
		return cursorLost(lost)
	default:
		return nil
	}
}

func cursorLost(err *chat.CursorLostError) *connect.Error {
	return newError(connect.CodeOutOfRange,
		fmt.Sprintf("the cursor in room %q can't be honoured: list events without a cursor, and continue from there", err.Room),
		&errdetails.ErrorInfo{Reason: "CURSOR_LOST", Domain: errorDomain, Metadata: map[string]string{
			"room": err.Room, "epoch": err.Epoch, "oldest": strconv.FormatUint(err.Oldest, 10),
		}})
}

func payloadError(err *schema.InvalidError) *connect.Error {
	return newError(connect.CodeInvalidArgument, err.Error(), err.Detail())
}

func targetError(err *chat.TargetError) *connect.Error {
	switch {
	case errors.Is(err, chat.ErrNotOwner):
		return fieldError(connect.CodePermissionDenied, err.Field, "target.own", "must be a message of the caller's own")
	case errors.Is(err, chat.ErrRoomCreation):
		const bound = "must exist: this server does not let the caller create rooms (-room-creation)"
		return newError(connect.CodePermissionDenied, err.Field+": "+bound, violations(err.Field, "room.exists", bound),
			&errdetails.ErrorInfo{Reason: "RIGHT_REQUIRED", Domain: errorDomain, Metadata: map[string]string{
				"room": err.Room, "right": policy.Create.String(),
			}})
	}
	return fieldError(connect.CodeNotFound, err.Field, "target.known", "must be the sequence of a message in the room that is not deleted")
}

// erasureDelayed is the error of a deletion that is stored, but whose target could not be
// erased yet.
func erasureDelayed(err *chat.ErasureDelayedError) *connect.Error {
	return newError(connect.CodeUnavailable,
		"the message is deleted and no longer sent to anyone, but its text may still be in the server's files; the server retries until it is erased: send the deletion again with the same id to wait for that",
		&errdetails.ErrorInfo{Reason: "ERASURE_DELAYED", Domain: errorDomain, Metadata: map[string]string{
			"epoch": err.Receipt.At.Epoch, "sequence": strconv.FormatUint(err.Receipt.At.Sequence, 10),
		}},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(5 * time.Second)})
}

// inField prefixes the field that an error names with the path of the message that
// contains it.
func inField(path string, err error) error {
	if field, ok := errors.AsType[*chat.FieldError](err); ok {
		nested := *field
		nested.Field = path + "." + field.Field
		return &nested
	}
	if target, ok := errors.AsType[*chat.TargetError](err); ok {
		return &chat.TargetError{Field: path + "." + target.Field, Err: target.Err, Room: target.Room}
	}
	if payload, ok := errors.AsType[*schema.InvalidError](err); ok {
		return payload.In(path)
	}
	return err
}

// inPayload prefixes the fields that an error of the schema names with the path of the
// payload in SendRequest.
func inPayload(err error) error {
	if payload, ok := errors.AsType[*schema.InvalidError](err); ok {
		return payload.In("custom", "payload")
	}
	return err
}

func fieldError(code connect.Code, field, rule, bound string) *connect.Error {
	message := bound
	if field != "" {
		message = field + ": " + bound
	}
	return newError(code, message, violations(field, rule, bound))
}

func newError(code connect.Code, message string, details ...proto.Message) *connect.Error {
	err := connect.NewError(code, errors.New(message))
	for _, d := range details {
		detail, encodeErr := connect.NewErrorDetail(d)
		if encodeErr != nil {
			panic(encodeErr) // a generated message can always be encoded
		}
		err.AddDetail(detail)
	}
	return err
}

// violations returns the detail for a rule that is checked in code, of the type that
// protovalidate uses for the rules in the contract. An empty path is the whole request.
func violations(path, rule, message string) *validate.Violations {
	v := &validate.Violation{RuleId: proto.String(rule), Message: proto.String(message)}
	if path != "" {
		v.Field = &validate.FieldPath{}
		for name := range strings.SplitSeq(path, ".") {
			v.Field.Elements = append(v.Field.Elements, &validate.FieldPathElement{FieldName: proto.String(name)})
		}
	}
	return &validate.Violations{Violations: []*validate.Violation{v}}
}

// rejectedFrame returns the reply to a refused request on a stream, with the code, message
// and details that a unary call gets.
func rejectedFrame(id, room string, err *connect.Error) *chatv1.Frame {
	rejected := &chatv1.Rejected{Id: id, Room: room, Code: int32(err.Code()), Message: err.Message()}
	for _, d := range err.Details() {
		rejected.Details = append(rejected.Details, &anypb.Any{
			TypeUrl: "type.googleapis.com/" + d.Type(), Value: d.Bytes(),
		})
	}
	return &chatv1.Frame{Kind: &chatv1.Frame_Rejected{Rejected: rejected}}
}

// errorMapping is the outermost interceptor: it applies toError and delayError to the
// errors of all methods.
type errorMapping struct{ server *Server }

func (e errorMapping) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, req connect.AnyRequest) (connect.AnyResponse, error) {
		begin := time.Now()
		response, err := next(ctx, req)
		took := time.Since(begin)
		if err != nil {
			e.server.delayError(ctx)
			e.server.logRefusal(ctx, err)
			coded := toError(ctx, e.server.config.Log, err)
			e.server.counts.calls.add(req.Spec().Procedure, coded.Code())
			e.server.logCall(ctx, req, took, coded)
			return nil, coded
		}
		e.server.counts.calls.add(req.Spec().Procedure, 0)
		e.server.logCall(ctx, req, took, nil)
		return response, nil
	}
}

func (e errorMapping) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

func (e errorMapping) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		if err := next(ctx, conn); err != nil {
			e.server.delayError(ctx)
			e.server.logRefusal(ctx, err)
			coded := toError(ctx, e.server.config.Log, err)
			if !IsEnding(ctx) {
				e.server.counts.failedStreams.add(conn.Spec().Procedure, coded.Code())
			}
			return coded
		}
		return nil
	}
}
