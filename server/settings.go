package main

import (
	"flag"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"strings"
)

// settings are the flags of serve after they were parsed, with where their values are from.
type settings struct {
	flags       *flag.FlagSet
	getenv      func(string) string
	checkOnly   bool
	versionOnly bool
	logs        logSettings
}

var namesFlag = regexp.MustCompile(`^-([a-z-]+): `)

// locate returns an error about a setting, as "-drain: must be greater than zero", with the
// variable that has set it in place of the flag, and with the value: `CHATROOM_DRAIN: "0s":
// must be greater than zero`. It returns other errors as they are.
func (s *settings) locate(err error) error {
	if err == nil {
		return err
	}
	text := err.Error()
	found := namesFlag.FindStringSubmatch(text)
	if found == nil {
		return err
	}
	f := s.flags.Lookup(found[1])
	if f == nil {
		return err
	}
	source, rest := "-"+f.Name, text[len(found[0]):]
	if s.fromEnvironment(f.Name) {
		source = variable(f.Name)
	}
	if value := masked(f); value != "" && !strings.HasPrefix(rest, `"`) && !strings.Contains(rest, value) {
		rest = fmt.Sprintf("%q: %s", value, rest)
	}
	return locatedError{source + ": " + rest, err}
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

// secretNames are parts of the names of flags whose values nobody may see.
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
	if !strings.Contains(value, "://") {
		return value
	}
	parts := strings.Split(value, ",")
	for i, part := range parts {
		u, err := url.Parse(strings.TrimSpace(part))
		switch {
		case err != nil && strings.Contains(part, "@"):
			parts[i] = "xxxxx"
		case err == nil && u.User != nil:
			// A name without a password is a token to NATS.
			if _, has := u.User.Password(); !has {
				u.User = url.UserPassword("xxxxx", "xxxxx")
			}
			parts[i] = u.Redacted()
		}
	}
	return strings.Join(parts, ",")
}
