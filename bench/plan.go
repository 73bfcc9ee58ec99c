package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"chatroom/bench/internal/report"
	"chatroom/bench/internal/scenario"
)

// onceTimeout bounds the measurement of one variant.
const onceTimeout = 5 * time.Minute

// plan is what flags say.
type plan struct {
	rounds int
	only   *regexp.Regexp
	quick  bool
	out    string
	source string
	server string
	flags  []string
	data   string
}

func parse(args []string, stderr io.Writer) (*plan, error) {
	p := new(plan)
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&p.rounds, "rounds", 3, "how often each scenario is measured at most, all variants in turn")
	only := flags.String("only", "", "measure only what matches this `regexp`, such as 'rate-20/.*(h2|channels)': SCENARIO/VARIANT")
	flags.BoolVar(&p.quick, "quick", false, "everything once, with few subscribers and little time: to see that it works")
	flags.StringVar(&p.out, "out", "", "`directory` for results.json, results.md and curve.svg; default results, and none with -quick or -only")
	flags.StringVar(&p.source, "source", "..", "`directory` with the source of the service, which is built")
	flags.StringVar(&p.server, "server", "", "`program` of the service, instead of building it")
	serverFlags := flags.String("server-flags", "", "`flags` for the service, separated by spaces")
	flags.StringVar(&p.data, "data", os.TempDir(), "`directory` on the disk that the service's data shall be on")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q: see -h", flags.Arg(0))
	}
	if p.rounds < 1 {
		return nil, errors.New("-rounds: must be at least 1")
	}
	var err error
	if p.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	p.flags = strings.Fields(*serverFlags)
	if p.quick {
		p.rounds = 1
	}
	if p.out == "" && *only == "" && !p.quick {
		p.out = "results"
	}
	return p, nil
}

// lab returns where servers run.
func (p *plan) lab(ctx context.Context, dir string) (*scenario.Lab, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	lab := &scenario.Lab{Self: self, Dir: dir, Server: p.server, Flags: p.flags}
	if lab.Server == "" {
		err = lab.Build(ctx, p.source)
	}
	return lab, err
}

// measure runs all scenarios. Within a round the variants take turns, so that
// what else happens on the machine hits all of them alike. What fails is
// reported, and the rest is measured all the same.
func (p *plan) measure(ctx context.Context, lab *scenario.Lab, progress io.Writer) (*report.Report, error) {
	scenarios := scenario.All()
	if p.quick {
		scenarios = scenario.Quick()
	}
	results := &report.Report{
		Machine: report.ThisMachine(lab.Dir), Rounds: p.rounds, Floor: scenario.Floor,
		Targets: slices.DeleteFunc(scenario.Targets(), func(t report.Target) bool { return !p.matches(t.Scenario, t.Variant) }),
	}
	var errs []error
	for _, s := range scenarios {
		results.Sections = append(results.Sections, report.Section{Name: s.Name(), Title: s.Title()})
		for round := range s.Rounds(p.rounds) {
			for _, v := range s.Variants() {
				if !p.matches(s.Name(), v.Name) {
					continue
				}
				if ctx.Err() != nil {
					return nil, ctx.Err()
				}
				figures, err := once(ctx, lab, s, v, round+1, progress)
				results.Figures = append(results.Figures, figures...)
				if err != nil {
					results.Failures = append(results.Failures, err.Error())
					errs = append(errs, err)
				}
			}
		}
	}
	if len(results.Figures) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("-only: matches nothing that is measured"))
	}
	results.Conclude()
	return results, errors.Join(errs...)
}

// matches returns whether -only asks for a variant of a scenario.
func (p *plan) matches(scenario, variant string) bool {
	return p.only.MatchString(scenario + "/" + variant)
}

// once measures one variant.
func once(ctx context.Context, lab *scenario.Lab, s scenario.Scenario, v scenario.Variant, round int, progress io.Writer) ([]report.Figures, error) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, onceTimeout)
	defer cancel()
	figures, err := s.Measure(ctx, lab, v)
	figures = slices.DeleteFunc(figures, func(f report.Figures) bool { return f.Empty() })
	for i := range figures {
		f := &figures[i]
		f.Scenario, f.Variant, f.Round = s.Name(), cmp.Or(f.Variant, v.Name), round
		fmt.Fprintln(progress, f)
	}
	if err != nil {
		err = fmt.Errorf("%s, %s: %w", s.Name(), v.Name, err)
		fmt.Fprintf(progress, "FAILED after %v: %v\n", time.Since(start).Round(time.Millisecond), err)
	}
	return figures, err
}
