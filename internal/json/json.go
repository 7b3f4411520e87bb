// Package json is what generated code calls json: encoding/json's names, as far as generated code uses them, over version 2.
// Beside them stands what the codecs of the models share.
//
// A model writes and reads tokens itself where the coder is one of this package. With any other coder it goes by its text as
// a whole, so that it is the same JSON whatever the caller's options are.
package json

import (
	jsonv1 "encoding/json"
	"errors"
	"reflect"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	legacy "github.com/go-json-experiment/json/v1"
)

// RawMessage is a JSON value as it came.
type RawMessage = jsonv1.RawMessage

// The options of this package. Strict reading refuses a repeated member name. That takes time, so the generated client, whose
// bytes were checked, reads without it.
var (
	strict = json.JoinOptions(
		json.DefaultOptionsV2(),
		json.Deterministic(true),
		json.WithMarshalers(marshalers),
		json.WithUnmarshalers(unmarshalers),
		jsontext.PreserveRawStrings(true),
		legacy.OmitEmptyWithLegacySemantics(true), // the generator's omitempty is encoding/json's
	)
	trusting = json.JoinOptions(strict, jsontext.AllowDuplicateNames(true))
)

// Owns reports whether the options are those of a coder of this package.
func Owns(options json.Options) bool {
	own, _ := json.GetOption(options, json.WithMarshalers)
	return own == marshalers
}

// Marshal returns v as JSON. An error is a [*json.SemanticError] that says where and why, and holds no value.
func Marshal(v any) ([]byte, error) {
	text, err := json.Marshal(v, trusting)
	if err == nil {
		return text, nil
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		semantic = &json.SemanticError{Err: err}
	}
	for reason := semantic.Err; reason != nil; reason = errors.Unwrap(reason) {
		semantic.Err = reason
		if syntactic, ok := reason.(*jsontext.SyntacticError); ok {
			semantic.JSONPointer = syntactic.JSONPointer
		}
	}
	return nil, semantic
}

// Unmarshal reads data, which is known to repeat no member name, into v. An error is a [*json.SemanticError] that says where
// and holds no value, or a [*jsontext.SyntacticError].
func Unmarshal(data []byte, v any) error { return unmarshal(data, v, trusting) }

// UnmarshalStrict is [Unmarshal] of data that may repeat a member name, which is an error.
func UnmarshalStrict(data []byte, v any) error { return unmarshal(data, v, strict) }

func unmarshal(data []byte, v any, options json.Options) error {
	err := json.Unmarshal(data, v, options)
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		semantic.JSONValue, semantic.Err = nil, nil
	}
	return err
}

// IsZero reports whether v is its type's zero value.
func IsZero[T any](v T) bool { return reflect.ValueOf(&v).Elem().IsZero() }

// Clone returns a copy of v that shares nothing with it.
func Clone[T any](v T) T {
	c := reflect.ValueOf(&v).Elem()
	c.Set(clone(c))
	return v
}

func clone(v reflect.Value) reflect.Value {
	if !v.IsValid() || v.IsZero() { // shares nothing
		return v
	}
	c := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Struct:
		if method := v.MethodByName("Clone"); method.IsValid() && v.FieldByName("union").IsValid() {
			return method.Call(nil)[0] // only the union itself can copy its text
		}
		c.Set(v)
		for _, field := range c.Fields() {
			if field.CanSet() {
				field.Set(clone(field))
			}
		}
	case reflect.Pointer:
		c.Set(reflect.New(v.Type().Elem()))
		c.Elem().Set(clone(v.Elem()))
	case reflect.Interface:
		c.Set(clone(v.Elem()))
	case reflect.Slice:
		c = reflect.AppendSlice(reflect.MakeSlice(v.Type(), 0, v.Len()), v)
		for i := 0; i < v.Len() && v.Type().Elem().Kind() != reflect.Uint8; i++ { // a raw value may have millions of bytes
			c.Index(i).Set(clone(v.Index(i)))
		}
	case reflect.Map:
		c.Set(reflect.MakeMapWithSize(v.Type(), v.Len()))
		for name, value := range v.Seq2() {
			c.SetMapIndex(name, clone(value))
		}
	default: // is shared by nothing, or can't be copied
		return v
	}
	return c
}
