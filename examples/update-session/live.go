package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// job is what the arguments ask for.
type job struct {
	isDemo    bool
	id        uuid.UUID
	url       string   // "" is KODEXA_URL's
	sets      []string // NAME=VALUE
	file      string   // "" is none, "-" is standard input
	showToken bool
	verbose   bool
}

// run reads, changes or stores the session and prints it.
func (j *job) run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	opts := []kodexa.Option{kodexa.FromEnv(), kodexa.WithUserAgent("update-session")}
	if j.url != "" {
		opts = append(opts, kodexa.WithBaseURL(j.url))
	}
	if j.verbose {
		opts = append(opts, kodexa.WithLogger(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	}
	client, err := kodexa.New(opts...)
	if err != nil {
		return wrongInput("%v", err)
	}

	var session *kodexa.Session
	var said string // about an update
	switch {
	case j.file != "":
		session, err = j.store(ctx, client, stdin, stderr)
		said = fmt.Sprintf("update-session: stored session %v\n", j.id)
	case len(j.sets) > 0:
		session, said, err = j.modify(ctx, client)
	default:
		session, err = client.GetSession(ctx, j.id)
	}
	if err != nil {
		return err
	}
	if err := j.print(stdout, *session); err != nil {
		if said != "" {
			return &unprintedError{err}
		}
		return err
	}
	_, _ = io.WriteString(stderr, said)
	return nil
}

// modify changes the session as it is stored, and says what changed.
func (j *job) modify(ctx context.Context, client *kodexa.Client) (after *kodexa.Session, said string, err error) {
	edits, err := parseEdits(j.sets)
	if err != nil {
		return nil, "", err
	}
	var before kodexa.Session
	after, err = client.ModifySession(ctx, j.id, func(s *kodexa.Session) error { // may run several times
		before = s.Clone()
		return edits.apply(s)
	})
	if err != nil {
		return nil, "", editError(err)
	}
	changes := diff(before, *after)
	if changes == "" {
		return after, fmt.Sprintf("update-session: session %v has these values already\n", j.id), nil
	}
	return after, fmt.Sprintf("update-session: stored session %v\n%s", j.id, changes), nil
}

// store stores the session in the file as it is.
func (j *job) store(ctx context.Context, client *kodexa.Client, stdin io.Reader, stderr io.Writer) (*kodexa.Session, error) {
	d := document{name: j.file}
	if j.file == "-" {
		d.name = "standard input"
		_, _ = io.WriteString(stderr, "update-session: reading the session from standard input\n")
	} else {
		f, err := os.Open(j.file) //nolint:gosec // whoever runs the program names the file
		if err != nil {
			return nil, wrongInput("%v", err)
		}
		defer func() { _ = f.Close() }()
		stdin = f
	}
	var err error
	if d.text, err = readAll(ctx, stdin); err != nil {
		return nil, err
	}
	session, err := kodexa.ParseSession(d.text)
	if err != nil {
		return nil, d.explain(err)
	}
	if session.Token != nil && *session.Token == kodexatest.Masked {
		return nil, d.wrong(kodexa.Violation{Pointer: "/token", Reason: "the token is masked: print the session with -show-token"})
	}
	stored, err := client.UpdateSession(ctx, j.id, *session)
	return stored, d.explain(err)
}

// print writes the session as JSON, its token masked unless it is wanted.
func (j *job) print(w io.Writer, session kodexa.Session) error {
	text := kodexatest.Text(session)
	if j.showToken {
		whole, err := json.Marshal(session, jsontext.WithIndent("  "))
		if err != nil {
			return err
		}
		text = string(whole)
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// unprintedError is a failure after which the session is stored all the same.
type unprintedError struct{ err error }

func (e *unprintedError) Error() string {
	return fmt.Sprintf("the session is stored, but can't be printed: %v", e.err)
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
		if read.err != nil {
			return nil, wrongInput("reading the session: %v", read.err)
		}
		return read.data, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("reading the session: %w", ctx.Err())
	}
}
