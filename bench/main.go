// Program bench measures this client beside its peers, in one interleaved run, and prints tables:
//
//	calls    one update at 1 kB: wall and CPU time, allocations, bytes, and the pieces that it is made of
//	sizes    from 1 kB to 10 MB, in three shapes
//	pools    64 and 256 goroutines against a server in another process
//	scale    what a contract costs as it grows to 500 operations, plain and dense
//	startup  what an importer's binary and process start grow by, and the first call
//
// It is to be run in its own directory, on a machine that does nothing else. Absolute figures are the machine's; the
// ratios are what to look at.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

func main() {
	if serveIfAsked() {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// settings say how much is measured.
type settings struct {
	rounds, batch int // of calls; batch is the number of calls of 1 kB
	sizeRounds    int
	sizes         []int
	goroutines    []int
	poolRounds    int
	poolCalls     int // a goroutine
	starts        int
	operations    []int // of contracts
}

// fullRounds are those of the tables in README.md.
const fullRounds = 50

func fullRun(rounds int) settings {
	return settings{
		rounds: rounds, batch: 400,
		sizeRounds: max(3, rounds/4), sizes: []int{1_000, 10_000, 100_000, 1_000_000, 10_000_000},
		goroutines: []int{64, 256}, poolRounds: max(3, rounds/4), poolCalls: 50,
		starts: max(3, rounds), operations: []int{1, 10, 100, 500},
	}
}

// quickRun shows that everything works, and measures nothing well.
func quickRun() settings {
	return settings{
		rounds: 2, batch: 4,
		sizeRounds: 2, sizes: []int{1_000, 100_000},
		goroutines: []int{8}, poolRounds: 2, poolCalls: 4,
		starts: 2, operations: []int{1, 10},
	}
}

type section struct {
	name string
	run  func(context.Context, settings) (string, error)
}

var sections = []section{{"calls", calls}, {"sizes", sizes}, {"pools", pools}, {"scale", scale}, {"startup", startup}}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(out)
	rounds := flags.Int("rounds", fullRounds, "`number` of rounds; the larger things get fewer")
	quick := flags.Bool("quick", false, "run everything for a moment, to see that it works")
	only := flags.String("only", "", "run this `section` alone: calls, sizes, pools, scale or startup")
	markdown := flags.String("markdown", "", "write what is printed also into `file`, such as README.md, between its markers")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s := fullRun(max(1, *rounds))
	if *quick {
		s = quickRun()
	}
	if *markdown != "" {
		return writeReport(ctx, s, *only, *markdown, out)
	}
	return writeTables(ctx, s, *only, out)
}

// writeReport writes the tables to out and into file.
func writeReport(ctx context.Context, s settings, only, file string, out io.Writer) error {
	if only != "" {
		return errors.New("-markdown wants all sections")
	}
	readme, err := openMarked(file)
	if err != nil {
		return err
	}
	var report strings.Builder
	if err := writeTables(ctx, s, only, io.MultiWriter(out, &report)); err != nil {
		return err
	}
	return readme.write(report.String())
}

// writeTables writes the tables of the section only, or of all if that is "".
func writeTables(ctx context.Context, s settings, only string, out io.Writer) error {
	known := false
	_, _ = fmt.Fprintln(out, environment())
	for _, section := range sections {
		if only != "" && only != section.name {
			continue
		}
		known = true
		text, err := section.run(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", section.name, err)
		}
		_, _ = fmt.Fprintln(out, "\n"+strings.TrimSpace(text))
	}
	if !known {
		return fmt.Errorf("no section %q", only)
	}
	return nil
}

// environment says when and with what the figures are measured.
func environment() string {
	text := fmt.Sprintf("%s, %s %s/%s, %d CPUs",
		time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return text + "."
	}
	for _, dep := range info.Deps {
		switch dep.Path {
		case "github.com/oapi-codegen/runtime", "github.com/getkin/kin-openapi", "github.com/ogen-go/ogen", "github.com/go-resty/resty/v2":
			text += "; " + dep.Path + " " + dep.Version
		}
	}
	return text + "."
}

const beginMarker, endMarker = "<!-- bench:begin -->\n", "<!-- bench:end -->"

// marked is a file with a place for the report.
type marked struct{ name, before, after string }

func openMarked(name string) (marked, error) {
	text, err := os.ReadFile(name) //nolint:gosec // its user says which file
	if err != nil {
		return marked{}, err
	}
	before, rest, begins := strings.Cut(string(text), beginMarker)
	_, after, ends := strings.Cut(rest, endMarker)
	if !begins || !ends {
		return marked{}, fmt.Errorf("%s has no lines %s and %s", name, strings.TrimSpace(beginMarker), endMarker)
	}
	return marked{name, before, after}, nil
}

func (m marked) write(report string) error {
	return os.WriteFile(m.name, []byte(m.before+beginMarker+report+endMarker+m.after), 0o600)
}
