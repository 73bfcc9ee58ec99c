package main

import (
	"errors"
	"flag"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// environment is a getenv of a test's own.
func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestParse(t *testing.T) {
	type want struct {
		listen                         string
		data                           string
		heartbeat, writeTimeout, drain time.Duration
	}
	defaults := want{":8080", "./data", 15 * time.Second, 30 * time.Second, 8 * time.Second}
	change := func(f func(*want)) want {
		w := defaults
		f(&w)
		return w
	}
	for _, tt := range []struct {
		name string
		args string
		env  map[string]string
		want want
	}{
		{"defaults", "", nil, defaults},
		{"flags", "-listen :1 -data memory -heartbeat 1s -write-timeout 2m -drain 500ms", nil,
			want{":1", "memory", time.Second, 2 * time.Minute, 500 * time.Millisecond}},
		{"two dashes", "--data=memory", nil, change(func(w *want) { w.data = "memory" })},
		{"environment", "", map[string]string{
			"CHATROOM_LISTEN": ":2", "CHATROOM_DATA": "/tmp", "CHATROOM_HEARTBEAT": "3s", "CHATROOM_WRITE_TIMEOUT": "4s", "CHATROOM_DRAIN": "5s"},
			want{":2", "/tmp", 3 * time.Second, 4 * time.Second, 5 * time.Second}},
		{"a flag wins", "-data memory -drain 1s", map[string]string{"CHATROOM_DATA": "/tmp", "CHATROOM_DRAIN": "2s", "CHATROOM_HEARTBEAT": "3s"},
			change(func(w *want) { w.data, w.drain, w.heartbeat = "memory", time.Second, 3*time.Second })},
		{"a flag wins even with the default", "-drain 8s", map[string]string{"CHATROOM_DRAIN": "2s"}, defaults},
		{"a flag wins over nonsense", "-drain 1s", map[string]string{"CHATROOM_DRAIN": "soon"}, change(func(w *want) { w.drain = time.Second })},
		{"empty variables are unset", "", map[string]string{"CHATROOM_DATA": "", "CHATROOM_DRAIN": "", "CHATROOM_LISTEN": ""}, defaults},
		{"other variables", "", map[string]string{"DATA": "no", "CHATROOM_OTHER": "no", "chatroom_data": "no"}, defaults},
		{"listen repeated", "-listen :1 -listen :2", nil, change(func(w *want) { w.listen = ":1,:2" })},
		{"listen with commas", "-listen :1,:2 -listen :3", nil, change(func(w *want) { w.listen = ":1,:2,:3" })},
		{"listen with spaces", "", map[string]string{"CHATROOM_LISTEN": ":1, [::1]:2"}, change(func(w *want) { w.listen = ":1,[::1]:2" })},
		{"listen by flag only", "-listen :1", map[string]string{"CHATROOM_LISTEN": ":2"}, change(func(w *want) { w.listen = ":1" })},
	} {
		c, err := parse(strings.Fields(tt.args), environment(tt.env), io.Discard)
		if err != nil {
			t.Errorf("%s: parse(%q, %v) = %v, want nil", tt.name, tt.args, tt.env, err)
			continue
		}
		got := want{strings.Join(c.Addresses, ","), c.Data, c.Heartbeat, c.WriteTimeout, c.Drain}
		if got != tt.want {
			t.Errorf("%s: parse(%q, %v) = %+v, want %+v", tt.name, tt.args, tt.env, got, tt.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		args []string
		env  map[string]string
		want string // in the error
	}{
		{[]string{"-unknown"}, nil, "-unknown"},
		{[]string{"-drain", "soon"}, nil, "-drain"},
		{[]string{"-drain"}, nil, "-drain"},
		{[]string{"serve"}, nil, `"serve"`},
		{[]string{"-data", "memory", "serve"}, nil, `"serve"`},
		{[]string{"-drain", "0"}, nil, "-drain"},
		{[]string{"-drain", "-1s"}, nil, "-drain"},
		{[]string{"-heartbeat", "0s"}, nil, "-heartbeat"},
		{[]string{"-write-timeout", "0s"}, nil, "-write-timeout"},
		{[]string{"-data", ""}, nil, "-data"},
		{[]string{"-listen", ""}, nil, "-listen"},
		{[]string{"-listen", ":1,"}, nil, "-listen"},
		{nil, map[string]string{"CHATROOM_DRAIN": "soon"}, "CHATROOM_DRAIN"},
		{nil, map[string]string{"CHATROOM_DRAIN": "0s"}, `CHATROOM_DRAIN: "0s": must be greater than zero`},
		{nil, map[string]string{"CHATROOM_LISTEN": ","}, "CHATROOM_LISTEN"},
		{nil, map[string]string{"CHATROOM_WRITE_TIMEOUT": "5", "CHATROOM_HEARTBEAT": "x"}, "CHATROOM_WRITE_TIMEOUT"},
		{nil, map[string]string{"CHATROOM_WRITE_TIMEOUT": "5", "CHATROOM_HEARTBEAT": "x"}, "CHATROOM_HEARTBEAT"},
	} {
		_, err := parse(tt.args, environment(tt.env), io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("parse(%q, %v) = %v, want an error with %s in it", tt.args, tt.env, err, tt.want)
		}
	}
}

// A value that can't be parsed is named once, with what is valid, and without the usage.
func TestParseRefusesValues(t *testing.T) {
	for _, tt := range []struct {
		arg  string
		env  map[string]string
		want string
	}{
		{"-heartbeat=5", nil, `-heartbeat: "5" is not a duration, such as 10s or 72h`},
		{"-fsync=maybe", nil, `-fsync: "maybe" is neither true nor false`},
		{"-nats-replicas=two", nil, `-nats-replicas: "two" is not a whole number, or is too large`},
		{"-retain-bytes=99999999999999999999", nil, `-retain-bytes: "99999999999999999999" is not a whole number, or is too large`},
		{"-listen=:1,", nil, `-listen: ":1,": must not be empty`},
		{"-unknown", nil, `-unknown: no such flag: see -h`},
		{"-heart-beat=5s", nil, `-heart-beat: no such flag: did you mean -heartbeat?`},
		{"--listn=:1", nil, `-listn: no such flag: did you mean -listen?`},
		{"-fsync false", nil, `unexpected argument "false": write -fsync=false`},
		{"false", nil, `unexpected argument "false": see -h`},
		{"-drain=0s", nil, `-drain: "0s": must be greater than zero`},
		{"-rooms=Lobby!", nil, `-rooms: "Lobby!": room: must be 1 to 64 characters of a-z, 0-9, dot, underscore and hyphen`},
		{"-fsync", map[string]string{"CHATROOM_DRAIN": "soon"}, `CHATROOM_DRAIN: "soon" is not a duration, such as 10s or 72h`},
	} {
		var out strings.Builder
		if _, err := parse(strings.Fields(tt.arg), environment(tt.env), &out); err == nil || err.Error() != tt.want || out.Len() > 0 {
			t.Errorf("parse(%q, %v) = %v and printed %q, want %s alone", tt.arg, tt.env, err, out.String(), tt.want)
		}
	}
}

// -h shows every flag with its variable and default, if it has one, once.
func TestUsage(t *testing.T) {
	var out strings.Builder
	if _, err := parse([]string{"-h"}, environment(nil), &out); !errors.Is(err, flag.ErrHelp) {
		t.Fatalf("parse(-h) = %v, want %v", err, flag.ErrHelp)
	}
	usage := out.String()
	var shown []string
	for line := range strings.Lines(usage) {
		if name, found := strings.CutPrefix(line, "  -"); found {
			shown = append(shown, strings.Fields(name)[0])
		}
	}
	slices.Sort(shown)
	want := append(flagNames(t), slices.Collect(maps.Keys(noVariable))...)
	slices.Sort(want)
	if !slices.Equal(shown, want) {
		t.Errorf("-h shows %q, want %q:\n%s", shown, want, usage)
	}
	for _, name := range shown {
		if noVariable[name] {
			continue
		}
		if !strings.Contains(usage, "("+variable(name)+", default ") && !strings.Contains(usage, "("+variable(name)+")") {
			t.Errorf("-h does not show the variable of -%s:\n%s", name, usage)
		}
	}
	if strings.Contains(usage, "default )") {
		t.Errorf("-h shows empty defaults:\n%s", usage)
	}
	for name, value := range map[string]string{"listen": ":8080", "data": "./data", "heartbeat": "15s", "write-timeout": "30s", "drain": "8s"} {
		if want := "(" + variable(name) + ", default " + value + ")"; !strings.Contains(usage, want) {
			t.Errorf("-h lacks %q:\n%s", want, usage)
		}
	}
}

// flagNames returns all flags, by asking for the value of each variable.
func flagNames(t *testing.T) []string {
	t.Helper()
	var names []string
	_, err := parse(nil, func(name string) string {
		names = append(names, strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(name, "CHATROOM_")), "_", "-"))
		return ""
	}, io.Discard)
	if err != nil {
		t.Fatalf("parse() = %v, want nil", err)
	}
	slices.Sort(names)
	return names
}

func TestVariable(t *testing.T) {
	for name, want := range map[string]string{"data": "CHATROOM_DATA", "write-timeout": "CHATROOM_WRITE_TIMEOUT"} {
		if got := variable(name); got != want {
			t.Errorf("variable(%q) = %q, want %q", name, got, want)
		}
	}
}
