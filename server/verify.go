package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/migrate"
	"chatroom/server/internal/store/sqlite"
)

// runVerify checks the store of a data directory, and prints each finding. It returns
// an error if there is one. A server may use the directory meanwhile.
func runVerify(ctx context.Context, args []string, p process) error {
	flags := flag.NewFlagSet("chatroom verify", flag.ContinueOnError)
	path := flags.String("data", "./data", "the data `directory`; a server may use it meanwhile")
	nats := flags.String("nats", "", "refused: a store in NATS is not checked")
	if err := parseFlags(flags, args, p.getenv, p.stderr); err != nil {
		return err
	}
	if *nats != "" {
		return errors.New("-nats: the store is in NATS, and verify checks only one in a data directory")
	}
	format, err := datadir.FormatOf(*path)
	if err != nil {
		return fmt.Errorf("-data %w", err)
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
	for _, finding := range findings {
		fmt.Fprintln(p.stdout, "-", finding)
	}
	if len(findings) > 0 {
		return errors.New("the store is damaged: see above")
	}
	fmt.Fprintln(p.stdout, "nothing is wrong")
	return nil
}

func verifyCurrent(ctx context.Context, path string, p process) (findings []string, err error) {
	r, err := sqlite.Verify(ctx, path)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(p.stdout, "%s of %s up to sequence %d, %s, epoch %s\n", number(r.Events, "event"), number(r.Rooms, "room"), r.Last, number(r.Records, "record"), r.Epoch)
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
