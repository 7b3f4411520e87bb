package kodexa

import (
	"errors"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// membersOf returns a model as it is sent. Numbers and null are kept as text: no number loses digits, and null is not taken for
// absent. All else is as package json decodes it. sequence is the version number that an update is locked by.
func membersOf(model any) (members map[string]any, sequence int64, err error) {
	text, err := json.Marshal(model)
	if err != nil {
		return nil, 0, err
	}
	asWritten := json.UnmarshalFromFunc(func(dec *jsontext.Decoder, value *any) error {
		if kind := dec.PeekKind(); kind != '0' && kind != 'n' {
			return errors.ErrUnsupported
		}
		literal, err := dec.ReadValue()
		*value = jsontext.Value(string(literal))
		return err
	})
	if err := json.Unmarshal(text, &members, json.WithUnmarshalers(asWritten)); err != nil {
		return nil, 0, err
	}
	literal, _ := members["changeSequence"].(jsontext.Value)
	sequence, err = strconv.ParseInt(string(literal), 10, 64)
	if err != nil {
		violation := Violation{"/changeSequence", "it has no value, so that an update can't be locked"}
		err = &ContractError{In: InRequest, Violations: []Violation{violation}}
	}
	return members, sequence, err
}

// isKept reports whether the stored value has every member that the change set, and none that it removed. An array is compared
// as a whole, an object by the members that changed.
func isKept(before, after, stored any) bool {
	is, isObject := after.(map[string]any)
	now, nowObject := stored.(map[string]any)
	if !isObject || !nowObject {
		return reflect.DeepEqual(before, after) || isSame(after, stored)
	}
	was, _ := before.(map[string]any)
	for name, value := range is {
		if !isKept(was[name], value, now[name]) {
			return false
		}
	}
	for name := range was {
		if _, isLeft := is[name]; !isLeft && now[name] != nil {
			return false
		}
	}
	return true
}

// isSame reports whether two values are the same one: a platform may spell a time or a number in another way.
func isSame(a, b any) bool {
	switch a := a.(type) {
	case string:
		b, isText := b.(string)
		at, errA := time.Parse(time.RFC3339, a)
		bt, errB := time.Parse(time.RFC3339, b)
		return isText && a == b || errA == nil && errB == nil && at.Equal(bt)
	case jsontext.Value:
		b, _ := b.(jsontext.Value)
		return string(a) == string(b) || isSameNumber(string(a), string(b))
	case []any:
		b, isArray := b.([]any)
		return isArray && slices.EqualFunc(a, b, isSame)
	case map[string]any:
		b, isObject := b.(map[string]any)
		return isObject && maps.EqualFunc(a, b, isSame)
	}
	return a == b
}

// isSameNumber compares numbers exactly. Those that differ as float64 differ. An exponent beyond a million is not worked out,
// since that would take all memory: such numbers are the same only if they are written alike.
func isSameNumber(a, b string) bool {
	x, _ := strconv.ParseFloat(a, 64)
	y, _ := strconv.ParseFloat(b, 64)
	if x != y {
		return false
	}
	p, isP := new(big.Rat).SetString(a)
	q, isQ := new(big.Rat).SetString(b)
	return isP && isQ && p.Cmp(q) == 0
}
