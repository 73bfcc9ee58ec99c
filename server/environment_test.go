package main

import (
	"io"
	"strings"
	"testing"
)

// Variables that mean nothing to the server are refused, each with the name that may be
// meant. Those that Kubernetes sets, and those of tests, are left alone.
func TestUnknownVariables(t *testing.T) {
	for _, tt := range []struct {
		environ []string
		want    string
	}{
		{[]string{"CHATROOM_DATA=/data", "PATH=/bin", "chatroom_data=x", "CHATROOMS=1"}, ""},
		{[]string{"CHATROOM_heartbeat=15s"}, "CHATROOM_heartbeat: no such setting: did you mean CHATROOM_HEARTBEAT?"},
		{[]string{"CHATROOM_HEARTBEET=15s"}, "CHATROOM_HEARTBEET: no such setting: did you mean CHATROOM_HEARTBEAT?"},
		{[]string{"CHATROOM_HEART_BEAT=15s", "CHATROOM_X=1"},
			"CHATROOM_HEART_BEAT: no such setting: did you mean CHATROOM_HEARTBEAT?\nCHATROOM_X: no such setting: chatroom -h lists all"},
		{[]string{"CHATROOM_NOTHING="}, ""}, // an empty variable is one that is not set
		{[]string{"CHATROOM_CHECK=true"}, "CHATROOM_CHECK: no such setting: chatroom -h lists all"},
		{[]string{
			"CHATROOM_SERVICE_HOST=10.0.0.1", "CHATROOM_SERVICE_PORT=8080", "CHATROOM_SERVICE_PORT_HTTP=8080", "CHATROOM_PORT=tcp://10.0.0.1:8080",
			"CHATROOM_PORT_8080_TCP=tcp://10.0.0.1:8080", "CHATROOM_PORT_8080_TCP_PROTO=tcp", "CHATROOM_PORT_8080_TCP_PORT=8080", "CHATROOM_PORT_8080_TCP_ADDR=10.0.0.1",
			"CHATROOM_NATS_SERVICE_HOST=10.0.0.2", "CHATROOM_NATS_PORT_4222_TCP=tcp://10.0.0.2:4222",
		}, ""},
		{[]string{"CHATROOM_TEST_FULL=1", "CHATROOM_BENCH_EVENTS=5"}, ""},
	} {
		asked := &askedNames{getenv: environment(nil)}
		if _, err := parse(nil, asked.get, io.Discard); err != nil {
			t.Fatal(err)
		}
		got := ""
		if err := asked.checkUnknown(tt.environ); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("checkUnknown(%q) = %q, want %q", tt.environ, got, tt.want)
		}
	}
}

// A variable that the file of -issuers names is known.
func TestVariablesOfIssuers(t *testing.T) {
	asked := &askedNames{getenv: environment(map[string]string{"CHATROOM_SHOP_SECRET": strings.Repeat("s", 32)})}
	path := file(t, "issuers.json", `[{"iss": "https://shop.example", "aud": "chat", "secret_env": "CHATROOM_SHOP_SECRET"}]`)
	if _, err := parse([]string{"-issuers", path}, asked.get, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := asked.checkUnknown([]string{"CHATROOM_SHOP_SECRET=s"}); err != nil {
		t.Errorf("checkUnknown = %v, want nil", err)
	}
}
