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

// membersOf returns a model as it is sent. Numbers and null stand as they are written, so that none loses digits and null is
// not absent; everything else is as package json decodes it.
func membersOf(model any) (members map[string]any, err error) {
	text, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	asWritten := json.UnmarshalFromFunc(func(dec *jsontext.Decoder, value *any) error {
		if kind := dec.PeekKind(); kind != '0' && kind != 'n' {
			return errors.ErrUnsupported
		}
		literal, err := dec.ReadValue()
		*value = jsontext.Value(string(literal))
		return err
	})
	return members, json.Unmarshal(text, &members, json.WithUnmarshalers(asWritten))
}

// sequenceOf returns the version number that an update is locked by.
func sequenceOf(members map[string]any) (int64, error) {
	literal, _ := members["changeSequence"].(jsontext.Value)
	n, err := strconv.ParseInt(string(literal), 10, 64)
	if err != nil {
		violation := Violation{"/changeSequence", "it was read without a value, so that an update can't be locked"}
		return 0, &ContractError{In: InRequest, Violations: []Violation{violation}}
	}
	return n, nil
}

// isKept reports whether a stored value has each member that a change gave, and lacks each that it removed. An array is one
// value; of an object only the members that changed count.
func isKept(before, after, stored any) bool {
	was, _ := before.(map[string]any)
	is, isObject := after.(map[string]any)
	now, nowObject := stored.(map[string]any)
	if !isObject {
		return reflect.DeepEqual(before, after) || isSame(after, stored)
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(was)), slices.Collect(maps.Keys(is))) {
		if !isKept(was[name], is[name], now[name]) {
			return false
		}
	}
	return nowObject || reflect.DeepEqual(before, after)
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

// isSameNumber compares numbers exactly, those with an exponent beyond a million excepted: big.Rat takes no larger one, which
// would take all memory. What differs as a float64 differs, and is not worked out.
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
