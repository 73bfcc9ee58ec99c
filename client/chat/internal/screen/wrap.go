package screen

import (
	"strings"

	"github.com/rivo/uniseg"
)

// wrap breaks a text into lines of at most a width, where Unicode allows lines to break
// (UAX 14): at spaces, and between the characters of scripts that have none. A word that is
// longer than a line is broken anywhere.
func (m *Model) wrap(text string, width int) []string {
	var lines []string
	for paragraph := range strings.SplitSeq(text, "\n") {
		lines = append(lines, m.wrapParagraph(paragraph, width)...)
	}
	return lines
}

func (m *Model) wrapParagraph(text string, width int) []string {
	var lines []string
	var line strings.Builder
	used := 0
	end := func() {
		lines = append(lines, strings.TrimRight(line.String(), " "))
		line.Reset()
		used = 0
	}
	for word := range lineWords(text) {
		columns := m.widths.StringWidth(strings.TrimRight(word, " "))
		if columns <= width && used+columns > width {
			end()
		}
		if used+columns <= width {
			line.WriteString(word)
			used += m.widths.StringWidth(word)
			continue
		}
		for clusters := uniseg.NewGraphemes(word); clusters.Next(); {
			columns := m.widths.StringWidth(clusters.Str())
			if used > 0 && used+columns > width {
				end()
			}
			line.WriteString(clusters.Str())
			used += columns
		}
	}
	end()
	return lines
}

// lineWords returns the parts of a text that a line may end after.
func lineWords(text string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for state := -1; text != ""; {
			var word string
			word, text, _, state = uniseg.FirstLineSegmentInString(text, state)
			if !yield(word) {
				return
			}
		}
	}
}
