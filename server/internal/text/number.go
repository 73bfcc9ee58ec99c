package text

import (
	"sort"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
)

// maxNumber ends the search for a number that is free.
const maxNumber = 1 << 30

// Number returns the name that a member is shown by beside those who are shown already:
// the name itself, or with a number from 2 that tells it apart, as in "Ada 2". taken
// reports whether a name is shown, by its NameKey. The number is one that follows a name
// that is taken: the lowest that is free, or the next after some that are. It is found
// with a few calls of taken even among many thousands of the same name.
//
// characters is the bound of Nickname; the name is cut for the number to fit.
func Number(name string, characters int, taken func(key string) bool) string {
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
