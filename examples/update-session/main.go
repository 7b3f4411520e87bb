// Command update-session updates a session.
//
// Without arguments it demonstrates an update, and two that fail, on a server that it starts itself. With -id it updates a
// session on a Kodexa Platform. Try
//
//	go run ./examples/update-session
//	go run ./examples/update-session -h
package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

const usage = `Usage:
  update-session                            show an update on an embedded server
  update-session -id UUID [flags] [FILE]    update a session on a Kodexa Platform

The second form reads the session as JSON from FILE, or from standard input if
FILE is absent or "-". It prints the updated session as JSON on standard output
and everything else on standard error.

Flags:
  -id UUID       the session to update
  -url URL       the platform; else KODEXA_URL, else https://platform.kodexa.ai
  -show-token    print the session's token, which is masked otherwise

Environment:
  KODEXA_API_KEY       the API key; there is no flag for it
  KODEXA_ACCESS_TOKEN  the API key, if KODEXA_API_KEY is not set
  KODEXA_URL           the platform, if -url is not given

If one of these variables is set, -id is needed: a script that forgets it must
not end in the demonstration.

Exit status:
  0  the session was updated
  1  the update failed; the message says if it may have been applied all the same
  2  nothing was sent: flags, environment or input are wrong, or -h was given
`

// Variables of the environment.
const (
	envURL   = "KODEXA_URL"
	envKey   = "KODEXA_API_KEY"
	envToken = "KODEXA_ACCESS_TOKEN"
)

// mask stands for a secret in what is printed.
const mask = "[masked]"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process. It returns the exit status.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	j, err := parseArgs(args, getenv)
	switch {
	case err != nil:
	case j.demo:
		err = demonstrate(ctx, stdout)
	default:
		err = j.update(ctx, stdin, stdout, stderr)
	}
	text, status := j.explain(err)
	_, _ = io.WriteString(stderr, text)
	return status
}

// usageError is a mistake in flags, environment or input: nothing was sent.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// explain returns what to say of err on standard error, and the exit status.
func (j *job) explain(err error) (text string, status int) {
	usageErr, isUsage := errors.AsType[usageError](err)
	switch {
	case err == nil:
		return "", 0
	case errors.Is(err, flag.ErrHelp):
		return usage, 2
	case isUsage:
		return fmt.Sprintf("update-session: %v\nNothing was sent. See update-session -h.\n", usageErr), 2
	}
	text = fmt.Sprintf("update-session: the update failed: %v\n", err)
	if apiErr, ok := errors.AsType[*kodexa.APIError](err); ok && apiErr.Message != "" {
		text += fmt.Sprintf("The platform says %q.\n", j.withoutSecrets(apiErr.Message))
	}
	if errors.Is(err, kodexa.ErrConflict) {
		text += "The session was updated since it was read: read it again, and apply the change to that.\n"
	}
	if errors.Is(err, kodexa.ErrOutcomeUnknown) {
		return text + "The session may have been updated all the same: read it before you try again.\n", 1
	}
	return text, 1
}

// job is what flags, environment and input ask for.
type job struct {
	demo      bool
	id        uuid.UUID
	url       string // "" is the hosted platform
	key       string
	file      string // "-" is standard input
	showToken bool
	token     string // of the session that was read
}

func parseArgs(args []string, getenv func(string) string) (job, error) {
	j := job{key: cmp.Or(getenv(envKey), getenv(envToken))}
	flags := flag.NewFlagSet("update-session", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // explain prints
	id := flags.String("id", "", "")
	flags.StringVar(&j.url, "url", getenv(envURL), "")
	flags.BoolVar(&j.showToken, "show-token", false, "")
	if err := flags.Parse(args); err != nil {
		return j, usageError{err}
	}
	j.file = cmp.Or(flags.Arg(0), "-")
	j.demo = len(args) == 0 && j.url == "" && j.key == ""
	var err error
	switch {
	case j.demo:
		return j, nil
	case flags.NArg() > 1:
		return j, usageError{errors.New("there is more than one FILE; flags stand before it")}
	case *id == "" && len(args) == 0:
		return j, usageError{fmt.Errorf("-id is missing; the demonstration needs %s, %s and %s unset", envURL, envKey, envToken)}
	case *id == "":
		return j, usageError{errors.New("-id is missing")}
	case j.key == "":
		return j, usageError{errors.New("no API key: set " + envKey)}
	}
	if j.id, err = uuid.Parse(*id); err != nil {
		return j, usageError{errors.New("-id is not a UUID")}
	}
	return j, nil
}

// update does the job: it sends the session that it reads and prints the one that comes back.
func (j *job) update(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	client, err := j.client(stderr)
	if err != nil {
		return usageError{err}
	}
	input, err := j.read(ctx, stdin, stderr)
	if err != nil {
		return err
	}
	// The input is sent as it is rather than as a kodexa.Session, so that the contract is held against what was
	// written: a Session can't tell a null from an absent state.
	res, err := client.API().UpdateSessionWithBodyWithResponse(ctx, j.id, "application/json", bytes.NewReader(input))
	if broken, ok := errors.AsType[*kodexa.ContractError](err); ok && broken.Direction == kodexa.Request {
		return usageError{inputError(broken)}
	}
	if err != nil {
		return err
	}
	text, err := encode(*res.JSON200, j.showToken)
	if err == nil {
		_, err = io.WriteString(stdout, text)
	}
	if err != nil {
		return fmt.Errorf("printing the session, which was updated: %w", err)
	}
	_, _ = fmt.Fprintf(stderr, "update-session: session %v was updated\n", j.id)
	return nil
}

// client returns a client that logs failed attempts to stderr.
func (j *job) client(stderr io.Writer) (*kodexa.Client, error) {
	opts := []kodexa.Option{
		kodexa.WithAPIKey(j.key),
		kodexa.WithUserAgent("update-session"),
		kodexa.WithLogger(slog.New(slog.NewTextHandler(stderr, nil))),
	}
	if j.url != "" {
		opts = append(opts, kodexa.WithBaseURL(j.url))
	}
	return kodexa.New(opts...)
}

// read returns the JSON text that is to be sent.
func (j *job) read(ctx context.Context, stdin io.Reader, stderr io.Writer) ([]byte, error) {
	if j.file == "-" {
		_, _ = io.WriteString(stderr, "update-session: reading the session from standard input\n")
	} else {
		f, err := os.Open(j.file) //nolint:gosec // whoever runs the program names the file
		if err != nil {
			return nil, usageError{err}
		}
		defer func() { _ = f.Close() }()
		stdin = f
	}
	input, err := readAll(ctx, stdin)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("reading the session: %w", context.Cause(ctx))
	}
	if err != nil {
		return nil, usageError{fmt.Errorf("reading the session: %w", err)}
	}
	if len(input) == 0 {
		return nil, usageError{errors.New("the input is not a session: it is empty")}
	}
	j.token = tokenOf(input)
	if j.token == mask {
		return nil, usageError{fmt.Errorf("the input is not a session: /token: this is %s, which -show-token avoids", mask)}
	}
	return input, nil
}

// readAll is io.ReadAll that ends with ctx, though a read that has begun goes on in the background.
func readAll(ctx context.Context, r io.Reader) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := io.ReadAll(r)
		done <- result{data, err}
	}()
	select {
	case read := <-done:
		return read.data, read.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// inputError lists what is wrong with the input.
func inputError(broken *kodexa.ContractError) error {
	places := make([]string, 0, len(broken.Violations))
	for _, v := range broken.Violations {
		place := v.Reason
		if v.Pointer != "" {
			place = v.Pointer + ": " + v.Reason
		}
		places = append(places, place)
	}
	return fmt.Errorf("the input is not a session: %s", strings.Join(places, "; "))
}

// tokenOf returns the token of the session that input encodes, and "" if that is not clear.
func tokenOf(input []byte) string {
	var session struct {
		Token string `json:"token"`
	}
	_ = json.Unmarshal(input, &session) // what is wrong with input is the client's to tell
	return session.Token
}

// withoutSecrets masks the API key and the session's token in text.
func (j *job) withoutSecrets(text string) string {
	for _, secret := range []string{j.key, j.token} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, mask)
		}
	}
	return text
}

// encode returns session as indented JSON.
func encode(session kodexa.Session, showToken bool) (string, error) {
	if session.Token != nil && !showToken {
		session.Token = new(mask)
	}
	text, err := json.Marshal(session)
	if err != nil {
		return "", err
	}
	text, err = jsontext.AppendFormat(nil, text, jsontext.WithIndent("  "))
	return string(text) + "\n", err
}
