package main

import (
	"runtime/debug"
	"strings"
	"testing"
)

func TestDescribe(t *testing.T) {
	for _, tt := range []struct {
		info debug.BuildInfo
		want string
	}{
		{debug.BuildInfo{GoVersion: "go1.26"}, "chatroom development version (go1.26, "},
		{debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: "v0.1.0"}, Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.time", Value: "2026-11-26T20:00:00Z"}, {Key: "vcs.modified", Value: "true"},
		}}, "chatroom v0.1.0 (revision abc, modified, 2026-11-26T20:00:00Z, go1.26, "},
	} {
		if got := describe(&tt.info); !strings.HasPrefix(got, tt.want) {
			t.Errorf("describe = %q, want it to begin with %q", got, tt.want)
		}
	}
}
