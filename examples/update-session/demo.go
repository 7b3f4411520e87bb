package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// session.json is the body of the documented page's example, with an id that is a UUID.
//
//go:embed session.json
var exampleSession []byte

// demonstrate updates a session on a server of its own, and shows two updates that fail.
func demonstrate(ctx context.Context, stdout io.Writer) error {
	var session kodexa.Session
	if err := json.Unmarshal(exampleSession, &session); err != nil {
		return err
	}
	id, err := uuid.Parse(*session.ID)
	if err != nil {
		return err
	}
	server := kodexatest.NewServer()
	defer server.Close()
	server.SetSession(session)

	d := demo{server: server, client: server.Client(), id: id}
	err = errors.Join(
		d.goodUpdate(ctx, session),
		d.staleUpdate(ctx, session),
		d.malformedAnswer(ctx, session),
	)
	_, printErr := io.WriteString(stdout, d.text.String())
	return errors.Join(err, printErr)
}

type demo struct {
	server *kodexatest.Server
	client *kodexa.Client
	id     uuid.UUID
	text   strings.Builder
}

func (d *demo) printf(format string, args ...any) { fmt.Fprintf(&d.text, format, args...) }

// goodUpdate changes the state and shows both messages and the difference that they make.
func (d *demo) goodUpdate(ctx context.Context, session kodexa.Session) error {
	before, _ := d.server.Session(d.id)
	session.State = new("CLOSED")
	after, err := d.client.UpdateSession(ctx, d.id, session)
	if err != nil {
		return err
	}
	changes, err := diff(before, *after)
	if err != nil {
		return err
	}
	received, err := encode(*after, false)
	if err != nil {
		return err
	}
	d.printf("== An update: the state becomes %q\n\n", *session.State)
	if err := d.printSent(); err != nil {
		return err
	}
	d.printf("\nWhat came back, as a kodexa.Session:\n\n%s\nWhat changed:\n\n%s", received, changes)
	return nil
}

// printSent shows the last request as it reached the server.
func (d *demo) printSent() error {
	requests := d.server.Requests()
	sent := requests[len(requests)-1]
	var session kodexa.Session
	if err := json.Unmarshal(sent.Body, &session); err != nil {
		return err
	}
	body, err := encode(session, false)
	if err != nil {
		return err
	}
	d.printf("What was sent:\n\n%s %s\n", sent.Method, sent.Path)
	d.printf("Content-Type: %s\nX-Api-Key: %s\n\n%s", sent.Header.Get("Content-Type"), mask, body)
	return nil
}

// staleUpdate sends the session once more as it was before the update.
func (d *demo) staleUpdate(ctx context.Context, session kodexa.Session) error {
	_, err := d.client.UpdateSession(ctx, d.id, session)
	apiErr, ok := errors.AsType[*kodexa.APIError](err)
	if !ok {
		return fmt.Errorf("a stale changeSequence did not fail as it should: %w", err)
	}
	d.printf("\n== An update with a stale changeSequence\n\n")
	d.printFacts(err)
	d.printf("  errors.AsType[*kodexa.APIError]          StatusCode %d, Message %q\n", apiErr.StatusCode, apiErr.Message)
	d.printf("\nThe session was updated since it was read. Read it again, and apply the change to that.\n")
	return nil
}

// malformedAnswer lets the server answer with a changeSequence that is a string.
func (d *demo) malformedAnswer(ctx context.Context, session kodexa.Session) error {
	d.server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"changeSequence": "125", "state": "CLOSED"}`)
	})
	_, err := d.client.UpdateSession(ctx, d.id, session)
	contractErr, ok := errors.AsType[*kodexa.ContractError](err)
	if !ok {
		return fmt.Errorf("a malformed answer did not fail as it should: %w", err)
	}
	d.printf("\n== A malformed answer: changeSequence is a string\n\n")
	d.printFacts(err)
	for _, v := range contractErr.Violations {
		d.printf("  errors.AsType[*kodexa.ContractError]     Pointer %q, Reason %q\n", v.Pointer, v.Reason)
	}
	d.printf("\nThe status was 200, so the session may have been updated. Read it before you try again.\n")
	return nil
}

// printFacts shows what a caller can ask of err.
func (d *demo) printFacts(err error) {
	d.printf("  err.Error()                              %v\n", err)
	d.printf("  errors.Is(err, kodexa.ErrConflict)       %v\n", errors.Is(err, kodexa.ErrConflict))
	d.printf("  errors.Is(err, kodexa.ErrOutcomeUnknown) %v\n", errors.Is(err, kodexa.ErrOutcomeUnknown))
}

// diff returns a line for each member in which the sessions differ.
func diff(before, after kodexa.Session) (string, error) {
	old, err := members(before)
	if err != nil {
		return "", err
	}
	changed, err := members(after)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		if string(old[name]) != string(changed[name]) {
			fmt.Fprintf(&text, "  %-14s  %s -> %s\n", name, old[name], changed[name])
		}
	}
	return text.String(), nil
}

// members returns the session's members as JSON, by name.
func members(session kodexa.Session) (map[string]jsontext.Value, error) {
	text, err := encode(session, false)
	if err != nil {
		return nil, err
	}
	var members map[string]jsontext.Value
	err = json.Unmarshal([]byte(text), &members)
	return members, err
}
