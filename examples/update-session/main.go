// Command update-session reads and updates sessions of a Kodexa Platform. Without arguments it shows how on a server that it
// starts itself:
//
//	go run ./examples/update-session
//	go run ./examples/update-session -h
//
// demo.go is the place to begin reading; live.go does the same on a real platform.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

const usage = `Usage:
  update-session [-v]                              a demonstration on an embedded server
  update-session -id UUID [flags]                  print a session
  update-session -id UUID [flags] -set NAME=VALUE  read it, change it, store it
  update-session -id UUID [flags] FILE             store FILE; - is standard input

The session is printed as JSON on standard output, everything else on standard error.

  -set NAME=VALUE  the member to change, such as state=CLOSED or organization.name=Acme;
                   may be given more than once. VALUE is JSON if it can be read as JSON,
                   else a string: the string 7 is written as -set 'state="7"'
  -url URL         the platform; else KODEXA_URL, else https://platform.kodexa.ai
  -show-token      print the session's token, which is masked otherwise
  -v               log each attempt; in the demonstration: show whole sessions
  -h               print this text

Environment:
  KODEXA_API_KEY       the API key; there is no flag for it
  KODEXA_ACCESS_TOKEN  the API key, if KODEXA_API_KEY is not set
  KODEXA_URL           the platform, if -url is not given
If one of them is set, -id is needed: a script that forgets it must not end in the
demonstration.

Exit status:
  0  done
  1  failed, and the session was not updated
  2  flags, environment or input are wrong; the session was not updated
  3  conflict: others updated the session first, and it was not updated
  4  outcome unknown: the session may have been updated, so read it; or it was, but
     could not be printed
"go run" prints these ("exit status 3") and exits with 1 itself: scripts use "go build".
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	j, err := parseArgs(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		_, err = io.WriteString(stdout, usage)
	case err != nil:
	case j.isDemo:
		err = demonstrate(ctx, stdout, j.verbose)
	default:
		err = j.run(ctx, stdin, stdout, stderr)
	}
	if err == nil {
		return 0
	}
	text, status := explain(err)
	_, _ = fmt.Fprintf(stderr, "update-session: %s\n", text)
	return status
}

// explain returns what to say of err, and the exit status.
func explain(err error) (text string, status int) {
	text = err.Error()
	if errors.Is(err, context.Canceled) {
		text = "interrupted: " + text
	}
	wrong, isInput := errors.AsType[*inputError](err)
	_, isUnprinted := errors.AsType[*unprintedError](err)
	switch {
	case isUnprinted:
		return text, 4
	case errors.Is(err, kodexa.ErrOutcomeUnknown):
		return text + "\nThe session may have been updated: read it before you try again.", 4
	case isInput:
		return wrong.Error() + "\nThe session was not updated. See update-session -h.", 2
	case errors.Is(err, kodexa.ErrConflict):
		return text + "\nThe session was not updated, since others updated it first: read it, and apply the change to that.", 3
	default:
		return text + "\nThe session was not updated.", 1
	}
}

// inputError is a mistake in flags, environment or input.
type inputError struct{ text string }

func (e *inputError) Error() string { return e.text }

func wrongInput(format string, args ...any) error { return &inputError{fmt.Sprintf(format, args...)} }

// parseArgs returns what the arguments ask for.
func parseArgs(args []string) (*job, error) {
	j := &job{}
	var id string
	flags := flag.NewFlagSet("update-session", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // explain says what is wrong
	flags.StringVar(&id, "id", "", "")
	flags.StringVar(&j.url, "url", "", "")
	flags.BoolVar(&j.showToken, "show-token", false, "")
	flags.BoolVar(&j.verbose, "v", false, "")
	flags.Func("set", "", func(text string) error {
		j.sets = append(j.sets, text)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, wrongInput("%v", err)
	}
	j.file = flags.Arg(0)
	if id == "" {
		return j, j.mayBeDemo(flags)
	}
	var err error
	j.id, err = uuid.Parse(id)
	switch {
	case err != nil:
		return nil, wrongInput("-id is not a UUID")
	case flags.NArg() > 1:
		return nil, wrongInput("there is more than one FILE; flags stand before it")
	case flags.NArg() == 1 && len(j.sets) > 0:
		return nil, wrongInput("-set changes the session as it is stored: there can't be a FILE too")
	}
	return j, nil
}

// mayBeDemo refuses what looks like the call of a script that forgot -id.
func (j *job) mayBeDemo(flags *flag.FlagSet) error {
	var names []string
	for _, name := range []string{"KODEXA_URL", "KODEXA_API_KEY", "KODEXA_ACCESS_TOKEN"} {
		if os.Getenv(name) != "" {
			names = append(names, name)
		}
	}
	switch {
	case len(names) > 0:
		return wrongInput("-id is missing; for the demonstration unset %s", strings.Join(names, " and "))
	case flags.NArg() > 0 || flags.NFlag() > 1 || flags.NFlag() == 1 && !j.verbose:
		return wrongInput("-id is missing")
	}
	j.isDemo = true
	return nil
}
