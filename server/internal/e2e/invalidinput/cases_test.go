package invalidinput

import (
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// sizeBound is the limit of a request's size, as errors name it.
const sizeBound = "65536"

// oversize is a little over what a request may be, hugeSize far
// over it and over all that is read of one.
const (
	oversize = 64<<10 + 1
	hugeSize = 3 << 20
)

// procedure is a procedure.
type procedure string

// refuses returns a case: what one request is answered with.
func (m procedure) refuses(name string, body requestBody, want harness.WantError) refusedCase {
	return refusedCase{name: name, method: string(m), body: body, want: want}
}

// undecodableRequests are requests that are not messages of the method's type.
func undecodableRequests(method procedure, valid requestBody) []refusedCase {
	tooLarge := harness.WantError{Code: connect.CodeResourceExhausted, Bound: sizeBound}
	huge := method.refuses("a request far over the limit", valid.padded(hugeSize), tooLarge)
	huge.fatal = true
	return []refusedCase{
		method.refuses("a request that is not text", requestBody{json: []byte("\xff\xfe")}, harness.InvalidArgument("", "must be a chat.v1.")),
		method.refuses("a request that is garbage", requestBody{json: []byte("\x00\x01garbage"), proto: []byte("\xff\xff\xff\xffgarbage")}, harness.InvalidArgument("", "must be a chat.v1.")),
		method.refuses("a request that is cut off", requestBody{json: valid.json[:len(valid.json)-1], proto: valid.proto[:len(valid.proto)-1]}, harness.InvalidArgument("", "must be a chat.v1.")),
		method.refuses(notAnObject, requestBody{json: []byte(`["lobby"]`)}, harness.InvalidArgument("", "must be a chat.v1.")),
		method.refuses("a request just over the limit", valid.padded(oversize), tooLarge),
		huge,
	}
}

// invalidSends are bad requests to Send, and on Chat.
func invalidSends() []refusedCase {
	const method = procedure(chatv1connect.ChatRoomSendProcedure)
	inRoom := func(room string) requestBody {
		m := messageInRoom("id", "text")
		m.Room = room
		return encode(m)
	}
	withID := func(id string) requestBody { return encode(messageInRoom(id, "text")) }
	saying := func(text string) requestBody { return encode(messageInRoom("id", text)) }
	room := harness.InvalidArgument("room", harness.RoomNameRule)
	cases := []refusedCase{
		method.refuses("no room", inRoom(""), room),
		method.refuses("a room of 65 characters", inRoom(strings.Repeat("a", 65)), room),
		method.refuses("a room with an upper-case letter", inRoom("Lobby"), room),
		method.refuses("a room with a space", inRoom("the lobby"), room),
		method.refuses("a room with a slash", inRoom("a/b"), room),
		method.refuses("a room that ends in a newline", inRoom("lobby\n"), room),
		method.refuses("a room outside ASCII", inRoom("λόμπι"), room),
		method.refuses("a room that is not UTF-8", inRoom(placeholder).notUTF8(), harness.InvalidArgument("room", "must be valid UTF-8")),
		method.refuses("no id", withID(""), harness.InvalidArgument("id", "must not be empty")),
		method.refuses("an id of 65 bytes", withID(strings.Repeat("i", 65)), harness.InvalidArgument("id", "64")),
		method.refuses("an id of 22 characters and 66 bytes", withID(strings.Repeat("界", 22)), harness.InvalidArgument("id", "64")),
		method.refuses("an id that is not UTF-8", withID(placeholder).notUTF8(), harness.InvalidArgument("id", "must be valid UTF-8")),
		method.refuses("no text", saying(""), harness.InvalidArgument("message.text", "must not be empty")),
		method.refuses("a text of 4,001 characters", saying(strings.Repeat("界", 4001)), harness.InvalidArgument("message.text", "4000")),
		method.refuses("a text of white space", saying(" \t\n\u00a0\u2003"), harness.InvalidArgument("message.text", "visible")),
		method.refuses("a text that is not UTF-8", saying("so "+placeholder).notUTF8(), harness.InvalidArgument("message.text", "must be valid UTF-8")),
		method.refuses("no body", encode(&chatv1.SendRequest{Room: roomName, Id: "id"}), harness.InvalidArgument("body", "exactly one field is required")),
		method.refuses("nothing at all", encode(&chatv1.SendRequest{}), harness.InvalidArgument("id", "must not be empty")),
		method.refuses("a body of an unknown kind", requestBody{
			json:  []byte(`{"room":"lobby","id":"id","picture":{"url":"x"}}`),
			proto: append(encode(&chatv1.SendRequest{Room: roomName, Id: "id"}).proto, 0xa2, 0x06, 1, 'x'),
		}, harness.InvalidArgument("body", "exactly one field is required")),
	}
	return append(cases, undecodableRequests(method, saying("text"))...)
}

// invalidHistoryRequests are bad requests to ListEvents.
func invalidHistoryRequests(epoch string) []refusedCase {
	const method = procedure(chatv1connect.ChatRoomListEventsProcedure)
	const beyond = uint64(1) << 40
	after := func(of string, sequence uint64) requestBody {
		return encode(&chatv1.ListEventsRequest{Room: roomName, Page: &chatv1.ListEventsRequest_After{
			After: &chatv1.Cursor{Epoch: of, Sequence: sequence},
		}})
	}
	before := func(of string, wait time.Duration) requestBody {
		return encode(&chatv1.ListEventsRequest{Room: roomName, Wait: durationpb.New(wait), Page: &chatv1.ListEventsRequest_Before{
			Before: &chatv1.Cursor{Epoch: of, Sequence: 1},
		}})
	}
	waiting := func(d *durationpb.Duration) requestBody {
		return encode(&chatv1.ListEventsRequest{Room: roomName, Wait: d})
	}
	in := func(name string) requestBody { return encode(&chatv1.ListEventsRequest{Room: name}) }
	lost := harness.WantError{Code: connect.CodeOutOfRange, Info: "CURSOR_LOST", Bound: `room "lobby"`}
	unknown := harness.WantError{Code: connect.CodeNotFound, Field: "room", Bound: "that has an event, a member or a profile"}
	cases := []refusedCase{
		method.refuses("history of no room", in(""), harness.InvalidArgument("room", harness.RoomNameRule)),
		method.refuses("history of a bad room", in("Lobby!"), harness.InvalidArgument("room", harness.RoomNameRule)),
		method.refuses("history of an unknown room", in("nobody-was-here"), unknown),
		method.refuses("waiting in an unknown room", encode(&chatv1.ListEventsRequest{Room: "nobody-was-here", Wait: durationpb.New(30 * time.Second)}), unknown),
		method.refuses("history of a room that is not UTF-8", in(placeholder).notUTF8(), harness.InvalidArgument("room", "must be valid UTF-8")),
		method.refuses("a cursor of another epoch", after("another", 1), lost),
		method.refuses("a cursor beyond the end", after(epoch, beyond), lost),
		method.refuses("a cursor before, of another epoch", before("another", 0), lost),
		method.refuses("a cursor without an epoch", after("", 1), harness.InvalidArgument("after.epoch", "must not be empty")),
		method.refuses("a cursor with an epoch of 65 bytes", after(strings.Repeat("e", 65), 1), harness.InvalidArgument("after.epoch", "64")),
		method.refuses("a cursor that is not UTF-8", after(placeholder, 1).notUTF8(), harness.InvalidArgument("after.epoch", "must be valid UTF-8")),
		method.refuses("a limit of 501", encode(&chatv1.ListEventsRequest{Room: roomName, Limit: 501}), harness.InvalidArgument("limit", "500")),
		method.refuses("a negative limit", requestBody{json: []byte(`{"room":"lobby","limit":-1}`)}, harness.InvalidArgument("limit", "must be a number of the type uint32")),
		method.refuses("a wait of over 30 s", waiting(&durationpb.Duration{Seconds: 30, Nanos: 1}), harness.InvalidArgument("wait", "30s")),
		method.refuses("a negative wait", waiting(durationpb.New(-time.Second)), harness.InvalidArgument("wait", "0s")),
		method.refuses("a wait for what comes before", before(epoch, time.Second), harness.InvalidArgument("wait", "must not be set together with before")),
	}
	return append(cases, undecodableRequests(method, in(roomName))...)
}

// invalidListRequests are bad requests to ListRooms.
func invalidListRequests() []refusedCase {
	const method = procedure(chatv1connect.ChatRoomListRoomsProcedure)
	after := func(token string) requestBody { return encode(&chatv1.ListRoomsRequest{PageToken: token}) }
	cases := []refusedCase{
		method.refuses("a page of 1,001 rooms", encode(&chatv1.ListRoomsRequest{PageSize: 1001}), harness.InvalidArgument("page_size", "1000")),
		method.refuses("a page token of 129 bytes", after(strings.Repeat("t", 129)), harness.InvalidArgument("page_token", "128")),
		method.refuses("an order that is not known", encode(&chatv1.ListRoomsRequest{Order: 7}), harness.InvalidArgument("order", "one of the values")),
		method.refuses("a page token that is not UTF-8", after(placeholder).notUTF8(), harness.InvalidArgument("page_token", "must be valid UTF-8")),
	}
	return append(cases, undecodableRequests(method, after("token"))...)
}

// invalidSignIns are bad requests to SignIn.
func invalidSignIns() []refusedCase {
	const method = procedure(chatv1connect.ChatRoomSignInProcedure)
	as := func(name string) requestBody { return encode(&chatv1.SignInRequest{Name: name}) }
	characters := harness.InvalidArgument("name", "1 to 40 characters")
	cases := []refusedCase{
		method.refuses("no name", as(""), harness.InvalidArgument("name", "must not be empty")),
		method.refuses("a name of 41 characters", as(strings.Repeat("ж", 41)), harness.InvalidArgument("name", "40")),
		method.refuses("a name of white space", as(" \u00a0 "), characters),
		method.refuses("a name that turns the text around", as("eve\u202enimda"), characters),
		method.refuses("a name with an isolate", as("a\u2066b\u2069"), characters),
		method.refuses("a name with an invisible space", as("a\u200bb"), characters),
		method.refuses("a name on two lines", as("a\nb"), characters),
		method.refuses("a name with a null", as("a\x00b"), characters),
		method.refuses("a name that is not UTF-8", as(placeholder).notUTF8(), harness.InvalidArgument("name", "must be valid UTF-8")),
	}
	return append(cases, undecodableRequests(method, as("name"))...)
}

// invalidSubscribes are bad requests to Subscribe.
func invalidSubscribes() []refusedCase {
	const method = procedure(chatv1connect.ChatRoomSubscribeProcedure)
	to := func(rooms ...*chatv1.Subscription) requestBody {
		return encode(&chatv1.SubscribeRequest{Rooms: rooms})
	}
	var many []*chatv1.Subscription
	for i := range 101 {
		many = append(many, &chatv1.Subscription{Room: fmt.Sprint("room-", i)})
	}
	lobby := &chatv1.Subscription{Room: roomName}
	cases := []refusedCase{
		method.refuses("no rooms", to(), harness.InvalidArgument("rooms", "at least 1 item")),
		method.refuses("101 rooms", to(many...), harness.InvalidArgument("rooms", "100")),
		method.refuses("a subscription to a bad room", to(lobby, &chatv1.Subscription{Room: "Lobby"}), harness.InvalidArgument("rooms[1].room", harness.RoomNameRule)),
		method.refuses("a subscription to a room that is not UTF-8", to(&chatv1.Subscription{Room: placeholder}).notUTF8(), harness.InvalidArgument("rooms.room", "must be valid UTF-8")),
		method.refuses("the same room twice", to(lobby, lobby), harness.InvalidArgument("rooms.room", "must not be joined twice")),
		method.refuses("the newest 1,001 events", to(&chatv1.Subscription{Room: roomName, Start: &chatv1.Subscription_Recent{Recent: 1001}}), harness.InvalidArgument("rooms[0].recent", "1000")),
		method.refuses("a subscription after no epoch", to(&chatv1.Subscription{Room: roomName, Start: &chatv1.Subscription_After{After: &chatv1.Cursor{Sequence: 1}}}), harness.InvalidArgument("rooms[0].after.epoch", "must not be empty")),
	}
	return append(cases, undecodableRequests(method, to(lobby))...)
}

// invalidActions are bad requests on Chat beside sends, after a join of the
// lobby.
func invalidActions() []refusedCase {
	const method = procedure(chatv1connect.ChatRoomChatProcedure)
	of := func(m proto.Message) requestBody { return encode(m) }
	join := func(s *chatv1.Subscription) requestBody { return of(harness.JoinAction(s)) }
	recent := &chatv1.Subscription{Room: "other", Start: &chatv1.Subscription_Recent{Recent: 1001}}
	cases := []refusedCase{
		method.refuses("joining twice", join(&chatv1.Subscription{Room: roomName}), harness.InvalidArgument("join.room", "must not be joined twice")),
		method.refuses("joining a bad room", join(&chatv1.Subscription{Room: "Lobby"}), harness.InvalidArgument("join.room", harness.RoomNameRule)),
		method.refuses("joining a room that is not UTF-8", join(&chatv1.Subscription{Room: placeholder}).notUTF8(), harness.InvalidArgument("join.room", "must be valid UTF-8")),
		method.refuses("joining with the newest 1,001 events", join(recent), harness.InvalidArgument("join.recent", "1000")),
		method.refuses("leaving a room that is not joined", of(harness.LeaveAction("other")), harness.InvalidArgument("leave.room", "must be joined to be left")),
		method.refuses("leaving a bad room", of(harness.LeaveAction("Lobby")), harness.InvalidArgument("leave.room", harness.RoomNameRule)),
		method.refuses("no action", of(&chatv1.ChatRequest{}), harness.InvalidArgument("action", "exactly one field is required")),
		method.refuses("an unknown action", requestBody{json: []byte(`{"dance":{"room":"lobby"}}`), proto: []byte("\x7a\x05lobby")}, harness.InvalidArgument("action", "exactly one field is required")),
	}
	return append(cases, undecodableRequests(method, of(harness.LeaveAction("other")))...)
}
