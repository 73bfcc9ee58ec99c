package main

import (
	"fmt"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// The bounds, as messages name them.
const (
	badinputRoomBound = "^[a-z0-9._-]{1,64}$"
	badinputSizeBound = "65536"
)

// badinputOversize is a little over what a request may be, badinputHuge far
// over it and over all that is read of one.
const (
	badinputOversize = 64<<10 + 1
	badinputHuge     = 3 << 20
)

func badinputInvalid(field, bound string) badinputWant {
	return badinputWant{code: connect.CodeInvalidArgument, field: field, bound: bound}
}

// badinputMethod is a procedure.
type badinputMethod string

// refuses returns a case: what one request is answered with.
func (m badinputMethod) refuses(name string, body badinputBody, want badinputWant) badinputCase {
	return badinputCase{name: name, method: string(m), body: body, want: want}
}

// badinputUndecodable are requests that are not what the method takes.
func badinputUndecodable(method badinputMethod, valid badinputBody) []badinputCase {
	tooLarge := badinputWant{code: connect.CodeResourceExhausted, bound: badinputSizeBound}
	huge := method.refuses("a request far over the limit", valid.padded(badinputHuge), tooLarge)
	huge.fatal = true
	return []badinputCase{
		method.refuses("a request that is garbage", badinputBody{json: []byte("\x00\x01garbage"), proto: []byte("\xff\xff\xff\xffgarbage")}, badinputInvalid("", "must be a chat.v1.")),
		method.refuses("a request that is cut off", badinputBody{json: valid.json[:len(valid.json)-1], proto: valid.proto[:len(valid.proto)-1]}, badinputInvalid("", "must be a chat.v1.")),
		method.refuses("a request that is not an object", badinputBody{json: []byte(`["lobby"]`)}, badinputInvalid("", "must be a chat.v1.")),
		method.refuses("a request just over the limit", valid.padded(badinputOversize), tooLarge),
		huge,
	}
}

// badinputSends are bad requests to Send, and on Chat.
func badinputSends() []badinputCase {
	const method = badinputMethod(chatv1connect.ChatRoomSendProcedure)
	inRoom := func(room string) badinputBody {
		m := badinputMessage("id", "text")
		m.Room = room
		return badinputEncode(m)
	}
	withID := func(id string) badinputBody { return badinputEncode(badinputMessage(id, "text")) }
	saying := func(text string) badinputBody { return badinputEncode(badinputMessage("id", text)) }
	room := badinputInvalid("room", badinputRoomBound)
	cases := []badinputCase{
		method.refuses("no room", inRoom(""), room),
		method.refuses("a room of 65 characters", inRoom(strings.Repeat("a", 65)), room),
		method.refuses("a room with an upper-case letter", inRoom("Lobby"), room),
		method.refuses("a room with a space", inRoom("the lobby"), room),
		method.refuses("a room with a slash", inRoom("a/b"), room),
		method.refuses("a room that ends in a newline", inRoom("lobby\n"), room),
		method.refuses("a room outside ASCII", inRoom("λόμπι"), room),
		method.refuses("a room that is not UTF-8", inRoom(badinputPlaceholder).notUTF8(), badinputInvalid("room", "must be valid UTF-8")),
		method.refuses("no id", withID(""), badinputInvalid("id", "at least 1 character")),
		method.refuses("an id of 65 bytes", withID(strings.Repeat("i", 65)), badinputInvalid("id", "64")),
		method.refuses("an id of 22 characters and 66 bytes", withID(strings.Repeat("界", 22)), badinputInvalid("id", "64")),
		method.refuses("an id that is not UTF-8", withID(badinputPlaceholder).notUTF8(), badinputInvalid("id", "must be valid UTF-8")),
		method.refuses("no text", saying(""), badinputInvalid("message.text", "at least 1 character")),
		method.refuses("a text of 4,001 characters", saying(strings.Repeat("界", 4001)), badinputInvalid("message.text", "4000")),
		method.refuses("a text of white space", saying(" \t\n\u00a0\u2003"), badinputInvalid("message.text", "white space")),
		method.refuses("a text that is not UTF-8", saying("so "+badinputPlaceholder).notUTF8(), badinputInvalid("message.text", "must be valid UTF-8")),
		method.refuses("no body", badinputEncode(&chatv1.SendRequest{Room: badinputRoomName, Id: "id"}), badinputInvalid("body", "exactly one field is required")),
		method.refuses("nothing at all", badinputEncode(&chatv1.SendRequest{}), badinputInvalid("id", "at least 1 character")),
		method.refuses("a body of an unknown kind", badinputBody{
			json:  []byte(`{"room":"lobby","id":"id","picture":{"url":"x"}}`),
			proto: append(badinputEncode(&chatv1.SendRequest{Room: badinputRoomName, Id: "id"}).proto, 0xa2, 0x06, 1, 'x'),
		}, badinputInvalid("body", "exactly one field is required")),
	}
	return append(cases, badinputUndecodable(method, saying("text"))...)
}

// badinputHistory are bad requests to ListEvents.
func badinputHistory(epoch string) []badinputCase {
	const method = badinputMethod(chatv1connect.ChatRoomListEventsProcedure)
	const beyond = uint64(1) << 40
	after := func(of string, sequence uint64) badinputBody {
		return badinputEncode(&chatv1.ListEventsRequest{Room: badinputRoomName, Page: &chatv1.ListEventsRequest_After{
			After: &chatv1.Cursor{Epoch: of, Sequence: sequence},
		}})
	}
	before := func(of string, wait time.Duration) badinputBody {
		return badinputEncode(&chatv1.ListEventsRequest{Room: badinputRoomName, Wait: durationpb.New(wait), Page: &chatv1.ListEventsRequest_Before{
			Before: &chatv1.Cursor{Epoch: of, Sequence: 1},
		}})
	}
	waiting := func(d *durationpb.Duration) badinputBody {
		return badinputEncode(&chatv1.ListEventsRequest{Room: badinputRoomName, Wait: d})
	}
	in := func(name string) badinputBody { return badinputEncode(&chatv1.ListEventsRequest{Room: name}) }
	lost := badinputWant{code: connect.CodeOutOfRange, info: "CURSOR_LOST", bound: `room "lobby"`}
	unknown := badinputWant{code: connect.CodeNotFound, field: "room", bound: "in which something was said or somebody is"}
	cases := []badinputCase{
		method.refuses("history of no room", in(""), badinputInvalid("room", badinputRoomBound)),
		method.refuses("history of a bad room", in("Lobby!"), badinputInvalid("room", badinputRoomBound)),
		method.refuses("history of an unknown room", in("nobody-was-here"), unknown),
		method.refuses("waiting in an unknown room", badinputEncode(&chatv1.ListEventsRequest{Room: "nobody-was-here", Wait: durationpb.New(30 * time.Second)}), unknown),
		method.refuses("history of a room that is not UTF-8", in(badinputPlaceholder).notUTF8(), badinputInvalid("room", "must be valid UTF-8")),
		method.refuses("a cursor of another epoch", after("another", 1), lost),
		method.refuses("a cursor beyond the end", after(epoch, beyond), lost),
		method.refuses("a cursor before, of another epoch", before("another", 0), lost),
		method.refuses("a cursor without an epoch", after("", 1), badinputInvalid("after.epoch", "at least 1 character")),
		method.refuses("a cursor with an epoch of 65 bytes", after(strings.Repeat("e", 65), 1), badinputInvalid("after.epoch", "64")),
		method.refuses("a cursor that is not UTF-8", after(badinputPlaceholder, 1).notUTF8(), badinputInvalid("after.epoch", "must be valid UTF-8")),
		method.refuses("a limit of 501", badinputEncode(&chatv1.ListEventsRequest{Room: badinputRoomName, Limit: 501}), badinputInvalid("limit", "500")),
		method.refuses("a negative limit", badinputBody{json: []byte(`{"room":"lobby","limit":-1}`)}, badinputInvalid("", "invalid value for uint32 field limit")),
		method.refuses("a wait of over 30 s", waiting(&durationpb.Duration{Seconds: 30, Nanos: 1}), badinputInvalid("wait", "30s")),
		method.refuses("a negative wait", waiting(durationpb.New(-time.Second)), badinputInvalid("wait", "0s")),
		method.refuses("a wait for what comes before", before(epoch, time.Second), badinputInvalid("wait", "must not be set together with before")),
	}
	return append(cases, badinputUndecodable(method, in(badinputRoomName))...)
}

// badinputLists are bad requests to ListRooms.
func badinputLists() []badinputCase {
	const method = badinputMethod(chatv1connect.ChatRoomListRoomsProcedure)
	after := func(token string) badinputBody { return badinputEncode(&chatv1.ListRoomsRequest{PageToken: token}) }
	cases := []badinputCase{
		method.refuses("a page of 1,001 rooms", badinputEncode(&chatv1.ListRoomsRequest{PageSize: 1001}), badinputInvalid("page_size", "1000")),
		method.refuses("a page token of 129 bytes", after(strings.Repeat("t", 129)), badinputInvalid("page_token", "128")),
		method.refuses("an order that is not known", badinputEncode(&chatv1.ListRoomsRequest{Order: 7}), badinputInvalid("order", "defined")),
		method.refuses("a page token that is not UTF-8", after(badinputPlaceholder).notUTF8(), badinputInvalid("page_token", "must be valid UTF-8")),
	}
	return append(cases, badinputUndecodable(method, after("token"))...)
}

// badinputSignIns are bad requests to SignIn.
func badinputSignIns() []badinputCase {
	const method = badinputMethod(chatv1connect.ChatRoomSignInProcedure)
	as := func(name string) badinputBody { return badinputEncode(&chatv1.SignInRequest{Name: name}) }
	characters := badinputInvalid("name", "1 to 40 characters")
	cases := []badinputCase{
		method.refuses("no name", as(""), badinputInvalid("name", "at least 1 character")),
		method.refuses("a name of 41 characters", as(strings.Repeat("ж", 41)), badinputInvalid("name", "40")),
		method.refuses("a name of white space", as(" \u00a0 "), characters),
		method.refuses("a name that turns the text around", as("eve\u202enimda"), characters),
		method.refuses("a name with an isolate", as("a\u2066b\u2069"), characters),
		method.refuses("a name with an invisible space", as("a\u200bb"), characters),
		method.refuses("a name on two lines", as("a\nb"), characters),
		method.refuses("a name with a null", as("a\x00b"), characters),
		method.refuses("a name that is not UTF-8", as(badinputPlaceholder).notUTF8(), badinputInvalid("name", "must be valid UTF-8")),
	}
	return append(cases, badinputUndecodable(method, as("name"))...)
}

// badinputSubscribes are bad requests to Subscribe.
func badinputSubscribes() []badinputCase {
	const method = badinputMethod(chatv1connect.ChatRoomSubscribeProcedure)
	to := func(rooms ...*chatv1.Subscription) badinputBody {
		return badinputEncode(&chatv1.SubscribeRequest{Rooms: rooms})
	}
	var many []*chatv1.Subscription
	for i := range 101 {
		many = append(many, &chatv1.Subscription{Room: fmt.Sprint("room-", i)})
	}
	lobby := &chatv1.Subscription{Room: badinputRoomName}
	cases := []badinputCase{
		method.refuses("no rooms", to(), badinputInvalid("rooms", "at least 1 item")),
		method.refuses("101 rooms", to(many...), badinputInvalid("rooms", "100")),
		method.refuses("a subscription to a bad room", to(lobby, &chatv1.Subscription{Room: "Lobby"}), badinputInvalid("rooms[1].room", badinputRoomBound)),
		method.refuses("a subscription to a room that is not UTF-8", to(&chatv1.Subscription{Room: badinputPlaceholder}).notUTF8(), badinputInvalid("rooms.room", "must be valid UTF-8")),
		method.refuses("the same room twice", to(lobby, lobby), badinputInvalid("rooms.room", "must not be joined twice")),
		method.refuses("the newest 1,001 events", to(&chatv1.Subscription{Room: badinputRoomName, Start: &chatv1.Subscription_Recent{Recent: 1001}}), badinputInvalid("rooms[0].recent", "1000")),
		method.refuses("a subscription after no epoch", to(&chatv1.Subscription{Room: badinputRoomName, Start: &chatv1.Subscription_After{After: &chatv1.Cursor{Sequence: 1}}}), badinputInvalid("rooms[0].after.epoch", "at least 1 character")),
	}
	return append(cases, badinputUndecodable(method, to(lobby))...)
}

// badinputActions are bad requests on Chat beside sends, after a join of the
// lobby.
func badinputActions() []badinputCase {
	const method = badinputMethod(chatv1connect.ChatRoomChatProcedure)
	of := func(m proto.Message) badinputBody { return badinputEncode(m) }
	join := func(s *chatv1.Subscription) badinputBody { return of(badinputJoin(s)) }
	recent := &chatv1.Subscription{Room: "other", Start: &chatv1.Subscription_Recent{Recent: 1001}}
	cases := []badinputCase{
		method.refuses("joining twice", join(&chatv1.Subscription{Room: badinputRoomName}), badinputInvalid("join.room", "must not be joined twice")),
		method.refuses("joining a bad room", join(&chatv1.Subscription{Room: "Lobby"}), badinputInvalid("join.room", badinputRoomBound)),
		method.refuses("joining a room that is not UTF-8", join(&chatv1.Subscription{Room: badinputPlaceholder}).notUTF8(), badinputInvalid("join.room", "must be valid UTF-8")),
		method.refuses("joining with the newest 1,001 events", join(recent), badinputInvalid("join.recent", "1000")),
		method.refuses("leaving a room that is not joined", of(badinputLeave("other")), badinputInvalid("leave.room", "must be joined to be left")),
		method.refuses("leaving a bad room", of(badinputLeave("Lobby")), badinputInvalid("leave.room", badinputRoomBound)),
		method.refuses("no action", of(&chatv1.ChatRequest{}), badinputInvalid("action", "exactly one field is required")),
		method.refuses("an unknown action", badinputBody{json: []byte(`{"dance":{"room":"lobby"}}`), proto: []byte("\x7a\x05lobby")}, badinputInvalid("action", "exactly one field is required")),
	}
	return append(cases, badinputUndecodable(method, of(badinputLeave("other")))...)
}
