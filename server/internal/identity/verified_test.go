package identity

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
)

// A token that is remembered expires all the same.
func TestVerifiedTokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGuests()
		token, want, expires, err := g.SignIn("Ada", chat.Member{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if m, err := g.Verify(t.Context(), token); err != nil || m != want {
				t.Errorf("Verify = %v, %v, want %v", m, err, want)
			}
			<-time.After(time.Until(expires) - time.Nanosecond)
		}
		<-time.After(time.Nanosecond)
		if m, err := g.Verify(t.Context(), token); !errors.Is(err, ErrInvalidToken) {
			t.Errorf("Verify of a token that has expired = %v, %v, want %v", m, err, ErrInvalidToken)
		}
	})
}

// What is remembered is bounded, and what is in use stays.
func TestVerifiedIsBounded(t *testing.T) {
	var v verified
	now := time.Now()
	add := func(token string) {
		v.add(token, verifiedToken{member: chat.Member{ID: token}, expires: now.Add(time.Hour)}, v.begin())
	}
	add("used")
	for i := range 5 * maxVerified {
		add(fmt.Sprint(i))
		if i%(maxVerified/2) == 0 {
			if m, found := v.find("used", now); !found || m.member.ID != "used" {
				t.Fatalf("a token in use is %v, %t after %d others, want it remembered", m, found, i)
			}
		}
	}
	if n := len(v.current) + len(v.previous); n > 2*maxVerified {
		t.Errorf("%d tokens are remembered, want at most %d", n, 2*maxVerified)
	}
	if _, found := v.find("0", now); found {
		t.Error("a token that was not used for long is remembered")
	}
}

func BenchmarkVerify(b *testing.B) {
	g := NewGuests()
	token, _, _, err := g.SignIn("Ada", chat.Member{})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := g.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
