package cli

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// options are what the command line and the environment ask for.
type options struct {
	server, room, name, token string
	json                      bool
	follow, followSet         bool
	history                   uint
	historySet                bool
	since                     string
	timeout                   time.Duration
}

const usage = `Usage: chat [flags]

In a terminal, chat shows a room on the full screen; the key ? helps. In a pipe it
works with lines:

  echo hi | chat -room lobby      sends each line, in order and once
  chat -room lobby | grep hi      prints what is sent to the room
  chat -history 20 -follow=false  prints the newest events and ends
  … | chat -follow | …            both at once

Lines that are blank are not sent. Without -json, messages and edits are printed, each line
with its time and name. With -json, each line is an event as JSON, as the service's
ListEvents has it, or {"reset":…} where events can't be delivered.

Exit codes: 0 if all was done, or the reader of the output has left; 1 if something was
refused or the flags are wrong; 2 if the server can't be reached within -timeout; 130 and 143
after SIGINT and SIGTERM.

A guest stays the same member: the token is kept, for each server and name, in the folder
chatroom of the user's configuration. -token, or better CHATROOM_TOKEN, is for the users
of an application and for API keys.

Flags, and the environment variables of their defaults:

`

// parse returns the options. It returns flag.ErrHelp if help was asked for.
func parse(args []string, getenv func(string) string, output io.Writer) (*options, error) {
	var o options
	flags := flag.NewFlagSet("chat", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.Usage = func() {
		_, _ = io.WriteString(output, usage)
		flags.PrintDefaults()
	}
	flags.StringVar(&o.server, "server", cmp.Or(getenv("CHATROOM_SERVER"), "http://localhost:8080"), "address of the service, a `URL` (CHATROOM_SERVER)")
	flags.StringVar(&o.room, "room", cmp.Or(getenv("CHATROOM_ROOM"), "lobby"), "`name` of the room (CHATROOM_ROOM)")
	flags.StringVar(&o.name, "name", cmp.Or(getenv("CHATROOM_NAME"), getenv("USER"), "guest"), "`name` of the guest (CHATROOM_NAME)")
	flags.StringVar(&o.token, "token", "", "`credential` in place of that of a guest (CHATROOM_TOKEN)")
	flags.BoolVar(&o.json, "json", false, "print events as JSON, one in each line")
	flags.BoolVar(&o.follow, "follow", false, "print events as they come (default: if nothing is piped in)")
	flags.UintVar(&o.history, "history", 0, "begin with the newest `n` events, up to 1000")
	flags.StringVar(&o.since, "since", "", "begin where the last run with this `file` has ended, which keeps the position")
	flags.DurationVar(&o.timeout, "timeout", 30*time.Second, "how long to try to reach the server, and to send one line; 0 for ever")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	flags.Visit(func(f *flag.Flag) {
		o.followSet = o.followSet || f.Name == "follow"
		o.historySet = o.historySet || f.Name == "history" || f.Name == "since"
	})
	o.token = cmp.Or(o.token, getenv("CHATROOM_TOKEN")) // not a default, which -h would print
	var err error
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.history > 1000:
		err = errors.New("-history: must be 0 to 1000")
	case o.timeout < 0:
		err = errors.New("-timeout: must not be negative")
	}
	if err != nil {
		_, _ = fmt.Fprintf(output, "chat: %v; chat -h explains\n", err)
	}
	return &o, err
}

// mode is what a run does.
type mode struct {
	screen bool // the rest is false then
	send   bool // the lines of the input
	print  bool // the events of the room
	follow bool // go on printing
}

// mode returns what to do with an input and an output of which it is known whether they
// are terminals.
func (o *options) mode(input, output bool) mode {
	switch {
	case input && output && !o.json && !o.followSet && !o.historySet:
		return mode{screen: true}
	case input: // nothing is piped in
		return mode{print: true, follow: o.follow || !o.followSet}
	case o.historySet && !o.follow:
		// The input may be a pipe of whatever runs this, and never end.
		return mode{print: true}
	default:
		return mode{send: true, print: o.follow, follow: o.follow}
	}
}
