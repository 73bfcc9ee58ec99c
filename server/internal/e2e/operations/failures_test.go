package operations

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// closedAddress returns an address at which nothing answers.
func closedAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	harness.Must(t, l.Close())
	return l.Addr().String()
}

// tokenOf returns a token of an issuer, whose signature is not valid.
func tokenOf(issuer string) string {
	part := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"iss":%q,"aud":"chat","sub":"1","iat":%d,"exp":%d}`, issuer, time.Now().Unix(), time.Now().Add(time.Hour).Unix())
	return part([]byte(`{"alg":"ES256","kid":"k"}`)) + "." + part([]byte(claims)) + "." + part(make([]byte, 64))
}

// An issuer and a provider that do not answer, and a policy file that is wrong, have metrics and
// lines in the log.
func TestMetricsOfFailures(t *testing.T) {
	t.Parallel()
	const issuer = "https://shop.example"
	unreachable, policy := "http://"+closedAddress(t), ""
	s := harness.Start(t, harness.InMemory, harness.WithAdmin, harness.WithPolicy(t, "rooms: []"), func(c *service.Config) {
		c.Issuers = slices.Grow(c.Issuers, 1)[:1]
		c.Issuers[0].Name, c.Issuers[0].Audience, c.Issuers[0].Keys = issuer, []string{"chat"}, unreachable
		c.SignIn.Issuer, c.SignIn.ClientID, c.SignIn.PublicURL = unreachable, "chat", "http://localhost"
		policy = c.Policy
	})
	ctx := harness.Context(t)
	_, err := harness.ConnectOver(harness.HTTP1Client)(t, s, tokenOf(issuer)).ListRooms(ctx, &chatv1.ListRoomsRequest{})
	if code := harness.CodeOf(err); code != connect.CodeUnavailable {
		t.Errorf("ListRooms while the keys of the issuer can't be fetched = %v, want unavailable", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/signin/start", strings.NewReader(`{}`))
	harness.Must(t, err)
	response, err := harness.HTTP1Client(t).Do(r)
	harness.Must(t, err)
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a sign-in without the provider has status %d, want 503", response.StatusCode)
	}
	harness.Must(t, os.WriteFile(policy, []byte("rooms: 1"), 0o600))
	awaitSeries(ctx, t, s, series{
		`chatroom_refused_total{reason="issuer_unavailable"}`:   1,
		`chatroom_refused_total{reason="provider_unavailable"}`: 1,
		`chatroom_log_lines_total{level="warn"}`:                2, // a refusal for each of them
		`chatroom_log_lines_total{level="error"}`:               2, // of the issuer's keys, and of the policy
	})
	log := s.Log.Take()
	for _, line := range []string{"the keys of an issuer can't be fetched", "a sign-in has failed", "the policy file is wrong"} {
		if strings.Count(log, line) != 1 {
			t.Errorf("the log does not have one line %q:\n%s", line, log)
		}
	}
	harness.Must(t, os.WriteFile(policy, []byte("rooms: []"), 0o600))
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !strings.Contains(s.Log.String(), "the policy file is in force") {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatal("the log does not say that the policy file is in force again")
		}
	}
}

// There is a metric for when the certificate expires.
func TestMetricsOfCertificate(t *testing.T) {
	t.Parallel()
	certificate := harness.NewCertificate(t, t.TempDir())
	s := harness.Start(t, harness.InMemory, harness.WithAdmin, certificate.Option)
	conn, err := (&tls.Dialer{Config: certificate.Trust()}).DialContext(harness.Context(t), "tcp", s.Addr)
	harness.Must(t, err)
	expires := conn.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter
	harness.Must(t, conn.Close())
	awaitSeries(harness.Context(t), t, s, series{"chatroom_certificate_expiry_timestamp_seconds": float64(expires.Unix())})
}
