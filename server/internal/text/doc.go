// Package text holds the rules for what people write: names, messages and emoji.
//
// Nickname returns a name in the one form in which it is stored and shown. Visible
// tells a text from a blank one. Emoji returns the one form of an emoji. Skeletons
// compares names by how they look, and Disambiguate numbers equal names.
//
// All functions are pure, and take time in proportion to their input. What they accept
// does not depend on the version of Unicode that the Go tables have: a letter that is
// newer is no blank.
package text
