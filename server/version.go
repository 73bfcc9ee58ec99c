package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// version describes the program by what the Go toolchain has recorded in it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "chatroom, unknown version"
	}
	return describe(info)
}

func describe(info *debug.BuildInfo) string {
	settings := make(map[string]string)
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	number := info.Main.Version
	if number == "" || number == "(devel)" {
		number = "development version"
	}
	var details []string
	if revision := settings["vcs.revision"]; revision != "" {
		if settings["vcs.modified"] == "true" {
			revision += ", modified"
		}
		details = append(details, "revision "+revision)
	}
	if at := settings["vcs.time"]; at != "" {
		details = append(details, at)
	}
	details = append(details, info.GoVersion, runtime.GOOS+"/"+runtime.GOARCH)
	return fmt.Sprintf("chatroom %s (%s)", number, strings.Join(details, ", "))
}

// runVersion prints the version.
func runVersion(_ context.Context, args []string, p process) error {
	if len(args) > 0 {
		return fmt.Errorf("version: unexpected argument %q", args[0])
	}
	fmt.Fprintln(p.stdout, version())
	return nil
}
