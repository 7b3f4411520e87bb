package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// session.json is a session of Acme Corp. It has a member that the contract does not name, lastAccessed.
//
//go:embed session.json
var exampleSession []byte

// demonstrate updates a session on a server of its own in four ways, of which two fail.
func demonstrate(ctx context.Context, stdout io.Writer, verbose bool) error {
	session, err := kodexa.ParseSession(exampleSession)
	if err != nil {
		return err
	}
	server := kodexatest.NewServer()
	defer server.Close()
	server.SetSession(*session)
	d := &demo{server: server, client: server.Client(), id: uuid.MustParse(*session.ID), verbose: verbose}
	for _, step := range []func(context.Context) error{d.modify, d.conflict, d.brokenAnswer, d.conflictThatGetsThrough} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	d.printf("\nThat was an embedded server. -v shows whole sessions, -h says how to use a real platform.\n")
	_, err = io.WriteString(stdout, d.text.String())
	return err
}

type demo struct {
	server  *kodexatest.Server
	client  *kodexa.Client // in a program: kodexa.New(kodexa.FromEnv())
	id      uuid.UUID
	stale   kodexa.Session // as it was before the first update
	verbose bool
	text    strings.Builder
}

// modify is the main job: read the session, change it, store it.
func (d *demo) modify(ctx context.Context) error {
	d.stale, _ = d.server.Session(d.id)

	after, err := d.client.ModifySession(ctx, d.id, func(s *kodexa.Session) error {
		s.State = new("CLOSED")
		s.Organization.SupportAccess = new(false)
		return nil
	})
	if err != nil {
		return err
	}

	d.printf("1. ModifySession reads a session of %s, changes two members and stores it. What changed:\n", *after.Organization.Name)
	d.printChanges(d.stale, *after)
	d.printRequests(0)
	return nil
}

// conflict sends the session as it was before the update.
func (d *demo) conflict(ctx context.Context) error {
	_, err := d.client.UpdateSession(ctx, d.id, d.stale)

	d.printf("\n2. UpdateSession sends the session once more as it was before, with its old changeSequence. It fails:\n")
	return d.printError(err)
}

// brokenAnswer lets the platform answer with a changeSequence that is a string.
func (d *demo) brokenAnswer(ctx context.Context) error {
	d.server.Enqueue(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"changeSequence": "9", "state": "OPEN"}`)
	})

	session, _ := d.server.Session(d.id)
	_, err := d.client.UpdateSession(ctx, d.id, session)

	d.printf("\n3. UpdateSession gets an answer in which changeSequence is a string. It fails:\n")
	return d.printError(err)
}

// conflictThatGetsThrough modifies the session while somebody else does.
func (d *demo) conflictThatGetsThrough(ctx context.Context) error {
	before, _ := d.server.Session(d.id)
	seen := len(d.server.Requests())
	rounds := 0

	after, err := d.client.ModifySession(ctx, d.id, func(s *kodexa.Session) error {
		if rounds++; rounds == 1 {
			d.renameOrganization(*s)
		}
		s.State = new("ARCHIVED")
		return nil
	})
	if err != nil {
		return err
	}

	d.printf("\n4. ModifySession sets the state while somebody else sets the name. Its first PUT meets a conflict, so it\n")
	d.printf("   reads and changes the session again: the change ran %d times. What both changed:\n", rounds)
	d.printChanges(before, *after)
	d.printRequests(seen)
	return nil
}

// renameOrganization is an update by somebody else.
func (d *demo) renameOrganization(session kodexa.Session) {
	session = session.Clone()
	session.Organization.Name = new("Acme Corporation")
	*session.ChangeSequence++
	d.server.SetSession(session)
}

func (d *demo) printf(format string, args ...any) { fmt.Fprintf(&d.text, format, args...) }

// printChanges shows in what two sessions differ.
func (d *demo) printChanges(before, after kodexa.Session) {
	d.print(diff(before, after))
	if d.verbose {
		d.printf("\n   Before:\n")
		d.print(kodexatest.Text(before))
		d.printf("\n   After:\n")
		d.print(kodexatest.Text(after))
	}
}

// printRequests shows the requests from the one with this number on.
func (d *demo) printRequests(first int) {
	d.printf("   It took:\n")
	for _, request := range d.server.Requests()[first:] {
		d.printf("     %s %s\n", request.Method, request.Path)
	}
}

// printError shows what a caller can ask of an error.
func (d *demo) printError(err error) error {
	if err == nil {
		return errors.New("an update did not fail as it should")
	}
	outcome := "the session was not updated"
	if errors.Is(err, kodexa.ErrOutcomeUnknown) {
		outcome = "the session may have been updated: read it"
	}
	d.printf("     %v\n", err)
	d.printf("     errors.Is(err, kodexa.ErrConflict)        %v\n", errors.Is(err, kodexa.ErrConflict))
	d.printf("     errors.Is(err, kodexa.ErrOutcomeUnknown)  %v, so %s\n", errors.Is(err, kodexa.ErrOutcomeUnknown), outcome)
	return nil
}

// print shows lines, indented.
func (d *demo) print(text string) {
	for line := range strings.Lines(strings.TrimSuffix(text, "\n") + "\n") {
		d.printf("   %s", line)
	}
}
