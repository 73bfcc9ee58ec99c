package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"chatroom/server/internal/nearest"
)

// parseFlags parses the flags of a command, and for those not given the environment:
// -listen is CHATROOM_LISTEN there. It returns flag.ErrHelp after printing the usage.
func parseFlags(flags *flag.FlagSet, args []string, getenv func(string) string, out io.Writer) error {
	err := parseFlagsBefore(flags, args, getenv, out)
	if err == nil && flags.NArg() > 0 {
		err = unexpectedArgument(flags, args)
	}
	return err
}

// unexpectedArgument returns the error for the first argument after the flags. Flags that are true or
// false need no value, and so take none from the next argument.
func unexpectedArgument(flags *flag.FlagSet, args []string) error {
	next := flags.Arg(0)
	if i := len(args) - flags.NArg() - 1; i >= 0 && (next == "true" || next == "false") {
		if f := flags.Lookup(strings.TrimLeft(args[i], "-")); f != nil {
			return fmt.Errorf("unexpected argument %q: write -%s=%s", next, f.Name, next)
		}
	}
	return fmt.Errorf("unexpected argument %q: see -h", next)
}

// parseFlagsBefore is parseFlags for a command that has arguments after the flags.
func parseFlagsBefore(flags *flag.FlagSet, args []string, getenv func(string) string, out io.Writer) error {
	usage := flags.Usage
	if usage == nil {
		usage = func() {
			fmt.Fprintf(out, "Usage of %s:\n", flags.Name())
			flags.PrintDefaults()
		}
	}
	// The package flag prints an error and the usage; the caller prints the error, too.
	flags.SetOutput(io.Discard)
	flags.Usage = func() {}
	var invalid error
	flags.VisitAll(func(f *flag.Flag) { f.Value = namedValue{f.Value, "-" + f.Name, &invalid} })
	err := flags.Parse(args)
	flags.VisitAll(func(f *flag.Flag) { f.Value = f.Value.(namedValue).Value })
	flags.SetOutput(out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage()
		return err
	case invalid != nil:
		return invalid
	case err != nil:
		return unknownFlag(flags, err)
	}
	return fromEnvironment(flags, getenv)
}

// unknownFlag returns the error of the package flag for arguments, with the flag that may be
// meant if one does not exist.
func unknownFlag(flags *flag.FlagSet, err error) error {
	typed, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return fmt.Errorf("%w: see -h", err)
	}
	var all []string
	flags.VisitAll(func(f *flag.Flag) { all = append(all, f.Name) })
	if near := nearest.Name(strings.TrimPrefix(typed, "-"), all); near != "" {
		return fmt.Errorf("-%s: no such flag: did you mean -%s?", typed, near)
	}
	return fmt.Errorf("-%s: no such flag: see -h", typed)
}

// noVariable are flags that are not environment variables: they say what to do once, not how
// to serve.
var noVariable = map[string]bool{"check": true, "version": true}

// commandOnly are flags of other commands that are not environment variables, either.
var commandOnly = map[string]bool{"as": true, "room": true}

func fromEnvironment(flags *flag.FlagSet, getenv func(string) string) error {
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		if noVariable[f.Name] || commandOnly[f.Name] {
			return
		}
		name := variable(f.Name)
		if value := getenv(name); value != "" && !given[f.Name] {
			errs = append(errs, namedValue{Value: f.Value, name: name}.Set(value))
		}
	})
	return errors.Join(errs...)
}

func variable(flag string) string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// namedValue is the value of a flag whose errors name the flag or the variable, and say
// which values are valid.
type namedValue struct {
	flag.Value
	name    string
	invalid *error // the last error of Set, unless it is nil
}

// Set implements flag.Value.
func (v namedValue) Set(value string) error {
	err := v.Value.Set(value)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %q: %w", v.name, value, err)
	if getter, ok := v.Value.(flag.Getter); ok { // of the package flag: its errors are too short
		switch getter.Get().(type) {
		case time.Duration:
			err = fmt.Errorf("%s: %q is not a duration, such as 10s or 72h", v.name, value)
		case bool:
			err = fmt.Errorf("%s: %q is neither true nor false", v.name, value)
		case int, int64:
			err = fmt.Errorf("%s: %q is not a whole number, or is too large", v.name, value)
		}
	}
	if v.invalid != nil {
		*v.invalid = err
	}
	return err
}

// IsBoolFlag says that the flag needs no value, to the package flag.
func (v namedValue) IsBoolFlag() bool {
	b, ok := v.Value.(interface{ IsBoolFlag() bool })
	return ok && b.IsBoolFlag()
}

// number returns a number of things: "1 room", "2 rooms".
func number(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
