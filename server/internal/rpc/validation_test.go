package rpc

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
)

// The texts of broken rules name the field and the bound in words, and the details are the
// same.
func TestBoundsInWords(t *testing.T) {
	const room = "must be 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen"
	for want, request := range map[string]proto.Message{
		"room: " + room + "; limit: must be less than or equal to 500": &chatv1.ListEventsRequest{Room: "Bad Room", Limit: 501},
		"join.room: " + room:                    joinRequest("Bad Room"),
		"rooms[0].room: " + room:                &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "É"}}},
		"name: must not be empty":               &chatv1.SignInRequest{},
		"action: exactly one field is required": &chatv1.ChatRequest{},
		"id: must be at most 64 bytes":          textSend("lobby", strings.Repeat("x", 65), "hi"),
		"page_token: must be the next_page_token of a page of this list, or empty": &chatv1.ListAuditRequest{Room: "lobby", PageToken: "/"},
		"wait: must be greater than or equal to 0s and less than or equal to 30s":  &chatv1.ListEventsRequest{Room: "lobby", Wait: durationpb.New(time.Minute)},
		"order: must be one of the values of the contract":                         &chatv1.ListRoomsRequest{Order: 9},
	} {
		err := requests.Validate(request)
		invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
		if !ok || err.Error() != want {
			t.Errorf("Validate(%v) = %v, want %q", request, err, want)
			continue
		}
		for _, v := range invalid.ToProto().GetViolations() {
			if text := protovalidate.FieldPathString(v.GetField()) + ": " + v.GetMessage(); !strings.Contains(want, text) || v.GetRuleId() == "" {
				t.Errorf("Validate(%v) has the violation %v, want it in %q", request, v, want)
			}
		}
	}
	if err := requests.Validate(joinRequest("lobby")); err != nil {
		t.Errorf("Validate of a valid request = %v, want nil", err)
	}
}

// A request that breaks a hundred rules is refused with the first ones.
func TestViolationsAreBounded(t *testing.T) {
	request := new(chatv1.SubscribeRequest)
	for i := range 100 {
		request.Rooms = append(request.Rooms, &chatv1.Subscription{Room: fmt.Sprint("Room ", i)})
	}
	err := requests.Validate(request)
	invalid, ok := errors.AsType[*protovalidate.ValidationError](err)
	if !ok || len(invalid.ToProto().GetViolations()) != maxViolations || !strings.HasSuffix(err.Error(), "; and 84 more") {
		t.Errorf("Validate = %v, want %d violations and 84 more", err, maxViolations)
	}
}
