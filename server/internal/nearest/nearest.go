// Package nearest finds the name that is meant by a mistyped one.
package nearest

import (
	"slices"
	"strings"
)

// Name returns the name that a mistyped one may stand for, or "" if none is near. Capitals count as small
// letters.
func Name(typed string, all []string) string {
	best, least := "", max(2, len(typed)/4)+1
	for _, name := range all {
		if d := editDistance(strings.ToLower(typed), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// editDistance returns how many bytes are to be inserted, removed or replaced to make a
// into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], slices.Min([]int{row[j+1] + 1, row[j] + 1, diagonal + cost})
		}
	}
	return row[len(b)]
}
