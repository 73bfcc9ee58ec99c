package text

import (
	"sort"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
)

// maxNumber ends the search for a free number.
const maxNumber = 1 << 30

// Disambiguate returns a name that is not taken: the name itself or, if it is taken, the
// name with a number of at least 2, as in "Ada 2". taken reports whether a name with a
// NameKey is shown already. The search is binary, so that it needs few calls of taken even
// among many thousands of the same name. The number is therefore free and the one below it
// taken, but it is not the lowest free number if there are gaps below.
//
// characters is the bound of Nickname; the name is cut for the number to fit.
func Disambiguate(name string, characters int, taken func(key string) bool) string {
	if !taken(NameKey(name)) {
		return name
	}
	free := func(n int) bool { return !taken(NameKey(withNumber(name, n, characters))) }
	high := 2
	for !free(high) && high < maxNumber {
		high *= 2
	}
	low := high / 2 // is taken, or is 1
	n := low + 1 + sort.Search(high-low-1, func(i int) bool { return free(low + 1 + i) })
	return withNumber(name, n, characters)
}

func withNumber(name string, n, characters int) string {
	suffix := " " + strconv.Itoa(n)
	return strings.TrimRight(cut(name, characters-len(suffix), characters*bytesPerCharacter-len(suffix)), " ") + suffix
}

// cut returns the beginning of a name of at most so many characters and bytes.
func cut(name string, characters, bytes int) string {
	length, rest, state := 0, name, -1
	for range characters {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if cluster == "" || length+len(cluster) > bytes {
			break
		}
		length += len(cluster)
	}
	return name[:length]
}
