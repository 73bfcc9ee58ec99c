package protocols

import (
	"encoding/binary"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// Browsers say from which site a request comes. Calls by GET and streams work for the page of
// the server itself and for what people open by themselves; a page of another site can make no
// call but by GET, whose answer it can't read.
func TestSecFetch(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory)
	const join = `{"rooms":[{"room":"lobby"}]}`
	subscribe := "\x00" + string(binary.BigEndian.AppendUint32(nil, uint32(len(join)))) + join
	list := chatv1connect.ChatRoomListRoomsProcedure + "?" + url.Values{"connect": {"v1"}, "encoding": {"json"}, "message": {"{}"}}.Encode()
	for _, tt := range []struct {
		site string
		get  int
		post int
	}{
		{"same-origin", 200, 200}, {"none", 200, 200}, {"", 200, 200}, {"same-site", 200, 403}, {"cross-site", 200, 403},
	} {
		for name, call := range map[string]struct {
			method, path, contentType, body string
			want                            int
		}{
			"GET":    {http.MethodGet, list, "", "", tt.get},
			"stream": {http.MethodPost, chatv1connect.ChatRoomSubscribeProcedure, "application/connect+json", subscribe, tt.post},
			"unary":  {http.MethodPost, chatv1connect.ChatRoomListRoomsProcedure, "application/json; charset=utf-8", "{}", tt.post},
		} {
			r, err := http.NewRequestWithContext(harness.Context(t), call.method, s.URL+call.path, strings.NewReader(call.body))
			harness.Must(t, err)
			for key, value := range map[string]string{"Content-Type": call.contentType, "Sec-Fetch-Site": tt.site, "Sec-Fetch-Mode": "cors"} {
				if value != "" {
					r.Header.Set(key, value)
				}
			}
			response, err := harness.HTTP1Client(t).Do(r)
			harness.Must(t, err)
			_ = response.Body.Close()
			if response.StatusCode != call.want {
				t.Errorf("%s with Sec-Fetch-Site %q = %d, want %d", name, tt.site, response.StatusCode, call.want)
			}
		}
	}
}
