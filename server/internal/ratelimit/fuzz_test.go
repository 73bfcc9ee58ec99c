package ratelimit

import "testing"

// FuzzParseRate: a rate that is accepted, also from a token, is within bounds and is read
// again from its text.
func FuzzParseRate(f *testing.F) {
	for _, seed := range []string{"off", "10/s:50", "1/h:1", "1000000/m:1000000", "0/s:1", "+1/s:1", "1/s", "1:1", "/:", "99999999999999999999/s:1", "1/s:1 ", "१/s:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRate(text)
		if err != nil {
			if len(err.Error()) > 500 {
				t.Fatalf("ParseRate(%q) has an error of %d bytes", text, len(err.Error()))
			}
			return
		}
		if r != (Rate{}) && (r.Count < 1 || r.Count > MaxCount || r.Burst < 1 || r.Burst > MaxCount || r.Per <= 0) {
			t.Fatalf("ParseRate(%q) = %+v, want it within bounds", text, r)
		}
		if again, err := ParseRate(r.String()); err != nil || again != r {
			t.Fatalf("ParseRate(%q) = %+v, and of its text %+v, %v", text, r, again, err)
		}
	})
}
