package json

import (
	"cmp"
	"errors"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var (
	errRaw   = errors.New("the raw value is not JSON")
	errNamed = errors.New("the contract names this member")
)

// marshalers write what version 2 writes in another way.
var marshalers = json.JoinMarshalers(
	json.MarshalToFunc(writeRaw),
	json.MarshalToFunc(writeTime),
	json.MarshalToFunc(writeNullable),
)

// MarshalTo writes a model to an encoder of other options. Where it writes nothing, version 2 calls the model's MarshalJSON,
// and gives an error of that its place.
func MarshalTo(enc *jsontext.Encoder, model any) error {
	text, err := Marshal(model)
	if err != nil {
		return errors.ErrUnsupported
	}
	return json.MarshalEncode(enc, jsontext.Value(text), trusting)
}

// Named is the error that an unnamed member has a name of the contract. It is for the beginning of an object.
func Named(enc *jsontext.Encoder, name string) error {
	return cmp.Or(enc.WriteToken(jsontext.String(name)), errNamed)
}

// Write writes the member name. Its value is what value points to, or null.
func Write(enc *jsontext.Encoder, name string, value any) error {
	if err := enc.WriteToken(jsontext.String(name)); err != nil {
		return err
	}
	switch value := value.(type) {
	case *RawMessage:
		return writeRaw(enc, value)
	case *map[string]RawMessage:
		if err := enc.WriteToken(jsontext.BeginObject); err != nil {
			return err
		}
		if err := WriteMembers(enc, *value); err != nil {
			return err
		}
		return enc.WriteToken(jsontext.EndObject)
	}
	return json.MarshalEncode(enc, value)
}

// WriteMembers writes members in the order of their names.
func WriteMembers[T any](enc *jsontext.Encoder, members map[string]T) error {
	if len(members) == 0 {
		return nil
	}
	names := slices.AppendSeq(make([]string, 0, len(members)), maps.Keys(members))
	slices.Sort(names)
	value := new(T)
	for _, name := range names {
		*value = members[name]
		if err := Write(enc, name, value); err != nil {
			return err
		}
	}
	return nil
}

// writeRaw writes a value of any kind. Nil is null. The encoder would not see that a name is repeated within the value.
func writeRaw(enc *jsontext.Encoder, value *RawMessage) error {
	if *value == nil {
		return enc.WriteToken(jsontext.Null)
	}
	if !jsontext.Value(*value).IsValid() {
		return errRaw
	}
	return enc.WriteValue(jsontext.Value(*value))
}

// writeTime writes a time whose offset RFC 3339 can't write, as time zones of old have one, as UTC.
func writeTime(enc *jsontext.Encoder, moment *time.Time) error {
	if _, offset := moment.Zone(); offset%60 == 0 && offset/(24*60*60) == 0 {
		return errors.ErrUnsupported
	}
	return json.MarshalEncode(enc, moment.UTC())
}

// writeNullable writes a nullable.Nullable or what points to one: a map that has the value, if there is one, at true. The
// type's own method leaves the options behind.
func writeNullable(enc *jsontext.Encoder, field interface{ IsNull() bool }) error {
	value := reflect.Indirect(reflect.ValueOf(field)).MapIndex(reflect.ValueOf(true))
	if !value.IsValid() {
		return enc.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(enc, value.Interface())
}
