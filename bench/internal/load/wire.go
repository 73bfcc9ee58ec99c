package load

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of the fields that are read, as in proto/chat/v1.
const (
	fieldFrame = 1 // of SubscribeResponse and ChatResponse

	frameJoined   = 1
	frameEvent    = 2
	frameCaughtUp = 3
	frameReset    = 4
	frameAccepted = 5
	frameRejected = 6
	frameDraining = 8

	joinedRooms   = 2
	roomStateHead = 3

	eventSequence = 2
	eventPrevious = 3
	eventMessage  = 10
	messageText   = 1

	acceptedID       = 1
	acceptedSequence = 3
	acceptedEpoch    = 5

	requestJoin = 1 // of ChatRequest
	requestSend = 3

	subscribeRooms    = 1
	subscriptionRoom  = 1
	subscriptionAfter = 2

	cursorEpoch    = 1
	cursorSequence = 2

	sendRoom             = 1
	sendID               = 2
	sendMessage          = 10
	sendResponseSequence = 2

	stringValue = 1 // of google.protobuf.StringValue
)

var errMalformed = errors.New("not a valid message")

// fields calls f for each field of a message: with the varint, or with the bytes.
// Fields of other types are skipped.
func fields(p []byte, f func(number protowire.Number, v uint64, b []byte) error) error {
	for len(p) > 0 {
		number, kind, n := protowire.ConsumeTag(p)
		if n < 0 {
			return errMalformed
		}
		p = p[n:]
		var v uint64
		var b []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(p)
		case protowire.BytesType:
			b, n = protowire.ConsumeBytes(p)
		default:
			n = protowire.ConsumeFieldValue(number, kind, p)
		}
		if n < 0 {
			return errMalformed
		}
		p = p[n:]
		if err := f(number, v, b); err != nil {
			return err
		}
	}
	return nil
}

// receiveFrame reads a SubscribeResponse.
func (s *subscriber) receiveFrame(p []byte) error {
	return fields(p, func(number protowire.Number, _ uint64, frame []byte) error {
		if number != fieldFrame {
			return nil
		}
		return fields(frame, func(kind protowire.Number, _ uint64, body []byte) error {
			switch kind {
			case frameEvent:
				return s.receiveEvent(body)
			case frameJoined:
				return s.receiveJoined(body)
			case frameCaughtUp:
				s.ready()
			case frameReset, frameDraining:
				return fmt.Errorf("received a frame of kind %d: %q", kind, body)
			}
			return nil
		})
	})
}

func (s *subscriber) receiveJoined(p []byte) error {
	return fields(p, func(number protowire.Number, _ uint64, room []byte) error {
		if number != joinedRooms {
			return nil
		}
		s.joined(0)
		return fields(room, func(number protowire.Number, v uint64, _ []byte) error {
			if number == roomStateHead {
				s.joined(v)
			}
			return nil
		})
	})
}

func (s *subscriber) receiveEvent(p []byte) error {
	var sequence, previous uint64
	var text []byte
	err := fields(p, func(number protowire.Number, v uint64, b []byte) error {
		switch number {
		case eventSequence:
			sequence = v
		case eventPrevious:
			previous = v
		case eventMessage:
			return fields(b, func(number protowire.Number, _ uint64, b []byte) error {
				if number == messageText {
					text = b
				}
				return nil
			})
		}
		return nil
	})
	if err != nil || sequence == 0 { // ephemeral events are not counted
		return err
	}
	s.event(previous, sequence)
	if text == nil {
		return nil
	}
	return s.text(text)
}

// receiveString reads a google.protobuf.StringValue.
func (s *subscriber) receiveString(p []byte) error {
	return fields(p, func(number protowire.Number, _ uint64, b []byte) error {
		if number != stringValue {
			return nil
		}
		return s.text(b)
	})
}

// appendBytes appends a field that holds bytes or a message.
func appendBytes(dst []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, number, protowire.BytesType), value)
}

// subscribeRequest returns a SubscribeRequest for one room.
func subscribeRequest(s Subscription) []byte {
	p := appendBytes(nil, subscriptionRoom, []byte(s.Room))
	if s.After != (Cursor{}) {
		cursor := appendBytes(nil, cursorEpoch, []byte(s.After.Epoch))
		cursor = protowire.AppendVarint(protowire.AppendTag(cursor, cursorSequence, protowire.VarintType), s.After.Sequence)
		p = appendBytes(p, subscriptionAfter, cursor)
	}
	return appendBytes(nil, subscribeRooms, p)
}

// sendRequest returns a SendRequest.
func sendRequest(room, id string, text []byte) []byte {
	p := appendBytes(nil, sendRoom, []byte(room))
	p = appendBytes(p, sendID, []byte(id))
	return appendBytes(p, sendMessage, appendBytes(nil, messageText, text))
}
