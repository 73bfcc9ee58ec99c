package nearest

import "testing"

func TestName(t *testing.T) {
	all := []string{"listen", "data", "drain", "retain-age", "retain-bytes"}
	for typed, want := range map[string]string{
		"listn": "listen", "lisent": "listen", "dran": "drain", "Data": "data", "DRAIN": "drain", "retain-byte": "retain-bytes", "retained-bytes": "retain-bytes",
		"colour": "", "": "", "x": "",
	} {
		if got := Name(typed, all); got != want {
			t.Errorf("Name(%q) = %q, want %q", typed, got, want)
		}
	}
}
