package main

import (
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
	if text, err := json.Marshal(session); err == nil { // a session that came from the platform can be encoded
		addMembers(all, "", text)
	}
	return all
}

func addMembers(all map[string]string, name string, value jsontext.Value) {
	members := map[string]jsontext.Value{}
	if value.Kind() != '{' || json.Unmarshal(value, &members) != nil {
		all[name] = string(value)
		return
	}
	for member, value := range members {
		addMembers(all, strings.TrimPrefix(name+"."+member, "."), value)
	}
}
