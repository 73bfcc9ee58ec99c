package trust

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/apikey"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
	"chatroom/server/internal/service"
)

var shop = &Shop{Secret: []byte("an example's secret of 32 bytes!")}

// withShop makes a service accept the tokens of the shop.
func withShop(c *service.Config) {
	c.Issuers = []identity.IssuerConfig{{Name: "https://shop.example", Audience: []string{"chat"}, Secret: shop.Secret, Prefix: "shop:"}}
}

func customer(t *testing.T, id, name string, orders ...string) string {
	t.Helper()
	token, err := shop.CustomerToken(id, name, orders...)
	harness.Must(t, err)
	return token
}

func staff(t *testing.T, id, name string) string {
	t.Helper()
	token, err := shop.StaffToken(id, name)
	harness.Must(t, err)
	return token
}

func callAs(t *testing.T, s *harness.Service, credential string) chatv1connect.ChatRoomClient {
	t.Helper()
	return chatv1connect.NewChatRoomClient(harness.BearerClient{Client: harness.H2CClient(t), Token: credential}, s.URL)
}

func documentation(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "docs", "TRUST.md"))
	harness.Must(t, err)
	return string(data)
}

// The code that the documentation shows is the code that is tested here.
func TestDocumentedCode(t *testing.T) {
	source, err := os.ReadFile("shop_test.go")
	harness.Must(t, err)
	_, code, found := strings.Cut(string(source), "// begin\n")
	code, _, ended := strings.Cut(code, "// end\n")
	if !found || !ended || !strings.Contains(documentation(t), "```go\n"+strings.TrimSpace(code)+"\n```") {
		t.Errorf("docs/TRUST.md has not the code of shop_test.go in it:\n%s", code)
	}
}

// documentedPolicy returns the policy file of the example.
func documentedPolicy(t *testing.T) string {
	t.Helper()
	const begin = "rooms:\n  - pattern: order-*\n"
	_, text, _ := strings.Cut(documentation(t), "```yaml\n"+begin)
	text, _, found := strings.Cut(text, "```")
	if !found {
		t.Fatal("docs/TRUST.md has no policy for the rooms of orders")
	}
	return begin + text
}

// The documented policy and the tokens of the shop give customers the rooms of their own
// orders, staff those of all orders, and all others none of them.
func TestRightsOfTheShop(t *testing.T) {
	p, err := policy.Parse("policy.yaml", []byte(documentedPolicy(t)))
	harness.Must(t, err)
	var config service.Config
	withShop(&config)
	issuers, err := identity.NewIssuers(config.Issuers...)
	harness.Must(t, err)
	defer issuers.Close()
	caller := func(token string) policy.Caller {
		c, err := issuers.Verify(t.Context(), token)
		harness.Must(t, err)
		return policy.Caller{Kind: c.Kind, Member: c.Member.ID, Grants: c.Grants}
	}
	ada, eve := caller(customer(t, "42", "Ada", "7", "8")), caller(customer(t, "43", "Eve", "9"))
	grace := caller(staff(t, "1", "Grace"))
	talk := policy.Read | policy.Post | policy.React | policy.EditOwn | policy.Create
	evaluator := policy.New(p)
	for _, tt := range []struct {
		name   string
		caller policy.Caller
		room   string
		want   policy.Rights
	}{
		{"a customer in an own order", ada, "order-7", talk},
		{"a customer in another own order", ada, "order-8", talk},
		{"a customer in the order of another", ada, "order-9", 0},
		{"a customer in an order that begins alike", ada, "order-77", 0},
		{"the other customer", eve, "order-9", talk},
		{"staff", grace, "order-7", policy.All},
		{"staff elsewhere", grace, "lobby", talk},
		{"a guest", policy.Caller{Kind: policy.Guest, Member: "G"}, "order-7", 0},
		{"an anonymous caller", policy.Caller{}, "order-7", 0},
	} {
		if got := evaluator.Rights(tt.caller, policy.Room{Name: tt.room}); got != tt.want {
			t.Errorf("%s has %s in %s, want %s", tt.name, got, tt.room, tt.want)
		}
	}
}

// Customers and staff talk under the names that the shop gives them, and the shop's back
// end in the name of a customer, on every protocol.
func TestShop(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	backEnd := harness.CreateKey(t, dir, apikey.Spec{Name: "shop", SendAs: true, Grants: []apikey.Grant{{Pattern: "order-*", Can: []string{"read", "post", "create"}}}})
	s, ctx := harness.Start(t, harness.InDir(dir), withShop, harness.WithPolicy(t, documentedPolicy(t))), harness.Context(t)
	ada, grace := customer(t, "42", "Ada", "7"), staff(t, "1", "Grace")
	for _, p := range harness.Protocols {
		for token, want := range map[string]string{ada: "shop:customer-42 Ada", grace: "shop:staff-1 Grace"} {
			receive, err := p.Open(t, s, token).Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "order-7"}))
			harness.Must(t, err)
			m := receive.Joined(t).GetMember()
			if got := m.GetId() + " " + m.GetName(); got != want || m.GetGuest() {
				t.Errorf("%s: joined as %v, want %s, no guest", p.Name, m, want)
			}
		}
	}
	guest, _ := s.SignIn(t, "Ada")
	for name, tt := range map[string]struct {
		token string
		code  connect.Code
	}{
		"another customer":    {customer(t, "43", "Eve", "9"), connect.CodePermissionDenied},
		"a guest":             {guest, connect.CodePermissionDenied},
		"an anonymous caller": {"", connect.CodeUnauthenticated},
	} {
		_, sent := callAs(t, s, tt.token).Send(ctx, harness.TextRequest("order-7", "hello"))
		_, read := callAs(t, s, tt.token).ListEvents(ctx, &chatv1.ListEventsRequest{Room: "order-7"})
		if connect.CodeOf(sent) != tt.code || connect.CodeOf(read) != tt.code {
			t.Errorf("Send and ListEvents by %s = %v, %v, want code %v", name, sent, read, tt.code)
		}
	}
	for _, token := range []string{ada, grace} {
		_, err := callAs(t, s, token).Send(ctx, harness.TextRequest("order-7", "hello"))
		harness.Must(t, err)
	}
	batch := &chatv1.SendBatchRequest{Sends: []*chatv1.SendRequest{harness.TextRequest("order-7", "shipped"), harness.TextRequest("order-7", "by mail: where is it?")}}
	batch.GetSends()[1].SendAs = &chatv1.SendAs{Id: "shop:customer-42", Name: "Ada"}
	results, err := callAs(t, s, backEnd).SendBatch(ctx, batch)
	harness.Must(t, err)
	for i, r := range results.GetResults() {
		if r.GetSent().GetSequence() == 0 {
			t.Errorf("result %d = %v, want it sent", i, r)
		}
	}
	page, err := callAs(t, s, grace).ListEvents(ctx, &chatv1.ListEventsRequest{Room: "order-7"})
	harness.Must(t, err)
	var names []string
	for _, e := range page.GetEvents() {
		names = append(names, e.GetSender().GetName())
	}
	if got := strings.Join(names, ", "); got != "Ada, Grace, shop, Ada" {
		t.Errorf("the senders are %s, want Ada, Grace, shop, Ada", got)
	}
}

// The documented calls of curl work as they are printed, in their order.
func TestDocumentedCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	credentials := map[string]string{
		"MODERATOR": staff(t, "1", "Grace"),
		"ADMIN":     harness.CreateKey(t, dir, apikey.Spec{Name: "administrator", Grants: []apikey.Grant{{Pattern: "*", Can: []string{"manage"}}}}),
		"KEY":       harness.CreateKey(t, dir, apikey.Spec{Name: "shop", SendAs: true, Grants: []apikey.Grant{{Pattern: "order-*", Can: []string{"read", "post", "create"}}}}),
	}
	s := harness.Start(t, harness.InDir(dir), withShop, harness.WithPolicy(t, documentedPolicy(t)))
	calls := regexp.MustCompile(`(?s)curl -H "Authorization: Bearer \$(\w+)" -H 'Content-Type: application/json' \\\n +-d '([^']*)'[ \\\n]+http://localhost:8080(/\S+)`).
		FindAllStringSubmatch(documentation(t), -1)
	if want := strings.Count(documentation(t), "curl -H"); want == 0 || len(calls) != want {
		t.Fatalf("docs/TRUST.md has %d calls of the form that is tested, want all %d", len(calls), want)
	}
	for _, call := range calls {
		request, err := http.NewRequestWithContext(harness.Context(t), http.MethodPost, s.URL+call[3], strings.NewReader(call[2]))
		harness.Must(t, err)
		request.Header.Set("Content-Type", "application/json")
		response, err := harness.BearerClient{Client: harness.H2CClient(t), Token: credentials[call[1]]}.Do(request)
		harness.Must(t, err)
		body, err := io.ReadAll(response.Body)
		harness.Must(t, errors.Join(err, response.Body.Close()))
		if response.StatusCode != http.StatusOK || strings.Contains(string(body), "rejected") {
			t.Errorf("%s = %s: %s, want 200 and nothing rejected", call[0], response.Status, body)
		}
	}
}

// A moderator who asks about a member by id alone is told the rule for that kind of caller, and that
// the grants of the member's token are not known.
func TestExplainTellsTheKind(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t, withShop, harness.WithPolicy(t, documentedPolicy(t))), harness.Context(t)
	client := harness.ConnectHTTP2.Open(t, s, staff(t, "1", "Grace"))
	for member, want := range map[string]string{
		"shop:customer-42":                   "kind user, and nothing else does that is known here: grants of a token or a key are left out",
		identity.AccountMemberPrefix + "ADA": "kind user, and nothing else does that is known here: grants of a token or a key are left out",
		identity.KeyMemberPrefix + "abc":     "kind key, and nothing else does that is known here: grants of a token or a key are left out",
		"GUEST":                              "kind guest, and nothing else does",
	} {
		explained, err := client.Explain(ctx, &chatv1.ExplainRequest{Room: "order-7", MemberId: member})
		harness.Must(t, err)
		if d := explained.GetDecisions()[0]; d.GetRight() != "read" || !strings.HasSuffix(d.GetExplanation(), want) {
			t.Errorf("Explain of %s = %v, want read with an explanation that ends with %q", member, d, want)
		}
	}
}

// A customer who is revoked is out of the chat at once, and after a restart, too.
func TestRevocationAndRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	administrator := harness.CreateKey(t, dir, apikey.Spec{Name: "administrator", Grants: []apikey.Grant{{Pattern: "*", Can: []string{"manage"}}}})
	s, ctx := harness.Start(t, harness.InDir(dir), withShop), harness.Context(t)
	ada, eve := customer(t, "42", "Ada", "7"), customer(t, "43", "Eve", "7")
	stream, err := callAs(t, s, ada).Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "order-7"}))
	harness.Must(t, err)
	if !stream.Receive() {
		t.Fatalf("the stream has ended with %v, want Joined", stream.Err())
	}
	_, err = callAs(t, s, administrator).RevokeTokens(ctx, &chatv1.RevokeTokensRequest{
		Target: &chatv1.RevokeTokensRequest_Member{Member: &chatv1.RevokedMember{MemberId: "shop:customer-42"}},
	})
	harness.Must(t, err)
	for stream.Receive() {
	}
	if connect.CodeOf(stream.Err()) != connect.CodeUnauthenticated {
		t.Errorf("the stream has ended with %v, want code unauthenticated", stream.Err())
	}
	_ = stream.Close()
	s.Stop(t)
	s = harness.Start(t, harness.InDir(dir), withShop)
	if _, err := callAs(t, s, ada).Send(ctx, harness.TextRequest("order-7", "hello")); connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("Send after a restart = %v, want code unauthenticated", err)
	}
	if _, err := callAs(t, s, eve).Send(ctx, harness.TextRequest("order-7", "hello")); err != nil {
		t.Errorf("Send of another customer = %v, want nil", err)
	}
}

// The Go client keeps following with the tokens that the shop gives it.
func TestClientRenews(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t, harness.InMemory, withShop), harness.Context(t)
	issued := make(chan struct{}, 100)
	c, err := client.New(client.Config{URL: s.URL, Token: client.TokenFunc(func(context.Context) (string, error) {
		issued <- struct{}{}
		life := 30 * time.Second // at once within the notice
		return shop.token("customer-42", "Ada", life, nil)
	})})
	harness.Must(t, err)
	defer c.Close(t.Context())
	ctx, cancel := context.WithCancel(ctx)
	var following error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, err := range c.Follow(client.Live("lobby")).Events(ctx) {
			following = errors.Join(following, err)
		}
	}()
	for range 2 { // of Subscribe, and of RenewStream
		select {
		case <-issued:
		case <-ctx.Done():
			t.Fatal("no second token was asked for")
		}
	}
	cancel()
	<-done
	if !errors.Is(following, context.Canceled) {
		t.Errorf("Follow ended with %v, want %v", following, context.Canceled)
	}
}
