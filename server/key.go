package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"chatroom/server/internal/apikey"
	"chatroom/server/internal/service"
)

const keyUsage = `usage: chatroom key create -name NAME -grant PATTERN=RIGHTS [flags]
       chatroom key list [flags]
       chatroom key revoke [flags] ID

The keys are those of the server that uses the data directory. While it runs, it carries
out the command, and keys in NATS are reached through any running node. When it is stopped,
the command opens the directory.
`

// keyFlags are the flags of the commands for API keys.
type keyFlags struct {
	*flag.FlagSet
	data string
}

func newKeyFlags(name string) *keyFlags {
	f := &keyFlags{FlagSet: flag.NewFlagSet("chatroom key "+name, flag.ContinueOnError)}
	f.StringVar(&f.data, "data", service.DefaultData, "the data `directory` of the server, which may run")
	return f
}

// runKey creates, lists and revokes API keys.
func runKey(ctx context.Context, args []string, p process) error {
	commands := map[string]func(context.Context, []string, process) error{
		"create": createKey, "list": listKeys, "revoke": revokeKey,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		fmt.Fprint(p.stderr, keyUsage)
		if len(args) > 0 && (args[0] == "-h" || args[0] == "--help" || args[0] == "-help") {
			return flag.ErrHelp
		}
		return errors.New("key: must be followed by create, list or revoke")
	}
	return commands[args[0]](ctx, args[1:], p)
}

// withKeys calls fn with the API keys of a data directory.
func withKeys(ctx context.Context, data string, p process, fn func(apikey.Store) error) error {
	if _, err := os.Stat(data); err != nil { // opening would create it
		return fmt.Errorf("-data: %w", err)
	}
	return service.WithKeys(ctx, data, p.log(), fn)
}

func createKey(ctx context.Context, args []string, p process) error {
	flags := newKeyFlags("create")
	var spec apikey.Spec
	var grants grantList
	var limits limitMap
	flags.StringVar(&spec.Name, "name", "", "what the key is for, `text` of up to 80 characters")
	flags.Var(&grants, "grant", "`PATTERN=RIGHTS` that the key has in the rooms that the pattern matches, such as order-*=read,post,create; may be repeated")
	flags.Var(&limits, "limit", "`KIND=RATE` in place of the default, such as send=100/s:500; may be repeated")
	flags.BoolVar(&spec.SendAs, "send-as", false, "the key may send in the name of any member")
	if err := parseFlags(flags.FlagSet, args, p.getenv, p.stderr); err != nil {
		return err
	}
	if err := apikey.CheckName(spec.Name); err != nil {
		return fmt.Errorf("-name: %q %w", spec.Name, err)
	}
	if len(grants) == 0 {
		return errors.New("-grant: must be set at least once, such as -grant order-*=read,post,create")
	}
	spec.Grants, spec.Limits, spec.By = grants, limits, "chatroom key create"
	return withKeys(ctx, flags.data, p, func(keys apikey.Store) error {
		key, sent, err := keys.Create(ctx, spec)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "created API key %s %q; it is shown once and can't be found out later:\n", key.ID, key.Name)
		fmt.Fprintln(p.stdout, sent)
		return nil
	})
}

func listKeys(ctx context.Context, args []string, p process) error {
	flags := newKeyFlags("list")
	if err := parseFlags(flags.FlagSet, args, p.getenv, p.stderr); err != nil {
		return err
	}
	return withKeys(ctx, flags.data, p, func(keys apikey.Store) error {
		all, err := keys.List(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tCREATED\tLAST USED (HOUR)\tSEND AS\tGRANTS")
		for _, k := range all {
			used := "never"
			if !k.LastUsed.IsZero() {
				used = k.LastUsed.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%t\t%s\n", k.ID, k.Name, k.Created.UTC().Format(time.RFC3339), used, k.SendAs, describeGrants(&k))
		}
		return table.Flush()
	})
}

func describeGrants(k *apikey.Key) string {
	texts := make([]string, len(k.Grants))
	for i, g := range k.Grants {
		texts[i] = g.Pattern.String() + "=" + strings.ReplaceAll(g.Can.String(), ", ", ",")
	}
	return strings.Join(texts, " ")
}

func revokeKey(ctx context.Context, args []string, p process) error {
	flags := newKeyFlags("revoke")
	if err := parseFlagsBefore(flags.FlagSet, args, p.getenv, p.stderr); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("key revoke: must be followed by the ID of one key, as key list shows it")
	}
	id := flags.Arg(0)
	return withKeys(ctx, flags.data, p, func(keys apikey.Store) error {
		if err := keys.Revoke(ctx, id); errors.Is(err, apikey.ErrUnknown) {
			return fmt.Errorf("key revoke: there is no key with the id %.40q: key list shows the ids", id)
		} else if err != nil {
			return err
		}
		fmt.Fprintf(p.stderr, "revoked API key %s\n", id)
		return nil
	})
}

// grantList is a flag that holds grants.
type grantList []apikey.Grant

func (g *grantList) String() string { return "" }

func (g *grantList) Set(value string) error {
	pattern, rights, ok := strings.Cut(value, "=")
	if !ok || pattern == "" || rights == "" {
		return errors.New("must be PATTERN=RIGHTS, such as order-*=read,post,create")
	}
	grant := apikey.Grant{Pattern: pattern, Can: strings.Split(rights, ",")}
	*g = append(*g, grant)
	return grant.Check()
}

// limitMap is a flag that holds rates by kind.
type limitMap map[string]string

func (m *limitMap) String() string { return "" }

func (m *limitMap) Set(value string) error {
	kind, rate, ok := strings.Cut(value, "=")
	if !ok || kind == "" || rate == "" {
		return errors.New("must be KIND=RATE, such as send=100/s:500")
	}
	if *m == nil {
		*m = make(limitMap)
	}
	(*m)[kind] = rate
	return apikey.CheckLimit(kind, rate)
}
