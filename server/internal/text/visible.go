package text

import (
	"unicode"

	"golang.org/x/text/unicode/rangetable"
)

// Visible reports whether a text shows anything: whether it has a character that is
// neither white space nor invisible.
func Visible(s string) bool {
	for _, r := range s {
		if !invisible(r) {
			return true
		}
	}
	return false
}

// invisible reports whether a character shows nothing by itself. Characters that are
// not assigned in the Go tables are taken for visible ones, unless Unicode reserves
// their range for invisible ones.
func invisible(r rune) bool {
	if ' ' < r && r < 0x7f {
		return false
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Z, unicode.Cc) || ignorable(r) || unicode.Is(blanks, r)
}

// blanks are drawn as an empty place, though Unicode counts them as letters, symbols or
// punctuation.
var blanks = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x2800, 0x2800, 1}, // braille pattern without dots
		{0xfffc, 0xfffc, 1}, // object replacement
	},
	R32: []unicode.Range32{
		{0x16fe4, 0x16fe4, 1}, // filler of Khitan small script
		{0x1d159, 0x1d159, 1}, // null note head
		{0x1da7f, 0x1da80, 1}, // wall plane spaces of SignWriting
	},
	LatinOffset: 0,
}

// ignorable reports whether a character has the property Default_Ignorable_Code_Point,
// by its definition in Unicode's DerivedCoreProperties.txt.
func ignorable(r rune) bool {
	switch {
	case r < 0x80: // a short cut for most of all text
		return false
	case 0xfff9 <= r && r <= 0xfffb: // interlinear annotation
		return false
	case 0x13430 <= r && r <= 0x1343f: // format controls of Egyptian hieroglyphs
		return false
	case unicode.Is(unicode.Prepended_Concatenation_Mark, r): // such as the Arabic number sign
		return false
	}
	return unicode.Is(ignorables, r)
}

// ignorables are merged, so that a character is looked up in one table.
var ignorables = rangetable.Merge(unicode.Other_Default_Ignorable_Code_Point, unicode.Cf, unicode.Variation_Selector)
