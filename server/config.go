package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/service"
)

// group is a part of the usage text.
type group struct {
	title string
	flags []string
}

var groups = []group{
	{"Where to serve, and from what", []string{"listen", "data", "data-wait", "admin"}},
	{"TLS", tlsFlags},
	{"Who may call, and how often", append([]string{"issuers"}, accessFlags...)},
	{"Signing in on the page", signInFlags},
	{"Rooms", []string{"rooms", "room-creation", "policy", "presence-grace", "schema"}},
	{"Guests", []string{"guests", "reserved-names"}},
	{"The log of events", []string{"nats", "nats-replicas", "fsync", "dedup-window", "retain-room-events", "retain-age", "retain-bytes"}},
	{"Streams and memory", []string{"memory-bytes", "heartbeat", "write-timeout", "drain"}},
	{"The log", logFlags},
	{"Instead of serving", []string{"check", "version"}},
}

// parse reads the configuration of serve, as parseFlags does.
func parse(args []string, getenv func(string) string, out io.Writer) (*service.Config, error) {
	c, _, err := parseSettings(args, getenv, out)
	return c, err
}

// parseSettings is parse that also returns where the values are from.
func parseSettings(args []string, getenv func(string) string, out io.Writer) (*service.Config, *settings, error) {
	s := &settings{getenv: getenv}
	c, err := s.parse(args, getenv, out)
	return c, s, s.locate(err)
}

func (s *settings) parse(args []string, getenv func(string) string, out io.Writer) (*service.Config, error) {
	c := new(service.Config)
	listen := names{list: []string{service.DefaultAddress}}
	rooms := names{list: []string{service.DefaultRoom}}
	creation := creation("anyone")
	var auto names
	fsync, guests := true, true
	var reserved names
	var issuers string
	var signIn signInFiles
	flags := flag.NewFlagSet("chatroom", flag.ContinueOnError)
	s.flags = flags
	flags.Usage = func() { usage(flags, out) }
	flags.Var(&listen, "listen", "TCP `address` to serve HTTP/1.1 and HTTP/2 on, with TLS or without; may be repeated")
	flags.StringVar(&c.Data, "data", service.DefaultData, "`directory` for the store, or \"memory\" to store nothing")
	flags.DurationVar(&c.DataWait, "data-wait", 0, "how long to wait for another process that uses -data, as a predecessor that drains; 0 refuses to start")
	flags.StringVar(&c.Admin, "admin", "", "TCP `address` for operators, such as 127.0.0.1:9090, with metrics, health and profiles, and without credentials: it must not be reachable for others")
	defineTLS(flags, &c.TLS, &auto)
	flags.StringVar(&issuers, "issuers", "", "`file` with the issuers of tokens for the application's own users, as in docs/TRUST.md")
	defineAccess(flags, c)
	defineSignIn(flags, c, &signIn)
	flags.Var(&rooms, "rooms", "`names` of rooms that always exist; may be repeated")
	flags.Var(&creation, "room-creation", `who may create rooms: "anyone", "members" (callers with a token) or "nobody"`)
	flags.StringVar(&c.Policy, "policy", "", "`file` that says who may do what in which rooms, see docs/TRUST.md; it is reloaded when it changes")
	flags.DurationVar(&c.PresenceGrace, "presence-grace", service.DefaultPresenceGrace, "how long a member stays in a room after its last connection is lost")
	flags.BoolVar(&guests, "guests", true, "accept guests: anyone may sign in with a name; false also invalidates the tokens of guests")
	flags.Var(&reserved, "reserved-names", "`names` that stand for the service: those of guests that look like one are marked; may be repeated; default: admin, moderator, support and similar")
	flags.StringVar(&c.Schema, "schema", "", "`file` with the descriptor set of the application's event kinds, as written by buf build -o")
	flags.StringVar(&c.NATS, "nats", "", "`URLs` of NATS servers with JetStream that store events and records, comma-separated; default: store in -data")
	flags.IntVar(&c.NATSReplicas, "nats-replicas", service.DefaultNATSReplicas, "number of NATS servers that store each event; an event is acknowledged when a majority has it")
	flags.IntVar(&c.MemoryBytes, "memory-bytes", service.DefaultMemoryBytes, "limit in bytes for the recent events and folded messages of all rooms in memory")
	flags.BoolVar(&fsync, "fsync", true, "acknowledge an event only when it is on disk; false may lose up to half a minute if the machine crashes")
	flags.DurationVar(&c.DedupWindow, "dedup-window", service.DefaultDedupWindow, "how long a repeated send with the same id is stored only once")
	flags.IntVar(&c.RetainRoomEvents, "retain-room-events", service.DefaultRoomEvents, "maximum number of events per room")
	flags.DurationVar(&c.RetainAge, "retain-age", 0, "maximum age of events; 0 means unlimited")
	flags.Int64Var(&c.RetainBytes, "retain-bytes", service.DefaultRetainBytes, "maximum bytes of all rooms; the largest rooms lose their oldest events first")
	flags.DurationVar(&c.Heartbeat, "heartbeat", service.DefaultHeartbeat, "maximum silence on a stream before a heartbeat is sent, at least 100ms; shorter than the timeout of each proxy in front")
	flags.DurationVar(&c.WriteTimeout, "write-timeout", service.DefaultWriteTimeout, "how long a client may fail to read before its stream is reset, at least 100ms")
	flags.DurationVar(&c.Drain, "drain", service.DefaultDrain, "how long the server takes to stop at most; clients are asked to reconnect in the first half")
	s.logs.define(flags)
	flags.BoolVar(&s.checkOnly, "check", false, "check the configuration and the files that it names, and exit, without opening a port or data")
	flags.BoolVar(&s.versionOnly, "version", false, "print the version and exit")
	if err := parseFlags(flags, args, getenv, out); err != nil {
		return nil, err
	}
	c.Addresses, c.Rooms, c.RoomCreation, c.NoFsync = listen.list, rooms.list, creations[creation], !fsync
	c.NoGuests, c.ReservedNames = !guests, reserved.list
	c.TLS.Auto = auto.list
	if issuers != "" {
		var err error
		if c.Issuers, err = readIssuers(issuers, getenv); err != nil {
			return nil, fmt.Errorf("-issuers: %w", err)
		}
	}
	if err := signIn.read(c); err != nil {
		return nil, err
	}
	return c, check(c)
}

func check(c *service.Config) error {
	for name, d := range map[string]time.Duration{
		"drain": c.Drain, "presence-grace": c.PresenceGrace,
	} {
		if d <= 0 {
			return fmt.Errorf("-%s: must be greater than zero", name)
		}
	}
	// With less no client is fast enough.
	const least = 100 * time.Millisecond
	for name, d := range map[string]time.Duration{"heartbeat": c.Heartbeat, "write-timeout": c.WriteTimeout} {
		if d < least {
			return fmt.Errorf("-%s: must be at least %s", name, least)
		}
	}
	for _, room := range c.Rooms {
		if err := chat.CheckRoom(room); err != nil {
			return fmt.Errorf("-rooms: %q: %w", room, err)
		}
	}
	if err := checkTLS(&c.TLS, c.Data); err != nil {
		return err
	}
	switch {
	case c.Data == "":
		return errors.New(`-data: must be a directory or "memory"`)
	case c.Data == service.MemoryData && c.NATS != "":
		return errors.New(`-nats: must not be set together with -data memory`)
	case c.DataWait < 0:
		return errors.New("-data-wait: must not be negative")
	case c.DedupWindow < time.Second:
		return errors.New("-dedup-window: must be at least 1s")
	case c.RetainRoomEvents < 1:
		return errors.New("-retain-room-events: must be at least 1")
	case c.RetainAge != 0 && c.RetainAge < c.DedupWindow:
		return fmt.Errorf("-retain-age: must be 0, or at least -dedup-window, %s", c.DedupWindow)
	case c.NATSReplicas < 1 || c.NATSReplicas > 5:
		return errors.New("-nats-replicas: must be 1 to 5")
	case c.MemoryBytes < 1<<20:
		return errors.New("-memory-bytes: must be at least 1048576")
	case c.RetainBytes < 1<<20:
		return errors.New("-retain-bytes: must be at least 1048576")
	}
	return nil
}

func usage(flags *flag.FlagSet, out io.Writer) {
	fmt.Fprintln(out, "chatroom serves chat rooms over Connect, gRPC and gRPC-Web, and a page to chat on.")
	fmt.Fprintf(out, "\nCommands, each with flags of its own:\n%s\n", listCommands())
	fmt.Fprintln(out, "\nThe flags of serve follow. Each is also an environment variable; a flag that is given wins.\n"+
		"What may be repeated may also be several values separated by commas, as in a variable.")
	for _, g := range groups {
		fmt.Fprintf(out, "\n%s:\n", g.title)
		for _, name := range g.flags {
			f := flags.Lookup(name)
			value, text := flag.UnquoteUsage(f)
			if noVariable[name] {
				fmt.Fprintf(out, "  -%s\n        %s\n", name, text)
				continue
			}
			from := variable(name)
			if f.DefValue != "" {
				from += ", default " + f.DefValue
			}
			fmt.Fprintf(out, "  -%s %s  (%s)\n        %s\n", name, value, from, text)
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

var creations = map[creation]hub.Creation{
	"anyone":  hub.CreationAnyone,
	"members": hub.CreationMembers,
	"nobody":  hub.CreationNobody,
}

func (c *creation) String() string { return string(*c) }

func (c *creation) Set(value string) error {
	if _, known := creations[creation(value)]; !known {
		return errors.New(`must be "anyone", "members" or "nobody"`)
	}
	*c = creation(value)
	return nil
}
