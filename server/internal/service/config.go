package service

import (
	"cmp"
	"log/slog"
	"time"

	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/metrics"
	"chatroom/server/internal/signin"
	"chatroom/server/internal/systemd"
	"chatroom/server/internal/tracing"
)

// MemoryData is the value of Config.Data under which nothing is kept.
const MemoryData = "memory"

// The values that the zero values of Config's fields stand for.
const (
	DefaultAddress       = ":8080"
	DefaultData          = "./data"
	DefaultRoom          = "lobby"
	DefaultPresenceGrace = 10 * time.Second
	DefaultNATSReplicas  = 1
	DefaultDedupWindow   = 10 * time.Minute
	DefaultRoomEvents    = 100_000
	DefaultRetainBytes   = 10 << 30
	DefaultMemoryBytes   = 128 << 20
	DefaultHeartbeat     = 15 * time.Second
	DefaultWriteTimeout  = 30 * time.Second
	DefaultDrain         = 8 * time.Second // of the 10 s that containers get
)

// Config is what a service runs with. Its zero value works. Errors of Run name a
// setting by its flag.
type Config struct {
	// Addresses are the TCP addresses to serve HTTP/1.1 and HTTP/2 on, with TLS or
	// without. None means DefaultAddress.
	Addresses []string
	// Sockets are open ports that stay open when the process ends. They replace those of
	// Addresses, Admin and TLS.Redirect: a successor gets the connections that wait, so that
	// none is refused in a restart. Run closes them.
	Sockets systemd.Sockets `json:"-"`
	// TLS makes all of them speak HTTPS.
	TLS TLSConfig
	// Data is the directory for what is kept, or MemoryData to keep nothing. Empty
	// means DefaultData.
	Data string
	// DataWait is how long to wait for another process to give up Data. Zero means not at
	// all.
	DataWait time.Duration

	// Issuers vouch for the users of an application.
	Issuers []identity.IssuerConfig
	// SignIn is where people sign in on the page. The zero value means nowhere.
	SignIn signin.ProviderConfig
	// SignInSession is how long they stay signed in. Zero means identity.DefaultSession.
	SignInSession time.Duration

	// Rooms are the rooms that always exist. None means DefaultRoom.
	Rooms []string
	// RoomCreation says who may create other rooms. Zero means anyone.
	RoomCreation hub.Creation
	// Policy is the file that says who may do what in which rooms: docs/TRUST.md. Empty
	// means the built-in policy.
	Policy string
	// PresenceGrace is how long a member stays in a room after its last connection
	// was lost. Zero means DefaultPresenceGrace.
	PresenceGrace time.Duration
	// NoGuests turns guests off: no caller signs in as one, and their tokens are not valid.
	NoGuests bool
	// ReservedNames are names that guests have with a mark only. None means
	// text.DefaultReserved.
	ReservedNames []string
	// Schema is the file with the descriptor set of an application's kinds of event.
	// Empty means that there are none.
	Schema string

	// NATS are the URLs of NATS servers with JetStream that keep events and records,
	// separated by commas. Empty means that both are kept in Data.
	NATS string
	// NATSReplicas is how many NATS servers keep each event, 1 to 5. Zero means
	// DefaultNATSReplicas.
	NATSReplicas int
	// NoFsync acknowledges an event before it is on disk.
	NoFsync bool
	// DedupWindow is how long a send with the same id is the same send. Zero means
	// DefaultDedupWindow.
	DedupWindow time.Duration
	// RetainRoomEvents is how many events a room keeps. Zero means DefaultRoomEvents.
	RetainRoomEvents int
	// RetainAge is how long events are kept. Zero means for ever.
	RetainAge time.Duration
	// RetainBytes is how many bytes all rooms keep together. Zero means
	// DefaultRetainBytes.
	RetainBytes int64

	// MemoryBytes bounds the recent events and folded messages that all rooms hold in
	// memory together. Zero means DefaultMemoryBytes.
	MemoryBytes int
	// Heartbeat is how long a stream may be silent before a heartbeat is sent. Zero
	// means DefaultHeartbeat.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to accept what is sent to it, before
	// its stream is reset. Zero means DefaultWriteTimeout.
	WriteTimeout time.Duration
	// Drain is how long the service takes to stop at most, whatever its clients do. They
	// are asked to reconnect elsewhere in its first half. Zero means DefaultDrain.
	Drain time.Duration

	// Hosts are the names that requests may be for, separated by commas; an asterisk
	// allows all. Empty allows all, or the names of loopback if the service listens
	// there alone.
	Hosts string
	// CORSOrigins are the origins whose pages may call the service from a browser,
	// separated by commas. Empty means its own alone.
	CORSOrigins string
	// Limits changes what callers may ask for, as the flag -limits does: settings such
	// as "send.member=20/s:100", separated by commas, or "off". Empty means the defaults
	// in docs/LIMITS.md.
	Limits string
	// TrustedProxies are networks, separated by commas, whose headers about the address
	// of a client are believed. Empty means that none is.
	TrustedProxies string

	// Admin is the TCP address for operators: metrics, health and profiles, for which it
	// asks no credential. Empty means that there is none.
	Admin string

	// Tracing creates spans. Run shuts it down. Nil means that there are none.
	Tracing *tracing.Tracing `json:"-"`

	// Ready is called once the service accepts connections, with the addresses that it
	// listens on. Nil means that nothing is called.
	Ready func(addresses []string) `json:"-"`
	// Manager is told the state of the service. Nil means that nothing is.
	Manager *systemd.Manager `json:"-"`
	// Log receives what the service logs. Nil discards it.
	Log *slog.Logger `json:"-"`

	writable func(bool)        // of the store's configuration
	logLines *metrics.LogLines // that Log has; nil without Admin
}

func (c Config) withDefaults() Config {
	if len(c.Addresses) == 0 {
		c.Addresses = []string{DefaultAddress}
	}
	if len(c.Rooms) == 0 {
		c.Rooms = []string{DefaultRoom}
	}
	c.Data = cmp.Or(c.Data, DefaultData)
	c.PresenceGrace = cmp.Or(c.PresenceGrace, DefaultPresenceGrace)
	c.NATSReplicas = cmp.Or(c.NATSReplicas, DefaultNATSReplicas)
	c.DedupWindow = cmp.Or(c.DedupWindow, DefaultDedupWindow)
	c.RetainRoomEvents = cmp.Or(c.RetainRoomEvents, DefaultRoomEvents)
	c.RetainBytes = cmp.Or(c.RetainBytes, DefaultRetainBytes)
	c.MemoryBytes = cmp.Or(c.MemoryBytes, DefaultMemoryBytes)
	c.Heartbeat = cmp.Or(c.Heartbeat, DefaultHeartbeat)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, DefaultWriteTimeout)
	c.SignInSession = cmp.Or(c.SignInSession, identity.DefaultSession)
	c.Drain = cmp.Or(c.Drain, DefaultDrain)
	if c.Ready == nil {
		c.Ready = func([]string) {}
	}
	c.Log = cmp.Or(c.Log, slog.New(slog.DiscardHandler))
	return c
}
