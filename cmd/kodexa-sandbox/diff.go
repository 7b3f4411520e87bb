package main

import (
	"bytes"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// mostShown is how much of a changed value is shown, in bytes.
const mostShown = 300

// change is a member with another value than before. A value is JSON, or empty where there is no such member.
type change struct{ Pointer, Before, After string }

// changes returns the members in which the sessions differ, at every level.
func (s *sandbox) changes(before, after kodexa.Session) []change {
	leaves := map[jsontext.Pointer][2]jsontext.Value{}
	for i, session := range []kodexa.Session{before, after} {
		text, _ := json.Marshal(session) // a session of the platform can be encoded
		addLeaves(leaves, i, text)
	}
	var all []change
	for _, at := range slices.Sorted(maps.Keys(leaves)) {
		if was, is := leaves[at][0], leaves[at][1]; !bytes.Equal(was, is) {
			all = append(all, change{s.masked(string(at)), s.leaf(at, was), s.leaf(at, is)})
		}
	}
	return all
}

// addLeaves adds the values in a text that are no objects with members, in column i.
func addLeaves(leaves map[jsontext.Pointer][2]jsontext.Value, i int, text []byte) {
	add := func(at jsontext.Pointer, value jsontext.Value) {
		pair := leaves[at]
		pair[i] = value.Clone()
		leaves[at] = pair
	}
	in := jsontext.NewDecoder(bytes.NewBuffer(text))
	for {
		kind, n := in.StackIndex(in.StackDepth())
		switch next := in.PeekKind(); {
		case next == jsontext.KindInvalid: // the end
			return
		case next == '}' && n == 0 && in.StackDepth() > 1:
			add(in.StackPointer(), jsontext.Value("{}"))
			_, _ = in.ReadToken()
		case next == '{', next == '}', kind == '{' && n%2 == 0: // a name comes before each value
			_, _ = in.ReadToken()
		default:
			value, _ := in.ReadValue() // of a text that was written here
			add(in.StackPointer(), value)
		}
	}
}

// leaf returns a value as it may be seen.
func (s *sandbox) leaf(at jsontext.Pointer, value jsontext.Value) string {
	if len(value) > 0 && isSecret(string(at)) {
		return kodexatest.Masked
	}
	text := s.text(value, jsontext.SpaceAfterComma(true), jsontext.SpaceAfterColon(true))
	if len(text) > mostShown {
		text = strings.ToValidUTF8(text[:mostShown], "") + "…"
	}
	return text
}

// text returns JSON as it may be seen.
func (s *sandbox) text(value jsontext.Value, layout ...jsontext.Options) string {
	var text bytes.Buffer
	in, out := jsontext.NewDecoder(bytes.NewBuffer(value)), jsontext.NewEncoder(&text, layout...)
	for {
		token, err := in.ReadToken()
		if err != nil {
			return s.masked(strings.TrimSpace(text.String()))
		}
		kind, n := in.StackIndex(in.StackDepth())
		isSecretName := kind == '{' && n%2 == 1 && isSecret(token.String())
		_ = out.WriteToken(token)
		if isSecretName && in.SkipValue() == nil {
			_ = out.WriteToken(jsontext.String(kodexatest.Masked))
		}
	}
}

// isSecret reports whether a member's name, or a pointer with it, is that of a token.
func isSecret(name string) bool { return strings.Contains(strings.ToLower(name), "token") }

// maskedPath returns the path of a URL without the API key, even if that is escaped in it.
func (s *sandbox) maskedPath(u *url.URL) string {
	path := s.masked(u.EscapedPath())
	if strings.Contains(u.Path, s.key) && path == u.EscapedPath() {
		return kodexatest.Masked
	}
	return path
}

// masked returns a text without the API key, and without what would lead an eye or a terminal astray.
func (s *sandbox) masked(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ReplaceAll(text, s.key, kodexatest.Masked))
}
