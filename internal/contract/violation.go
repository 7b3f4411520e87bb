package contract

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Violation is one way in which a message breaks the contract. It holds no value of the message.
type Violation struct {
	Pointer string // RFC 6901 pointer into the body; "" is the whole body or the header
	Reason  string
}

// findings are what is wrong with a message.
type findings struct {
	list  []Violation
	cause error
}

// maxViolations is how many violations are listed at the most.
const maxViolations = 100

// add appends a violation unless its place has one already.
func (f *findings) add(pointer, reason string) {
	isThere := func(v Violation) bool { return v.Pointer == pointer }
	if len(f.list) < maxViolations && !slices.ContainsFunc(f.list, isThere) {
		f.list = append(f.list, Violation{pointer, reason})
	}
}

// result returns what was found until the end, or until kin-openapi panicked.
func (f *findings) result(panicked bool) ([]Violation, error) {
	if panicked {
		f.add("", "kin-openapi can't check the message")
	}
	slices.SortStableFunc(f.list, func(a, b Violation) int { return strings.Compare(a.Pointer, b.Pointer) })
	return f.list, f.cause
}

// addSchemaErrors adds the violations in an error of kin-openapi, and takes the values out of it.
func (f *findings) addSchemaErrors(err error) {
	switch err := err.(type) {
	case nil:
	case openapi3.MultiError:
		for _, err := range err {
			f.addSchemaErrors(err)
		}
	case *openapi3.SchemaError:
		f.addSchemaError(err)
		err.Value, err.Origin = nil, nil
	case *openapi3.SchemaPatternRegexError:
		if cause, ok := errors.AsType[*openapi3.SchemaError](err); ok {
			f.add("", fmt.Sprintf("%s, at %s of the contract", cause.Reason, cause.Schema.Comment))
		}
	default:
		f.add("", "the value does not match its schema")
	}
}

func (f *findings) addSchemaError(err *openapi3.SchemaError) {
	place := err.JSONPointer()
	parts, isMulti := errors.AsType[openapi3.MultiError](err.Origin)
	object, _ := err.Value.(map[string]any)
	switch {
	case isMulti && err.SchemaField == "allOf":
		f.addSchemaErrors(parts)
	case err.SchemaField == "properties": // the error's place is the object, not the member that it must not have
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if err.Schema.Properties[name] == nil {
				f.add(pointerTo(append(place, name)), fmt.Sprintf("property %q is unsupported", name))
			}
		}
	default:
		f.add(pointerTo(place), cmp.Or(err.Reason, fmt.Sprintf("the value does not match %q of its schema", err.SchemaField)))
	}
}

var escaped = strings.NewReplacer("~", "~0", "/", "~1")

// pointerTo returns the RFC 6901 pointer to a place.
func pointerTo(place []string) string {
	var pointer strings.Builder
	for _, name := range place {
		pointer.WriteString("/" + escaped.Replace(name))
	}
	return pointer.String()
}
