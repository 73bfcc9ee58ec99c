package text

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"
	"pgregory.net/rapid"
)

func present(names ...string) *ShownNames {
	p := NewShownNames(NewReserved(DefaultReserved()))
	for _, name := range names {
		p.Add(name)
	}
	return p
}

func TestCheck(t *testing.T) {
	p := present("Mark", "modern", "Ann ❤️", "IBM", "Ada 2", "İpek")
	for name, want := range map[string]Mark{
		"Mark": {}, "Marc": {}, "Ada": {}, "Ada 3": {}, "Анна Smith": {}, "山田Taro": {}, "ひらがなカナ漢字": {}, "한자漢字": {}, "⚠️": {}, "e": {}, "Administration": {}, "Hostel": {}, "Ann ❤️ ❤️": {}, "Modest": {}, "ラーメンAda": {},
		"mark":      {}, // equal for Disambiguate
		"M\u0430rk": {Resembles, "Mark"},
		"MARK":      {}, "M\u0391RK": {Resembles, "Mark"},
		"rnodern":                        {Resembles, "modern"},
		"Ann ❤️\u200d":                   {Resembles, "Ann ❤️"},
		"lBM":                            {Resembles, "IBM"},
		"\u0406BM":                       {Resembles, "IBM"},
		"J\u043ehn":                      {Reason: MixedScripts},
		"x Jоhn":                         {Reason: MixedScripts},
		"Joאhn":                          {Reason: MixedScripts},
		"ひらがな한글":                         {Reason: MixedScripts},
		"admin":                          {Reserved, "admin"},
		"Admin 2":                        {Reserved, "admin"},
		"A.D.M.I.N":                      {Reserved, "admin"},
		"ADMlN":                          {Reserved, "admin"},
		"admin⚠️":                        {Reserved, "admin"},
		"\u0430dmin":                     {Reserved, "admin"},
		"anonymous":                      {Reserved, "anonymous"},
		"An\u043enymous 77":              {Reserved, "anonymous"},
		"rnoderator":                     {Reserved, "moderator"},
		"supp0rt":                        {Reserved, "support"},
		"r00t 7":                         {Reserved, "root"},
		"𝐒𝐲𝐬𝐭𝐞𝐦":                         {Reserved, "system"},
		"s\u00fd\u200bstem":              {},
		"Support":                        {Reserved, "support"},
		strings.Repeat("\u0430", 40):     {},
		"M\u0430rk \u2800\u2800\u2800xy": {Reason: MixedScripts},
	} {
		if got := p.Check(name); got != want {
			t.Errorf("Check(%q) = %+v, want %+v", name, got, want)
		}
	}
	p.Remove("Mark")
	if got := p.Check("M\u0430rk"); got.Reason != MixedScripts {
		t.Errorf("Check(Mаrk) without Mark = %+v, want mixed scripts", got)
	}
	if got := NewShownNames(nil).Check("admin"); got != (Mark{}) {
		t.Errorf("Check(admin) without reserved names = %+v, want no mark", got)
	}
	if got := NewShownNames(NewReserved([]string{"", "⚠️"})).Check("⚠️"); got != (Mark{}) {
		t.Errorf("Check with a reserved name without letters = %+v, want no mark", got)
	}
}

func TestDisambiguate(t *testing.T) {
	long := strings.Repeat("x", 40)
	for _, tt := range []struct {
		shown []string
		name  string
		want  string
	}{
		{nil, "Ada", "Ada"},
		{[]string{"Ada"}, "Ada", "Ada 2"},
		{[]string{"Ada"}, "ADA", "ADA 2"},
		{[]string{"Ada", "Ada 2"}, "ada", "ada 3"},
		{[]string{"Ada", "Ada 3"}, "Ada", "Ada 2"},
		{[]string{"Ada 2"}, "Ada", "Ada"},
		{[]string{"Ada 2"}, "Ada 2", "Ada 2 2"},
		{[]string{long}, long, long[:38] + " 2"},
		{[]string{"Straße"}, "STRASSE", "STRASSE 2"},
		{[]string{strings.Repeat("👍🏽", 40)}, strings.Repeat("👍🏽", 40), strings.Repeat("👍🏽", 38) + " 2"},
		{[]string{strings.Repeat("a b", 13) + "c"}, strings.Repeat("a b", 13) + "c", strings.Repeat("a b", 12) + "a 2"},
	} {
		p := present(tt.shown...)
		if got := p.Disambiguate(tt.name, 40); got != tt.want {
			t.Errorf("Disambiguate(%q) beside %q = %q, want %q", tt.name, tt.shown, got, tt.want)
		}
	}
}

func TestDisambiguateCutsToTheBoundInBytes(t *testing.T) {
	kisses := strings.Repeat("👩🏽‍❤️‍💋‍👩🏻", 18)
	name := kisses + strings.Repeat("x", 40*bytesPerCharacter-len(kisses))
	if got, want := present(name).Disambiguate(name, 40), name[:len(name)-2]+" 2"; got != want {
		t.Errorf("Disambiguate(%q) = %q, want %q", name, got, want)
	}
}

func TestSkeletonsOmitInvisibleCharacters(t *testing.T) {
	for _, name := range []string{"A\u034fda", "Ad\u3164a", "\u200bAda", "Ada\ufe0f"} {
		if !SkeletonsOf(name).Resemble(SkeletonsOf("Ada")) {
			t.Errorf("SkeletonsOf(%+q) = %q, want it to resemble Ada", name, SkeletonsOf(name))
		}
	}
}

// Among many of one name a number is found in few steps.
func TestDisambiguateMany(t *testing.T) {
	p := present()
	for i := range 3_000 {
		calls := 0
		name := Disambiguate("Guest", 40, func(key string) bool { calls++; return p.byKey[key] != nil })
		if want := fmt.Sprint("Guest ", i+1); i > 0 && name != want || calls > 40 {
			t.Fatalf("Disambiguate of the %dth = %q after %d calls, want %q after at most 40", i+1, name, calls, want)
		}
		p.Add(name)
	}
}

func TestShownNamesIsTheModel(t *testing.T) {
	genAlike := rapid.StringMatching(`[aаAlI1 2]{1,3}`)
	rapid.Check(t, func(t *rapid.T) {
		p, shown := present(), []string{}
		t.Repeat(map[string]func(*rapid.T){
			"come": func(t *rapid.T) {
				name := p.Disambiguate(genAlike.Draw(t, "name"), 6)
				for _, other := range shown {
					if NameKey(other) == NameKey(name) {
						t.Fatalf("Disambiguate = %q beside %q, want a name of its own", name, shown)
					}
				}
				if n := uniseg.GraphemeClusterCount(name); n > 6 {
					t.Fatalf("Disambiguate = %q of %d characters, want at most 6", name, n)
				}
				if !p.Add(name) || p.Add(name) {
					t.Fatalf("Add(%q) twice, want it added once", name)
				}
				shown = append(shown, name)
			},
			"go": func(t *rapid.T) {
				if len(shown) > 0 {
					i := rapid.IntRange(0, len(shown)-1).Draw(t, "i")
					p.Remove(shown[i])
					shown = slices.Delete(shown, i, i+1)
				}
				p.Remove("nobody")
			},
			"": func(t *rapid.T) {
				name := genAlike.Draw(t, "checked")
				resembles := slices.ContainsFunc(shown, func(other string) bool {
					return SkeletonsOf(name).Resemble(SkeletonsOf(other)) && NameKey(other) != NameKey(name)
				})
				if got := p.Check(name); (got.Reason == Resembles) != resembles {
					t.Fatalf("Check(%q) beside %q = %+v, want it to resemble one = %t", name, shown, got, resembles)
				}
				if len(shown) == 0 && len(p.byKey)+len(p.bySkeleton) != 0 {
					t.Fatalf("%d names and %d skeletons are left in an empty room", len(p.byKey), len(p.bySkeleton))
				}
			},
		})
	})
}
