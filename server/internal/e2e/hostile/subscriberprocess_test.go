package hostile

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// subscriberVariable is the environment variable that makes the tests' program a
// subscriber. Its arguments are the service's URL, a name of subscriberProtocols, and the
// rooms.
const subscriberVariable = "CHATROOM_TEST_SUBSCRIBER"

const subscriberJoined = "joined" // a subscriber prints it once it is in its rooms

// subscriberProtocols are the ways in which a subscriber calls the service.
var subscriberProtocols = map[string]struct {
	speak   func(*http.Protocols, bool)
	options []connect.ClientOption
}{
	"h2c Connect":      {(*http.Protocols).SetUnencryptedHTTP2, nil},
	"h2c gRPC":         {(*http.Protocols).SetUnencryptedHTTP2, []connect.ClientOption{connect.WithGRPC()}},
	"HTTP1.1 Connect":  {(*http.Protocols).SetHTTP1, nil},
	"HTTP1.1 gRPC-Web": {(*http.Protocols).SetHTTP1, []connect.ClientOption{connect.WithGRPCWeb()}},

	"TLS h2 Connect":       {(*http.Protocols).SetHTTP2, nil},
	"TLS h2 gRPC":          {(*http.Protocols).SetHTTP2, []connect.ClientOption{connect.WithGRPC()}},
	"TLS HTTP1.1 Connect":  {(*http.Protocols).SetHTTP1, nil},
	"TLS HTTP1.1 gRPC-Web": {(*http.Protocols).SetHTTP1, []connect.ClientOption{connect.WithGRPCWeb()}},
}

// subscriberMain receives until its stream ends, and returns the status of the process:
// 0 if it had joined.
func subscriberMain() int {
	url, p := os.Args[1], subscriberProtocols[os.Args[2]]
	protocols := new(http.Protocols)
	p.speak(protocols, true)
	transport := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	client := chatv1connect.NewChatRoomClient(&http.Client{Transport: transport}, url, p.options...)
	request := new(chatv1.SubscribeRequest)
	for _, room := range os.Args[3:] {
		request.Rooms = append(request.Rooms, &chatv1.Subscription{Room: room})
	}
	stream, err := client.Subscribe(context.Background(), request)
	if err != nil || !stream.Receive() {
		fmt.Fprintln(os.Stderr, "never joined:", err)
		return 1
	}
	fmt.Println(subscriberJoined)
	for stream.Receive() {
	}
	fmt.Println("the stream has ended:", stream.Err())
	return 0
}
