package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// exampleSession is what there is without a seed.
func exampleSession() kodexa.Session {
	now := time.Now().UTC().Truncate(time.Second)
	return kodexa.Session{
		ID: new(uuid.NewString()), ChangeSequence: new(int32(7)), State: new("OPEN"), Token: new("st_example"),
		CreatedOn: &now, UpdatedOn: &now,
		Organization: &kodexa.Organization{Name: new("Acme Corp"), Slug: new("acme-corp")},
	}
}

// readSessions reads a file with a session or an array of sessions. Errors name the file and the place.
func readSessions(file string) ([]kodexa.Session, error) {
	if file == "" {
		return []kodexa.Session{exampleSession()}, nil
	}
	text, err := os.ReadFile(file) //nolint:gosec // the user's own
	if err != nil {
		return nil, fmt.Errorf("-seed: %w", err)
	}
	documents, place := []jsontext.Value{text}, func(int) string { return "" }
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		place = func(i int) string { return fmt.Sprintf("/%d", i) }
		err = json.Unmarshal(text, &documents)
	}
	if err == nil && len(documents) == 0 {
		err = errors.New("there is no session in it")
	}
	if err != nil {
		return nil, fmt.Errorf("-seed %s: %w", file, err)
	}
	var sessions []kodexa.Session
	var wrong []error
	known := map[uuid.UUID]bool{}
	for i, document := range documents {
		session, violations := parseSession(document, known)
		for _, v := range violations {
			wrong = append(wrong, fmt.Errorf("-seed %s: %s: %s", file, place(i)+v.Pointer, v.Reason))
		}
		sessions = append(sessions, session)
	}
	return sessions, errors.Join(wrong...)
}

// parseSession reads a session that can be served, and adds its id to the known ones.
func parseSession(document []byte, known map[uuid.UUID]bool) (kodexa.Session, []kodexa.Violation) {
	session, err := kodexa.ParseSession(document)
	if broken, ok := errors.AsType[*kodexa.ContractError](err); ok {
		return kodexa.Session{}, broken.Violations
	}
	if err != nil {
		return kodexa.Session{}, []kodexa.Violation{{Reason: err.Error()}}
	}
	var id uuid.UUID
	if session.ID != nil {
		id, err = uuid.Parse(*session.ID)
	}
	switch {
	case session.ID == nil || err != nil:
		return *session, []kodexa.Violation{{Pointer: "/id", Reason: "a session needs an id that is a UUID"}}
	case known[id]:
		return *session, []kodexa.Violation{{Pointer: "/id", Reason: "another session has this id"}}
	}
	known[id] = true
	if session.ChangeSequence == nil {
		session.ChangeSequence = new(int32(0)) // ModifySession wants one, as the platform has
	}
	return *session, nil
}
