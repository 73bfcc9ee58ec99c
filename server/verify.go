package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/migrate"
	"chatroom/server/internal/store/sqlite"
)

// runVerify checks the store of a data directory, or a backup, and prints each finding. It
// returns an error if there is one. A server may use the directory meanwhile.
func runVerify(ctx context.Context, args []string, p process) error {
	flags := flag.NewFlagSet("chatroom verify", flag.ContinueOnError)
	path := flags.String("data", "./data", "the data `directory`, unless the FILE of a backup is named; a server may use it meanwhile")
	nats := flags.String("nats", "", "refused: a store in NATS is not checked")
	file, err := parseFile(flags, "[FILE]", args, p)
	if err != nil {
		return err
	}
	if file != "" {
		return verifyBackup(ctx, file, p)
	}
	if *nats != "" {
		return errors.New("-nats: the store is in NATS, and verify checks only one in a data directory")
	}
	format, err := datadir.FormatOf(*path)
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	var findings []string
	switch format {
	case datadir.Current:
		findings, err = verifyCurrent(ctx, *path, p)
	case datadir.Former:
		findings, err = verifyFormer(ctx, *path, p)
	default:
		err = fmt.Errorf("-data: there is no store in %s; with -nats the store is in NATS, and can't be checked", *path)
	}
	if err != nil {
		return err
	}
	if printFindings(findings, p) {
		return errors.New("the store is damaged: see above")
	}
	fmt.Fprintln(p.stdout, "nothing is wrong")
	return nil
}

func verifyBackup(ctx context.Context, file string, p process) error {
	r, err := sqlite.VerifyBackup(ctx, file)
	if err != nil {
		return err
	}
	if printFindings(r.Findings, p) {
		return fmt.Errorf("%s is damaged: see above", file)
	}
	fmt.Fprintf(p.stdout, "a backup of %s, made %s\n", contents(r), r.Made.UTC().Format(time.RFC3339))
	fmt.Fprintln(p.stdout, "nothing is wrong")
	return nil
}

// printFindings prints what is wrong with a store, and reports whether anything is.
func printFindings(findings []string, p process) bool {
	for _, finding := range findings {
		fmt.Fprintln(p.stdout, "-", finding)
	}
	return len(findings) > 0
}

// contents says what is in a store.
func contents(r sqlite.Report) string {
	return fmt.Sprintf("%s of %s up to sequence %d, %s, epoch %s", number(r.Events, "event"), number(r.Rooms, "room"), r.Last, number(r.Records, "record"), r.Epoch)
}

func verifyCurrent(ctx context.Context, path string, p process) (findings []string, err error) {
	r, err := sqlite.Verify(ctx, path)
	if err != nil {
		return nil, err
	}
	if r.Epoch != "" || len(r.Findings) == 0 { // of what can't be read nothing is known
		fmt.Fprintln(p.stdout, contents(r))
	}
	if r.Unscrubbed > 0 {
		fmt.Fprintf(p.stdout, "%s may still be in the write-ahead log: a running server removes what is left\n", number(r.Unscrubbed, "deleted event"))
	}
	return r.Findings, nil
}

func verifyFormer(ctx context.Context, path string, p process) (findings []string, err error) {
	f, err := migrate.OpenFormer(ctx, path, eventpb.Encoding{})
	if err != nil {
		return nil, err
	}
	events := 0
	for e, err := range f.Events(ctx) {
		if err != nil {
			return nil, err
		}
		if !e.Erased {
			events++
		}
	}
	fmt.Fprintf(p.stdout, "a store of the former format: %s of %s up to sequence %d, %s\n", number(events, "event"), number(len(f.Rooms), "room"), f.Next-1, number(len(f.Records), "record"))
	return f.Findings, nil
}
