package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// diff returns a line for each member in which the sessions differ, at every level: "  state  "OPEN" -> "CLOSED"".
func diff(before, after kodexa.Session) string {
	was, is := members(before), members(after)
	names := slices.Sorted(maps.Keys(is))
	for name := range was {
		if _, ok := is[name]; !ok {
			names = append(names, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool { return was[name] == is[name] })
	width := 0
	for _, name := range names {
		width = max(width, len(name))
	}
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "  %-*s  %s -> %s\n", width, name, shown(name, was[name]), shown(name, is[name]))
	}
	return text.String()
}

// shown returns a value as it may be seen.
func shown(name, value string) string {
	if name == "token" && value != "" {
		return kodexatest.Masked
	}
	return cmp.Or(value, "(absent)")
}

// members returns the values of a session at every level as JSON, by names such as organization.slug.
func members(session kodexa.Session) map[string]string {
	all := map[string]string{}
	text, _ := json.Marshal(session) // a session that came from the platform can be encoded
	in := jsontext.NewDecoder(bytes.NewBuffer(text))
	for in.PeekKind() != jsontext.KindInvalid { // the end
		kind, n := in.StackIndex(in.StackDepth())
		if next := in.PeekKind(); next == '{' || next == '}' || kind == '{' && n%2 == 0 { // a name comes before each value
			_, _ = in.ReadToken()
			continue
		}
		value, _ := in.ReadValue()
		all[strings.Join(slices.Collect(in.StackPointer().Tokens()), ".")] = string(value)
	}
	return all
}
