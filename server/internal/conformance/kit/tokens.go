package kit

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
)

// tokens are scenarios of credentials that expire.
var tokens = []Scenario{
	{
		Name:   "token-renewal",
		About:  "The server warns that the token expires in 4 s. The client asks for a new one and continues the stream with it, or opens another stream, before that.",
		run:    tokenRenewal,
		weight: 5,
	},
	{
		Name:   "token-expired",
		About:  "The stream ends because the token has expired. The client asks for a new one, and resumes with it.",
		run:    tokenExpired,
		weight: 2,
	},
	{
		Name:   "token-refused",
		About:  "Every token is refused. The client says so, and does not repeat the call again and again.",
		run:    tokenRefused,
		ends:   true,
		weight: 5,
	},
}

func tokenRenewal(r *run) {
	const left = 4 * time.Second
	r.expected++
	r.connect("lobby")
	r.publish("lobby", 2)
	r.await()
	st := r.joined("lobby")
	r.giveToken("token-2")
	r.do(func() {
		r.allowed = func(token string) bool { return token != "" }
	})
	r.push(st, &chatv1.Frame{Kind: &chatv1.Frame_Expiring{Expiring: &chatv1.Expiring{TimeLeft: durationpb.New(left)}}})
	renewed := func() bool {
		st := r.current("lobby")
		return st != nil && st.token == "token-2"
	}
	if !r.until(left, renewed) {
		r.fail("the client did not continue with a new token within %v, although the server warned that the old one expires then", left)
	}
	r.do(func() {
		r.allowed = func(token string) bool { return token == "token-2" }
	})
	r.publish("lobby", 2)
	r.sent(patience, r.send())
	r.await()
}

func tokenExpired(r *run) {
	r.connect("lobby")
	r.publish("lobby", 2)
	r.await()
	r.giveToken("token-2")
	r.do(func() {
		r.allowed = func(token string) bool { return token == "token-2" }
	})
	r.away(r.joined("lobby"), func(st *stream) { r.end(st, tokenInvalid("expired")) })
	r.sent(patience, r.send())
}

func tokenRefused(r *run) {
	const idle, most = 3 * time.Second, 10
	r.do(func() {
		r.allowed = func(string) bool { return false }
	})
	r.tellConnect(command("lobby"))
	if !r.until(patience, func() bool { return r.refusals > 0 }) {
		r.fail("the client did not say within %v that its token is refused (status refused)", patience)
	}
	r.pause(idle)
	r.mu.Lock()
	n := len(r.streams)
	r.mu.Unlock()
	if n > most {
		r.fail("the client opened %d streams with a token that is refused", n)
	}
}
