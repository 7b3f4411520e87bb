package json

import (
	"bytes"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// unmarshalers read what version 2 reads in another way.
var unmarshalers = json.JoinUnmarshalers(
	json.UnmarshalFromFunc(readAny),
	json.UnmarshalFromFunc(readNullable),
)

// Object reads the members of an object one by one.
type Object struct {
	dec     *jsontext.Decoder
	name    []byte
	err     error
	strings strings.Builder // copies of small strings
	raws    []byte          // copies of small values
}

// ReadObject begins to read the object T, or null in its place, which has no members.
func ReadObject[T any](dec *jsontext.Decoder) Object {
	begin, err := dec.ReadToken()
	switch {
	case err != nil:
		return Object{err: err}
	case begin.Kind() == 'n':
		return Object{}
	case begin.Kind() != '{':
		return Object{err: &json.SemanticError{JSONPointer: dec.StackPointer(), JSONKind: begin.Kind(), GoType: reflect.TypeFor[T]()}}
	}
	return Object{dec: dec}
}

// Next reads the name of the next member and reports whether there is one.
func (o *Object) Next() bool {
	if o.dec == nil || o.err != nil {
		return false
	}
	if o.dec.PeekKind() == '}' {
		_, o.err = o.dec.ReadToken()
		return false
	}
	o.name = o.text()
	return o.err == nil
}

// Name returns the name of the member, which is valid until its value is read.
func (o *Object) Name() []byte { return o.name }

// Err returns the first error.
func (o *Object) Err() error { return o.err }

// Skip reads over the value of the member.
func (o *Object) Skip() { o.err = o.dec.SkipValue() }

// Null reads the value of the member if it is null, and reports whether it was.
func (o *Object) Null() bool {
	isNull := o.dec.PeekKind() == 'n'
	if isNull {
		o.Skip()
	}
	return isNull
}

// ReadUnnamed reads the member into members.
func ReadUnnamed[T any](o *Object, members *map[string]T) {
	if *members == nil {
		*members = make(map[string]T)
	}
	name := o.string(o.name)
	if raw, ok := any(*members).(map[string]RawMessage); ok {
		raw[name] = o.raw()
		return
	}
	value := new(T)
	o.Read(value)
	(*members)[name] = *value
}

// Read reads the value of the member into what value points to.
func (o *Object) Read(value any) {
	switch value := value.(type) {
	case *string:
		if o.dec.PeekKind() == '"' {
			*value = o.string(o.text())
			return
		}
	case *RawMessage:
		*value = o.raw()
		return
	case *map[string]RawMessage:
		inner := ReadObject[map[string]RawMessage](o.dec)
		for *value = make(map[string]RawMessage); inner.Next(); {
			ReadUnnamed(&inner, value)
		}
		o.err = inner.err
		return
	}
	o.err = json.UnmarshalDecode(o.dec, value)
}

// text reads a string. What it returns is valid until the next value is read.
func (o *Object) text() []byte {
	var literal []byte
	if literal, o.err = o.dec.ReadValue(); o.err != nil {
		return nil
	}
	return Unquote(literal)
}

// Unquote returns the text of a JSON string that a decoder has read.
func Unquote(literal []byte) []byte {
	if bytes.IndexByte(literal, '\\') < 0 {
		return literal[1 : len(literal)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, literal)
	return text
}

// Copies of what is small share allocations of at most sharedSize bytes: few of them are needed, and a copy that outlives the
// others keeps no more than that.
const sharedSize, small = 512, 64

// grown returns the size of the allocation after one of the given size.
func grown(size int) int { return min(sharedSize, max(small, 2*size)) }

func (o *Object) string(text []byte) string {
	if len(text) > small {
		return string(text)
	}
	if size := o.strings.Cap(); size-o.strings.Len() < len(text) {
		o.strings.Reset()
		o.strings.Grow(grown(size))
	}
	start := o.strings.Len()
	o.strings.Write(text)
	return o.strings.String()[start:]
}

func (o *Object) raw() []byte {
	var text []byte
	if text, o.err = o.dec.ReadValue(); len(text) > small {
		return bytes.Clone(text)
	}
	if size := cap(o.raws); size-len(o.raws) < len(text) {
		o.raws = make([]byte, 0, grown(size))
	}
	start := len(o.raws)
	o.raws = append(o.raws, text...)
	return o.raws[start:len(o.raws):len(o.raws)] // so that appending to one leaves the next alone
}

// readAny keeps the value as it came: as a number of Go it could lose digits.
func readAny(dec *jsontext.Decoder, value *any) error {
	text, err := dec.ReadValue()
	*value = RawMessage(bytes.Clone(text))
	return err
}

// readNullable reads a nullable.Nullable, a map that has the value at true. Its own method leaves the options behind.
func readNullable(dec *jsontext.Decoder, field interface{ SetNull() }) error {
	if dec.PeekKind() == 'n' {
		field.SetNull()
		return dec.SkipValue()
	}
	values := reflect.ValueOf(field).Elem()
	value := reflect.New(values.Type().Elem())
	err := json.UnmarshalDecode(dec, value.Interface())
	values.Set(reflect.MakeMap(values.Type()))
	values.SetMapIndex(reflect.ValueOf(true), value.Elem())
	return err
}
