// Command drivers drives clients that are written in Go in the conformance kit, as
// processes:
//
//	go build -o /tmp/drivers ./server/internal/conformance/drivers
//	go run ./server/internal/conformance /tmp/drivers go
//	go run ./server/internal/conformance /tmp/drivers reference -fault ignores-reset
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"

	"connectrpc.com/connect"

	"chatroom/client"
	"chatroom/server/internal/conformance/goclient"
	"chatroom/server/internal/conformance/reference"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, in io.Reader, out io.Writer) error {
	flags := flag.NewFlagSet("drivers", flag.ContinueOnError)
	http1 := flags.Bool("http1", false, "use HTTP/1.1 instead of HTTP/2")
	grpc := flags.Bool("grpc", false, "use gRPC instead of Connect")
	split := flags.Bool("split", false, "use Subscribe and Send instead of Chat (only go)")
	fault := flags.String("fault", "", "what the client does `wrong` (only reference)")
	which, rest := "", arguments
	if len(arguments) > 0 {
		which, rest = arguments[0], arguments[1:]
	}
	if err := flags.Parse(rest); err != nil {
		return err
	}
	var options []connect.ClientOption
	if *grpc {
		options = append(options, connect.WithGRPC())
	}
	switch which {
	case "go":
		config := goclient.Config{HTTP1: *http1, Options: options}
		if *split {
			config.Transport = client.Split
		}
		return goclient.Run(ctx, in, out, config)
	case "reference":
		if f := reference.Fault(*fault); f != "" && !slices.Contains(reference.Faults(), f) {
			return fmt.Errorf("-fault %q: must be one of %q", *fault, reference.Faults())
		}
		return reference.Run(ctx, in, out, reference.Config{Fault: reference.Fault(*fault), HTTP2: !*http1, Options: options})
	}
	return fmt.Errorf("usage: drivers go|reference [flags], not %q", which)
}
