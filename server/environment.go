package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"chatroom/server/internal/nearest"
)

// environmentPrefix is what all variables of the server begin with.
const environmentPrefix = "CHATROOM_"

// foreign are variables that are not meant for the server although they begin with its
// prefix. Kubernetes sets such ones in each container for a service that is named chatroom,
// or chatroom-something. Tests and benchmarks have others.
var foreign = regexp.MustCompile(`(_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT|_PORT_\d+_(TCP|UDP|SCTP)(_PROTO|_PORT|_ADDR)?)$|^CHATROOM_(TEST|BENCH)_`)

// askedNames records which variables are asked for.
type askedNames struct {
	getenv func(string) string
	names  []string
}

func (a *askedNames) get(name string) string {
	if !slices.Contains(a.names, name) {
		a.names = append(a.names, name)
	}
	return a.getenv(name)
}

// checkUnknown returns an error for the variables that are set and were not asked for: they
// are mistyped, or of another version.
func (a *askedNames) checkUnknown(environ []string) error {
	var settings []string
	for _, name := range a.names {
		settings = append(settings, strings.TrimPrefix(name, environmentPrefix))
	}
	var errs []error
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, environmentPrefix) || value == "" || slices.Contains(a.names, name) || foreign.MatchString(name) {
			continue
		}
		hint := "chatroom -h lists all"
		if near := nearest.Name(strings.TrimPrefix(name, environmentPrefix), settings); near != "" {
			hint = "did you mean " + environmentPrefix + near + "?"
		}
		errs = append(errs, fmt.Errorf("%s: no such setting: %s", name, hint))
	}
	return errors.Join(errs...)
}
