package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/service"
	"chatroom/server/internal/store/sqlite"
)

// natsBackup says how a store is backed up that is in NATS.
const natsBackup = "-nats: the store is in NATS, which has its own backup: nats account backup DIR saves all streams of the account, and nats account restore DIR restores them"

// runBackup copies the store of a data directory and the key of guests into one file. A
// server may use the directory meanwhile.
func runBackup(ctx context.Context, args []string, p process) error {
	flags := flag.NewFlagSet("chatroom backup", flag.ContinueOnError)
	path := flags.String("data", service.DefaultData, "the data `directory`; a server may use it meanwhile")
	nats := flags.String("nats", "", "refused: NATS has its own backup")
	file, err := parseFile(flags, "FILE", args, p)
	switch {
	case err != nil:
		return err
	case *nats != "":
		return errors.New(natsBackup)
	case file == "":
		return errors.New("backup: must be followed by the file to write, such as backup chatroom-monday.backup")
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("backup: %s exists, and is not overwritten: name another file", file)
	}
	switch format, err := datadir.FormatOf(*path); {
	case err != nil:
		return fmt.Errorf("-data: %w", err)
	case format == datadir.Former:
		return fmt.Errorf("-data: %s holds a store of the former format, which is backed up by copying the directory while the server is stopped; chatroom migrate -data %s migrates it", *path, *path)
	case format == datadir.Empty:
		return fmt.Errorf("-data: there is no store in %s; with -nats the store is in NATS, which has its own backup", *path)
	}
	files, err := backupFiles(*path, p)
	if err != nil {
		return err
	}
	began := time.Now()
	r, err := sqlite.Backup(ctx, sqlite.BackupConfig{Dir: *path, File: file, Files: files})
	if err != nil {
		return fmt.Errorf("there is no backup: %w", err)
	}
	if printFindings(r.Findings, p) {
		return errors.New("there is no backup: the store is damaged, see above; to keep what there is, stop the server and copy the directory")
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "backed up %s, in %s\n", contents(r), time.Since(began).Round(time.Millisecond))
	fmt.Fprintf(p.stdout, "%s has %d bytes, and the key of guests: a person who reads it can impersonate any guest or account\n", file, info.Size())
	return nil
}

// backupFiles returns the files that a backup has beside the store.
func backupFiles(data string, p process) (map[string][]byte, error) {
	path := filepath.Join(data, identity.KeyName)
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		p.log().Warn("there is no key of guests, and the backup has none: guests of a server that starts on it are others", "file", path)
		return nil, nil
	}
	if err == nil {
		err = identity.CheckKey(key)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of guests: %s: %w", path, err)
	}
	return map[string][]byte{identity.KeyName: key}, nil
}

// runRestore puts a backup into an empty data directory.
func runRestore(ctx context.Context, args []string, p process) (err error) {
	flags := flag.NewFlagSet("chatroom restore", flag.ContinueOnError)
	path := flags.String("data", service.DefaultData, "the data `directory`, which must be empty, or not exist")
	nats := flags.String("nats", "", "refused: NATS has its own backup")
	file, err := parseFile(flags, "FILE", args, p)
	switch {
	case err != nil:
		return err
	case *nats != "":
		return errors.New(natsBackup)
	case file == "":
		return errors.New("restore: must be followed by the file that chatroom backup has written")
	}
	if _, err := os.Stat(file); err != nil { // before the directory is created
		return fmt.Errorf("restore: %w", err)
	}
	dir, err := openEmpty(*path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeCreated(dir, err)) }()
	r, err := sqlite.Restore(ctx, sqlite.RestoreConfig{File: file, Dir: *path, Files: []string{identity.KeyName}})
	if err != nil {
		return fmt.Errorf("nothing was restored: %w", err)
	}
	if printFindings(r.Findings, p) {
		return fmt.Errorf("nothing was restored: %s is damaged: see above", file)
	}
	fmt.Fprintf(p.stdout, "restored %s\n", contents(r))
	fmt.Fprintln(p.stdout, "the epoch is new: clients load their rooms again; what came after the backup is undone, bans, revoked keys and deletions too")
	return nil
}

// openEmpty locks a data directory that has nothing in it. It is created if necessary.
func openEmpty(path string) (*datadir.Dir, error) {
	// A directory in use is not locked: that would leave a file in it.
	if names, err := otherContents(path); err == nil && len(names) > 0 {
		return nil, notEmpty(path, names)
	}
	dir, err := datadir.Open(path)
	if err != nil {
		return nil, fmt.Errorf("-data: %w", err)
	}
	names, err := otherContents(path)
	if err == nil && len(names) > 0 {
		err = notEmpty(path, names)
	}
	if err == nil {
		err = sqlite.RemoveUnfinishedRestores(path)
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// otherContents returns the names of what is in a data directory, without what a restore that was killed
// has left.
func otherContents(path string) ([]string, error) {
	names, err := datadir.Contents(path)
	return slices.DeleteFunc(names, sqlite.IsUnfinishedRestore), err
}

// closeCreated unlocks the directory of a command that has ended with an error or without one. If it has
// put nothing there, what was created is removed.
func closeCreated(dir *datadir.Dir, err error) error {
	if names, _ := datadir.Contents(dir.Path()); err != nil && len(names) == 0 {
		return dir.Discard()
	}
	return dir.Close()
}

func notEmpty(path string, names []string) error {
	return fmt.Errorf("-data: %s is not empty, it has %q: move it away, or name another directory", path, names)
}

// parseFile parses the flags of a command and the one file that it may name, in any order.
// The usage calls it argument.
func parseFile(flags *flag.FlagSet, argument string, args []string, p process) (file string, err error) {
	usage := func() {
		fmt.Fprintf(p.stderr, "usage: %s [flags] %s\n", flags.Name(), argument)
		flags.PrintDefaults()
	}
	flags.Usage = usage
	if err := parseFlagsBefore(flags, args, p.getenv, p.stderr); err != nil || flags.NArg() == 0 {
		return "", err
	}
	file = flags.Arg(0)
	flags.Usage = usage
	return file, parseFlags(flags, flags.Args()[1:], p.getenv, p.stderr)
}
