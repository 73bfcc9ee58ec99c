package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"chatroom/server/internal/chat"
)

// memoryData is the value of -data under which nothing is kept.
const memoryData = "memory"

// config is what flags and environment say.
type config struct {
	listen       names
	data         string
	heartbeat    time.Duration
	writeTimeout time.Duration
	rooms        names
	creation     creation
	grace        time.Duration
	schema       string
	drain        time.Duration
	nats         string
	natsReplicas int
	memory       int
	fsync        bool
	dedupWindow  time.Duration
	roomEvents   int
	age          time.Duration
	bytes        int64
}

// group is a part of the usage text.
type group struct {
	title string
	flags []string
}

var groups = []group{
	{"Where to serve, and from what", []string{"listen", "data"}},
	{"Rooms", []string{"rooms", "room-creation", "presence-grace", "schema"}},
	{"The log of events", []string{"nats", "nats-replicas", "fsync", "dedup-window", "retain-room-events", "retain-age", "retain-bytes"}},
	{"Streams and memory", []string{"memory-bytes", "heartbeat", "write-timeout", "drain"}},
}

// parse reads the flags, and for those not given, the environment: -listen is
// CHATROOM_LISTEN there. It returns flag.ErrHelp after printing the usage.
func parse(args []string, getenv func(string) string, out io.Writer) (*config, error) {
	c := &config{listen: names{list: []string{":8080"}}, rooms: names{list: []string{"lobby"}}, creation: "anyone"}
	flags := flag.NewFlagSet("chatroom", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() { usage(flags, out) }
	flags.Var(&c.listen, "listen", "TCP `address` to serve HTTP/1.1 and unencrypted HTTP/2 on; may be repeated")
	flags.StringVar(&c.data, "data", "./data", `directory for what is kept, or "memory" to keep nothing`)
	flags.Var(&c.rooms, "rooms", "`names` of rooms that always exist; may be repeated")
	flags.Var(&c.creation, "room-creation", `"anyone" may make a room by being first in it; or "members" with a token, or "nobody"`)
	flags.DurationVar(&c.grace, "presence-grace", 10*time.Second, "how long a member is still in a room after its last connection was lost")
	flags.StringVar(&c.schema, "schema", "", "`file` with the descriptor set of an application's kinds of event, as buf build -o writes it")
	flags.StringVar(&c.nats, "nats", "", "`URLs` of NATS servers with JetStream that keep events and records, separated by commas; without, they are in -data")
	flags.IntVar(&c.natsReplicas, "nats-replicas", 1, "how many NATS servers keep each event: an event is acknowledged when more than half of them have it")
	flags.IntVar(&c.memory, "memory-bytes", 128<<20, "how many bytes of recent events and folded messages all rooms hold in memory together")
	flags.BoolVar(&c.fsync, "fsync", true, "whether an event is on disk before it is acknowledged; without, a crash of the machine may lose what the operating system has not written yet, up to half a minute")
	flags.DurationVar(&c.dedupWindow, "dedup-window", 10*time.Minute, "how long a send with the same id is the same send")
	flags.IntVar(&c.roomEvents, "retain-room-events", 100_000, "how many events a room keeps")
	flags.DurationVar(&c.age, "retain-age", 0, "how long events are kept; 0 is for ever")
	flags.Int64Var(&c.bytes, "retain-bytes", 10<<30, "how many bytes all rooms keep together; the rooms that use most lose their oldest events first")
	flags.DurationVar(&c.heartbeat, "heartbeat", 15*time.Second, "how long a stream may be silent before a heartbeat is sent")
	flags.DurationVar(&c.writeTimeout, "write-timeout", 30*time.Second, "how long a client may take to accept what is sent to it, before its stream is reset")
	flags.DurationVar(&c.drain, "drain", 10*time.Second, "how long clients get to reconnect elsewhere when the server stops")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: see -h", flags.Arg(0))
	}
	if err := fromEnvironment(flags, getenv); err != nil {
		return nil, err
	}
	return c, c.check()
}

func (c *config) check() error {
	for name, d := range map[string]time.Duration{
		"heartbeat": c.heartbeat, "write-timeout": c.writeTimeout, "drain": c.drain, "presence-grace": c.grace,
	} {
		if d <= 0 {
			return fmt.Errorf("-%s: must be greater than zero", name)
		}
	}
	for _, room := range c.rooms.list {
		if err := chat.CheckRoom(room); err != nil {
			return fmt.Errorf("-rooms: %q: %w", room, err)
		}
	}
	switch {
	case c.data == "":
		return errors.New(`-data: must be a directory or "memory"`)
	case c.data == memoryData && c.nats != "":
		return errors.New(`-nats: must not be set together with -data memory`)
	case c.dedupWindow < time.Second:
		return errors.New("-dedup-window: must be at least 1s")
	case c.roomEvents < 1:
		return errors.New("-retain-room-events: must be at least 1")
	case c.age != 0 && c.age < c.dedupWindow:
		return errors.New("-retain-age: must be 0, or at least -dedup-window")
	case c.natsReplicas < 1 || c.natsReplicas > 5:
		return errors.New("-nats-replicas: must be 1 to 5")
	case c.memory < 1<<20:
		return errors.New("-memory-bytes: must be at least 1048576")
	case c.bytes < 1<<20:
		return errors.New("-retain-bytes: must be at least 1048576")
	}
	return nil
}

func fromEnvironment(flags *flag.FlagSet, getenv func(string) string) error {
	given := make(map[string]bool)
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		value := getenv(variable(f.Name))
		if given[f.Name] || value == "" {
			return
		}
		if err := f.Value.Set(value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", variable(f.Name), err))
		}
	})
	return errors.Join(errs...)
}

func variable(flag string) string {
	return "CHATROOM_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func usage(flags *flag.FlagSet, out io.Writer) {
	fmt.Fprintln(out, "chatroom serves chat rooms over Connect, gRPC and gRPC-Web, and a page to chat on.")
	fmt.Fprintf(out, "\nCommands, each with flags of its own:\n%s\n", listCommands())
	fmt.Fprintln(out, "\nThe flags of serve follow. Each is also an environment variable; a flag that is given wins.")
	for _, g := range groups {
		fmt.Fprintf(out, "\n%s:\n", g.title)
		for _, name := range g.flags {
			f := flags.Lookup(name)
			value, text := flag.UnquoteUsage(f)
			fmt.Fprintf(out, "  -%s %s  (%s, default %s)\n        %s\n", name, value, variable(name), f.DefValue, text)
		}
	}
}

// names is a flag that may be repeated. The first value replaces the default; one
// value may hold several names, separated by commas.
type names struct {
	list []string
	set  bool
}

func (n *names) String() string { return strings.Join(n.list, ",") }

func (n *names) Set(value string) error {
	if !n.set {
		n.list, n.set = nil, true
	}
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name == "" {
			return errors.New("must not be empty")
		}
		n.list = append(n.list, name)
	}
	return nil
}

// creation is a flag that says who may make rooms.
type creation string

var creations = map[creation]chat.Creation{
	"anyone":  chat.CreationAnyone,
	"members": chat.CreationMembers,
	"nobody":  chat.CreationNobody,
}

func (c *creation) String() string { return string(*c) }

func (c *creation) Set(value string) error {
	if _, known := creations[creation(value)]; !known {
		return errors.New(`must be "anyone", "members" or "nobody"`)
	}
	*c = creation(value)
	return nil
}
