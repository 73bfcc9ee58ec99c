package protocols

import (
	"net/http"
	"strings"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// A call over gRPC that is refused before it begins is answered by headers alone.
func TestRefusalsOverGRPCAreTrailersOnly(t *testing.T) {
	t.Parallel()
	s, client := harness.Start(t), harness.H2CClient(t)
	for path, want := range map[string]string{
		"/chat.v1.ChatRoom/Dance":  "12", // unimplemented
		"/other.v1.Service/Method": "12",
		"/chat.v1.ChatRoom/Send":   "12", // compressed in a way that is not known
	} {
		request, err := http.NewRequestWithContext(harness.Context(t), http.MethodPost, s.URL+path, strings.NewReader("\x00\x00\x00\x00\x00"))
		harness.Must(t, err)
		request.Header.Set("Content-Type", "application/grpc+proto")
		if strings.HasSuffix(path, "/Send") {
			request.Header.Set("Grpc-Encoding", "snappy")
		}
		response, err := client.Do(request)
		harness.Must(t, err)
		harness.Must(t, response.Body.Close())
		h := response.Header
		if h.Get("Grpc-Status") != want || h.Get("Grpc-Message") == "" || h.Get("Content-Type") != "application/grpc+proto" || len(response.Trailer) > 0 {
			t.Errorf("%s = %v with trailers %v, want headers with the status %s alone", path, h, response.Trailer, want)
		}
	}
}
