package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// settings are the flags of serve after they were parsed, with where their values are from.
type settings struct {
	flags       *flag.FlagSet
	getenv      func(string) string
	checkOnly   bool
	versionOnly bool
	logs        logSettings
}

// namesFlags matches the beginning of an error about one flag or several.
var namesFlags = regexp.MustCompile(`^(-[a-z-]+(?:, -[a-z-]+)*): `)

// locate returns an error about settings, as "-drain: must be greater than zero", with the
// variable that has set one in place of the flag, and with the value: `CHATROOM_DRAIN: "0s":
// must be greater than zero`. It returns other errors as they are.
func (s *settings) locate(err error) error {
	if err == nil {
		return err
	}
	text := err.Error()
	found := namesFlags.FindStringSubmatch(text)
	if found == nil {
		return err
	}
	rest := text[len(found[0]):]
	names := strings.Split(found[1], ", ")
	for i, name := range names {
		f := s.flags.Lookup(name[1:])
		if f == nil {
			return err
		}
		if s.fromEnvironment(f.Name) {
			names[i] = variable(f.Name)
		}
		rest = maskIn(rest, f)
		switch value := masked(f); {
		case value == "" || strings.HasPrefix(rest, `"`) || hasWord(rest, value):
		case len(names) == 1:
			rest = fmt.Sprintf("%q: %s", value, rest)
		case f.DefValue != f.Value.String():
			names[i] += fmt.Sprintf(" %q", value)
		}
	}
	return locatedError{strings.Join(names, ", ") + ": " + rest, err}
}

// hasWord reports whether a text has a value as a word: 10 is none in "at least 1048576".
func hasWord(text, value string) bool {
	for {
		before, after, found := strings.Cut(text, value)
		if !found {
			return false
		}
		last, _ := utf8.DecodeLastRuneInString(before)
		next, _ := utf8.DecodeRuneInString(after)
		if !isWord(last) && !isWord(next) {
			return true
		}
		text = after
	}
}

func isWord(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// locatedError has another text than the error that it wraps.
type locatedError struct {
	text string
	err  error
}

func (e locatedError) Error() string { return e.text }
func (e locatedError) Unwrap() error { return e.err }

func (s *settings) fromEnvironment(name string) bool {
	given := false
	s.flags.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return !given && !noVariable[name] && s.getenv(variable(name)) != ""
}

// log writes all settings that have a value, in one line, without secrets. They are named as flags
// are, in snake case.
func (s *settings) log(log *slog.Logger) {
	var values []any
	s.flags.VisitAll(func(f *flag.Flag) {
		if value := masked(f); value != "" && !noVariable[f.Name] {
			values = append(values, slog.String(strings.ReplaceAll(f.Name, "-", "_"), value))
		}
	})
	log.Info("configuration", values...)
}

// secretNames are parts of the names of flags whose values are masked.
var secretNames = regexp.MustCompile(`secret|password|token`)

// masked returns the value of a flag without secrets: passwords in URLs, and all of what is
// named one. Names of files are none.
func masked(f *flag.Flag) string {
	value := f.Value.String()
	if value == "" {
		return ""
	}
	if secretNames.MatchString(f.Name) && !strings.HasSuffix(f.Name, "-file") {
		return "xxxxx"
	}
	parts := strings.Split(value, ",")
	for i, part := range parts {
		parts[i] = maskURL(part, f.Name == "nats")
	}
	return strings.Join(parts, ",")
}

// maskURL returns a part of a value without the user and the password that it has as a URL. The
// scheme may be left out of the URLs of NATS.
func maskURL(part string, noScheme bool) string {
	address := strings.TrimSpace(part)
	added := noScheme && !strings.Contains(address, "://")
	if added {
		address = "nats://" + address
	}
	if !strings.Contains(address, "://") || !strings.Contains(address, "@") {
		return part
	}
	u, err := url.Parse(address)
	if err != nil {
		return "xxxxx"
	}
	if u.User == nil {
		return part
	}
	// A name without a password is a token to NATS.
	if _, has := u.User.Password(); !has {
		u.User = url.UserPassword("xxxxx", "xxxxx")
	}
	if added {
		return strings.TrimPrefix(u.Redacted(), "nats://")
	}
	return u.Redacted()
}

// maskIn returns a text about a flag without the secrets in the flag's value.
func maskIn(text string, f *flag.Flag) string {
	whole, secret := f.Value.String(), masked(f)
	if whole == secret {
		return text
	}
	text = strings.ReplaceAll(text, whole, secret)
	parts, secrets := strings.Split(whole, ","), strings.Split(secret, ",")
	for i, part := range parts {
		if len(parts) == len(secrets) && part != secrets[i] {
			text = strings.ReplaceAll(text, strings.TrimSpace(part), strings.TrimSpace(secrets[i]))
		}
	}
	return text
}
