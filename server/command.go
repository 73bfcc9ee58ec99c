package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"chatroom/server/internal/nearest"
)

// process is what a command has of its process.
type process struct {
	getenv         func(string) string
	environ        []string // all variables, as NAME=VALUE
	stdout, stderr io.Writer
}

func (p process) log() *slog.Logger { return slog.New(slog.NewTextHandler(p.stderr, nil)) }

// command is what the program can do.
type command struct {
	name string
	text string // for the usage
	run  func(ctx context.Context, args []string, p process) error
}

// commands returns all commands. The first one is the default.
func commands() []command {
	return []command{
		{"serve", "serve rooms until SIGTERM or SIGINT (the default)", runServe},
		{"backup", "copy the store and the key of guests into a file, also while a server runs", runBackup},
		{"export", "write rooms as lines of JSON, also while a server runs", runExport},
		{"import", "add the rooms of such a file to a store that no server uses", runImport},
		{"key", "create, list and revoke the API keys of back ends", runKey},
		{"migrate", "migrate a store of the former format to the current one", runMigrate},
		{"restore", "put a backup into an empty data directory", runRestore},
		{"version", "print the version", runVersion},
		{"verify", "check the store of a data directory, also while a server runs, or a backup", runVerify},
	}
}

// run runs the command that the first argument names, until ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	all, p := commands(), process{getenv, os.Environ(), stdout, stderr}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return all[0].run(ctx, args, p)
	}
	if args[0] == "help" {
		_, err := fmt.Fprintf(stdout, "The commands are:\n%s\n\nchatroom COMMAND -h lists the flags of one.\n", listCommands())
		return err
	}
	for _, c := range all {
		if c.name == args[0] {
			return c.run(ctx, args[1:], p)
		}
	}
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	if near := nearest.Name(args[0], names); near != "" {
		return fmt.Errorf("there is no command %q: did you mean %s?", args[0], near)
	}
	return fmt.Errorf("there is no command %q; the commands are:\n%s", args[0], listCommands())
}

// listCommands returns a line for each command.
func listCommands() string {
	var lines []string
	for _, c := range commands() {
		lines = append(lines, fmt.Sprintf("  %-8s %s", c.name, c.text))
	}
	return strings.Join(lines, "\n")
}
