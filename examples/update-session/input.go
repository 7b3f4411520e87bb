package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// edits are the changes of -set.
type edits []edit

type edit struct {
	path  []string // the names of members, from the session down
	value jsontext.Value
}

// parseEdits reads NAME=VALUE. Errors do not repeat a value, which may be a secret.
func parseEdits(texts []string) (edits, error) {
	var all edits
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || strings.Contains("."+name+".", "..") {
			return nil, wrongInput("-set needs NAME=VALUE, such as state=CLOSED or organization.name=Acme")
		}
		e := edit{strings.Split(name, "."), jsontext.Value(value)}
		if !e.value.IsValid() {
			var err error
			if e.value, err = jsontext.AppendQuote(nil, value); err != nil {
				return nil, wrongInput("-set %s: the value is not UTF-8", name)
			}
		}
		all = append(all, e)
	}
	return all, nil
}

// apply changes the session. It takes the way over JSON, so that each member has its name, and that the result is held against
// the contract.
func (all edits) apply(s *kodexa.Session) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	for _, e := range all {
		if text, err = e.in(text, e.path); err != nil {
			return err
		}
	}
	edited, err := kodexa.ParseSession(text)
	if err != nil {
		return err
	}
	*s = *edited
	return nil
}

// in returns the object with the value at the path, of which it is a part. Objects that are missing are made.
func (e edit) in(object jsontext.Value, path []string) (jsontext.Value, error) {
	if len(path) == 0 {
		return e.value, nil
	}
	members := map[string]jsontext.Value{}
	if len(object) > 0 {
		if err := json.Unmarshal(object, &members); err != nil || members == nil {
			return nil, wrongInput("-set %s: %q is no member of an object", strings.Join(e.path, "."), path[0])
		}
	}
	value, err := e.in(members[path[0]], path[1:])
	if err != nil {
		return nil, err
	}
	members[path[0]] = value
	return json.Marshal(members)
}

// editError returns err, or the mistake in -set that it is.
func editError(err error) error {
	var lines []string
	for _, v := range violationsOfInput(err) {
		lines = append(lines, fmt.Sprintf("-set: %s: %s", v.Pointer, v.Reason))
	}
	if len(lines) == 0 {
		return err
	}
	return wrongInput("%s", strings.Join(lines, "\n"))
}

// violationsOfInput returns where what was to be stored breaks the contract, if that is what err says.
func violationsOfInput(err error) []kodexa.Violation {
	broken, ok := errors.AsType[*kodexa.ContractError](err)
	if !ok || broken.In == kodexa.InResponse || errors.Is(err, kodexa.ErrOutcomeUnknown) {
		return nil
	}
	return broken.Violations
}

// document is a session as it was read from a file.
type document struct {
	name string
	text []byte
}

// explain returns err, or the mistake in the document that it is.
func (d document) explain(err error) error {
	if violations := violationsOfInput(err); len(violations) > 0 {
		return d.wrong(violations...)
	}
	return err
}

// wrong returns an error that has a line for each violation: where it is, and what is wrong there.
func (d document) wrong(violations ...kodexa.Violation) error {
	var lines []string
	for _, v := range violations {
		before := d.text[:d.find(jsontext.Pointer(v.Pointer))]
		line := 1 + bytes.Count(before, []byte("\n"))
		column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
		text := fmt.Sprintf("%s, line %d, column %d: ", d.name, line, column)
		if v.Pointer != "" {
			text += v.Pointer + ": "
		}
		lines = append(lines, text+v.Reason)
	}
	return wrongInput("%s", strings.Join(lines, "\n"))
}

// find returns the offset of what a pointer points to: the name of a member, or an element of an array. If the text is not
// JSON, it is where that ends.
func (d document) find(pointer jsontext.Pointer) int {
	const space = " \t\r\n"
	dec := jsontext.NewDecoder(bytes.NewBuffer(d.text))
	found := -1
	for {
		rest := d.text[dec.InputOffset():]
		start := len(d.text) - len(bytes.TrimLeft(rest, space+",:"))
		_, err := dec.ReadToken()
		syntax, isSyntax := errors.AsType[*jsontext.SyntacticError](err)
		switch {
		case isSyntax:
			return int(syntax.ByteOffset)
		case err == io.EOF:
			return max(found, 0)
		case err != nil:
			return len(d.text) // it is cut short
		case found < 0 && dec.StackPointer() == pointer:
			found = start
		}
		if rest := bytes.TrimLeft(d.text[dec.InputOffset():], space); dec.StackDepth() == 0 && len(rest) > 0 {
			return len(d.text) - len(rest) // one value is all there should be
		}
	}
}
