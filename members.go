package kodexa

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
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
	names := maps.Clone(is)
	maps.Copy(names, was)
	for name := range names {
		if !isKept(was[name], is[name], now[name]) { // what was removed is nil, and null is not
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
		return inOneSpelling(string(a)) == inOneSpelling(string(b))
	case []any:
		b, isArray := b.([]any)
		return isArray && slices.EqualFunc(a, b, isSame)
	case map[string]any:
		b, isObject := b.(map[string]any)
		return isObject && maps.EqualFunc(a, b, isSame)
	}
	return a == b
}

// inOneSpelling returns a number as every number of its value is written, and what is no number as it is. It works nothing out:
// 1e999999 would have a million digits. A number whose exponent exceeds an int keeps its spelling.
func inOneSpelling(number string) string {
	mantissa, power, _ := strings.Cut(strings.ToLower(number)+"e0", "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "-0")
	exponent, err := strconv.Atoi(strings.TrimSuffix(power, "e0"))
	switch significant := strings.TrimRight(digits, "0"); {
	case err != nil || mantissa == "":
		return number
	case significant == "":
		return "0"
	default:
		return strconv.FormatBool(whole[0] == '-') + significant + "e" + strconv.Itoa(exponent+len(digits)-len(significant)-len(fraction))
	}
}
