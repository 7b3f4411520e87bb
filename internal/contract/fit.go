package contract

import (
	jsonv1 "encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// fit finds what Go types don't hold of a value. It lists what kin-openapi lets pass: numbers that are not written as the
// integer that their schema asks for, or exceed their Go type, and names that differ from a member's in letter case alone.
type fit struct {
	findings

	prune   bool // remove what does not fit
	place   []string
	removed bool
}

// value reports whether a Go type holds a value. An array is held whole or not at all.
func (w *fit) value(s *schema, value any) bool {
	fits := value != nil || s.takesNull || !w.prune
	for _, part := range s.parts {
		fits = w.part(part, part == s, value) && fits
	}
	return fits
}

// part is value for one part of a schema. The first part is the schema as a whole, which knows all names. Wrong types and
// formats are left to kin-openapi.
func (w *fit) part(s *schema, isWhole bool, value any) bool {
	fits := true
	switch value := value.(type) {
	case bool:
		fits = s.is('t')
	case string:
		fits = s.is('"') && s.format.has([]byte(value))
	case jsonv1.Number:
		fits = s.is('0') && (s.format.has([]byte(value)) || w.misfit(s.format.reason))
	case []any:
		fits = s.is('[')
		for i, item := range value {
			fits = w.inside(strconv.Itoa(i), s.items, item) && fits
		}
	case map[string]any:
		fits = s.is('{')
		for _, name := range slices.Sorted(maps.Keys(value)) {
			m, like := s.member([]byte(name))
			if like != "" && isWhole && !w.prune {
				fits = w.misfit(fmt.Sprintf("the contract spells this member %q", like), name)
			}
			isHeld := w.inside(name, m.schema, value[name]) && (m.schema != forbidden || !isWhole) // which no Go type has a field for
			if !isHeld && w.prune {
				delete(value, name)
				w.removed = true
			} else {
				fits = fits && isHeld
			}
		}
	}
	for _, union := range s.unions {
		fits = w.fitsOne(union, value) && fits
	}
	return fits
}

func (w *fit) inside(name string, s *schema, value any) bool {
	if s == anything { // without this, unions within unions would read a value once a level
		return true
	}
	w.place = append(w.place, name)
	defer func() { w.place = w.place[:len(w.place)-1] }()
	return w.value(s, value)
}

// fitsOne reports whether a Go type of a union's holds a value. What is pruned need not be held: generated code keeps it as it
// is until it is asked for as one of them.
func (w *fit) fitsOne(union []*schema, value any) bool {
	isHeld := func(s *schema) bool {
		var alone fit
		return alone.value(s, value)
	}
	return w.prune || slices.ContainsFunc(union, isHeld) || w.misfit("value is not written as any schema of the union asks for")
}

// misfit lists a place in the value that is looked at. It is false, as what it says of the value.
func (w *fit) misfit(reason string, below ...string) bool {
	if !w.prune && len(w.list) < maxViolations {
		w.add(pointerTo(append(w.place, below...)), reason)
	}
	return false
}
