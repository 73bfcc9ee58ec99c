package load

import (
	"fmt"

	"golang.org/x/net/http2"
	"google.golang.org/protobuf/encoding/protowire"
)

// lounge is the room that a publisher on Chat joins, as it must join one. Nothing
// is published in it.
const lounge = "lounge"

// chat publishes on the stream Chat of the service, by gRPC.
func chat(authority string) dialect {
	join := appendBytes(nil, requestJoin, appendBytes(nil, subscriptionRoom, []byte(lounge)))
	return dialect{
		open: appendData(appendHead(openH2(), firstStream, authority, chatPath, streamHeaders("application/grpc+proto")...), join),
		newLayer: func(p *Publisher) layer {
			return p.onH2(newEnvelopes(p.receiveAnswer), func() {})
		},
		append: func(dst []byte, room, id string, text []byte) []byte {
			return appendData(dst, appendBytes(nil, requestSend, sendRequest(room, id, text)))
		},
		limited: true,
	}
}

// publishPeer publishes on a stream of google.protobuf.StringValue. Each text is
// answered with an empty message.
func publishPeer(authority string) dialect {
	return dialect{
		open: appendHead(openH2(), firstStream, authority, peerPublishPath, streamHeaders("application/grpc+proto")...),
		newLayer: func(p *Publisher) layer {
			return p.onH2(newEnvelopes(p.answered), p.becomeReady)
		},
		append: func(dst []byte, _, _ string, text []byte) []byte {
			return appendData(dst, appendBytes(nil, stringValue, text))
		},
		limited: true,
	}
}

func publishWebSocket(authority string) dialect {
	return dialect{
		open: fmt.Appendf(nil, "GET /publish HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", authority),
		newLayer: func(p *Publisher) layer {
			return newHTTP1("101", false, newWebSocket(&p.out, p.answered), p.becomeReady)
		},
		append: func(dst []byte, _, _ string, text []byte) []byte { return appendMasked(dst, wsText, text) },
	}
}

// publishTCP begins with a byte that says that this is the publisher. The first
// empty message says that the peer is ready, and each later one answers a text.
func publishTCP(string) dialect {
	return dialect{
		open:     []byte("P"),
		newLayer: func(p *Publisher) layer { return newFrames(p.readyOrAnswered, unexpected) },
		append:   func(dst []byte, _, _ string, text []byte) []byte { return appendLength(dst, text) },
	}
}

// publishNATS asks for an answer to each text.
func publishNATS(string) dialect {
	return dialect{
		open:     append(natsConnect(true), "PING\r\n"...),
		newLayer: func(p *Publisher) layer { return newNATS(&p.out, p.becomeReady, p.acknowledged, unexpected) },
		append:   func(dst []byte, room, _ string, text []byte) []byte { return appendNATS(dst, room, text) },
	}
}

// answered takes a peer's answer to a text.
func (p *Publisher) answered([]byte) error {
	p.answers.Add(1)
	return nil
}

func (p *Publisher) readyOrAnswered() {
	if p.isReady {
		p.answers.Add(1)
	}
	p.becomeReady()
}

// acknowledged takes the answer of NATS to whatever was sent; those before it is
// ready are not about texts.
func (p *Publisher) acknowledged() {
	if p.isReady {
		p.answers.Add(1)
	}
}

func unexpected(p []byte) error { return fmt.Errorf("the publisher received %q", p) }

// onH2 returns what reads the publisher's stream.
func (p *Publisher) onH2(body layer, onHeaders func()) layer {
	h := newH2(&p.out, h2Stream{body: body, onHeaders: onHeaders})
	h.onWindowUpdate, h.settings = p.onWindowUpdate, p.setting
	return h
}

// receiveAnswer reads a ChatResponse.
func (p *Publisher) receiveAnswer(response []byte) error {
	return fields(response, func(number protowire.Number, _ uint64, frame []byte) error {
		if number != fieldFrame {
			return nil
		}
		return fields(frame, func(kind protowire.Number, _ uint64, body []byte) error {
			switch kind {
			case frameCaughtUp:
				p.becomeReady()
			case frameAccepted:
				return p.accepted(body)
			case frameRejected, frameReset, frameDraining:
				return fmt.Errorf("received a frame of kind %d: %q", kind, body)
			}
			return nil
		})
	})
}

// accepted reads an Accepted. They come in the order of the texts.
func (p *Publisher) accepted(body []byte) error {
	var want [16]byte
	appendHex(want[:0], p.Answers()+1)
	var last Cursor
	err := fields(body, func(number protowire.Number, v uint64, b []byte) error {
		switch {
		case number == acceptedID && string(b) != string(want[:]):
			return fmt.Errorf("the server accepted %q, when %q was next", b, want)
		case number == acceptedSequence:
			last.Sequence = v
		case number == acceptedEpoch:
			last.Epoch = string(b)
		}
		return nil
	})
	p.mu.Lock()
	p.last = last
	p.mu.Unlock()
	p.answers.Add(1)
	return err
}

// appendData appends message in an envelope in a DATA frame.
func appendData(dst, message []byte) []byte {
	return appendFrame(dst, http2.FrameData, 0, firstStream, appendEnvelope(nil, message))
}
