package jsonio

import (
	"bytes"
	jsonv1 "encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/oapi-codegen/nullable"
)

// Writer writes a text.
type Writer struct{ text []byte }

// Encode returns m as JSON, in memory that nothing else uses. The text is JSON in UTF-8 in which no name is repeated if, and
// only if, that is true of each raw value in m: of those only the ends are found. An error is a [*json.SemanticError] that
// holds no value.
func Encode(m Model) ([]byte, error) {
	s, err := write(m)
	if err != nil {
		return nil, within("", err)
	}
	if cap(*s) > maxScratch {
		return *s, nil
	}
	defer scratches.Put(s)
	return bytes.Clone(*s), nil
}

// scratches are for texts that are copied. One beyond maxScratch is left to the garbage collector.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

const maxScratch = 64 << 10

// write writes m to a scratch.
func write(m Model) (*[]byte, error) {
	s := scratches.Get().(*[]byte)
	w := Writer{(*s)[:0]}
	err := m.WriteJSON(&w)
	*s = w.text
	return s, err
}

// options make every way of encoding a model give the same result: the rules of version 2 whatever the caller's are, and
// raw values as they came.
var options = json.JoinOptions(
	json.DefaultOptionsV2(),
	json.StringifyNumbers(false),
	json.WithMarshalers(nil),
	jsontext.PreserveRawStrings(true),
)

// MarshalJSONTo is a model's method of that name.
func MarshalJSONTo(enc *jsontext.Encoder, m Model) error {
	s, err := write(m)
	if err != nil {
		return within(nextPlace(enc), err)
	}
	if cap(*s) <= maxScratch {
		defer scratches.Put(s)
	}
	return json.MarshalEncode(enc, jsontext.Value(*s), options)
}

// nextPlace returns where enc writes the next value. Its StackPointer is where it wrote the last one.
func nextPlace(enc *jsontext.Encoder) jsontext.Pointer {
	place := enc.StackPointer()
	kind, length := enc.StackIndex(enc.StackDepth())
	if kind != '[' {
		return place
	}
	if length > 0 {
		place = place.Parent()
	}
	return place.AppendToken(strconv.FormatInt(length, 10))
}

// MarshalJSON is a model's method of that name.
func MarshalJSON(m Model) ([]byte, error) { return json.Marshal(&marshaler{m}, options) }

type marshaler struct{ Model }

// MarshalJSONTo is called by [json.Marshal].
func (m *marshaler) MarshalJSONTo(enc *jsontext.Encoder) error { return MarshalJSONTo(enc, m.Model) }

// Begin begins an object.
func (w *Writer) Begin() { w.text = append(w.text, '{') }

// End ends an object.
func (w *Writer) End() { w.text = append(w.text, '}') }

// Write writes a member of an object. An error names the place, and no value.
func (w *Writer) Write(name string, value any) error {
	if err := w.name(name); err != nil {
		return err
	}
	return Within(name, w.value(value))
}

func (w *Writer) name(name string) (err error) {
	if w.text[len(w.text)-1] != '{' {
		w.text = append(w.text, ',')
	}
	if w.text, err = jsontext.AppendQuote(w.text, name); err != nil {
		return &json.SemanticError{Err: err}
	}
	w.text = append(w.text, ':')
	return nil
}

// ErrNamed is that a member which the contract does not name has a name that it does.
var ErrNamed = errors.New("AdditionalProperties has a member that the contract names")

// WriteNullable writes a member that may be null, unless it is not specified.
func WriteNullable[T any](w *Writer, name string, field nullable.Nullable[T]) error {
	if value, ok := field[true]; ok {
		return w.Write(name, &value)
	}
	if field.IsNull() {
		return w.Write(name, jsonv1.RawMessage("null"))
	}
	return nil
}

// IsEmpty reports whether omitempty leaves out a member that is not a pointer.
func IsEmpty[T any](value T) bool {
	switch v := reflect.ValueOf(&value).Elem(); v.Kind() {
	case reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	default: // an interface is empty if it is nil, whatever it holds
		return v.IsZero()
	}
}

// errRaw is that a raw value is not one JSON value.
var errRaw = errors.New("the raw value is not JSON")

func (w *Writer) value(value any) (err error) {
	switch value := value.(type) {
	case *string:
		w.text, err = jsontext.AppendQuote(w.text, *value)
	case *bool:
		w.text = strconv.AppendBool(w.text, *value)
	case *int32:
		w.text = strconv.AppendInt(w.text, int64(*value), 10)
	case *time.Time:
		moment := *value
		if _, offset := moment.Zone(); offset%60 != 0 {
			moment = moment.UTC() // such an offset can't be written
		}
		w.text, err = moment.AppendText(append(w.text, '"'))
		w.text = append(w.text, '"')
	case jsonv1.RawMessage:
		err = w.raw(value)
	case *[]string:
		err = w.strings(*value)
	case *map[string]jsonv1.RawMessage:
		w.Begin()
		err = w.rawMembers(*value)
		w.End()
	case Model:
		err = value.WriteJSON(w)
	default:
		var text []byte
		text, err = json.Marshal(value, options, json.Deterministic(true))
		w.text = append(w.text, text...)
	}
	return err
}

// raw writes a value of any kind, without the white space around it. Nil is null.
func (w *Writer) raw(value jsonv1.RawMessage) error {
	if value == nil {
		value = jsonv1.RawMessage("null")
	}
	r := NewReader(value)
	text, _, ok := r.Value()
	if !ok || !r.AtEnd() {
		return errRaw
	}
	w.text = append(w.text, text...)
	return nil
}

func (w *Writer) strings(list []string) (err error) {
	size := len("[]")
	for _, item := range list {
		size += len(item) + len(`"",`)
	}
	w.text = append(slices.Grow(w.text, size), '[')
	for i, item := range list {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		if w.text, err = jsontext.AppendQuote(w.text, item); err != nil {
			return Within(strconv.Itoa(i), err)
		}
	}
	w.text = append(w.text, ']')
	return nil
}

// WriteMembers writes members in the order of their names.
func WriteMembers[T any](w *Writer, members map[string]T) error {
	if raw, ok := any(members).(map[string]jsonv1.RawMessage); ok {
		return w.rawMembers(raw)
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := w.Write(name, members[name]); err != nil {
			return err
		}
	}
	return nil
}

// rawMembers is WriteMembers for raw values.
func (w *Writer) rawMembers(members map[string]jsonv1.RawMessage) error {
	type member struct {
		name  string
		value jsonv1.RawMessage
	}
	var few [8]member // of most maps, without an allocation
	sorted, size := slices.Grow(few[:0], len(members)), 0
	for name, value := range members {
		sorted = append(sorted, member{name, value})
		size += len(name) + len(value) + len(`"":,`)
	}
	slices.SortFunc(sorted, func(a, b member) int { return strings.Compare(a.name, b.name) })
	w.text = slices.Grow(w.text, size)
	for _, m := range sorted {
		if err := w.name(m.name); err != nil {
			return err
		}
		if err := w.raw(m.value); err != nil {
			return Within(m.name, err)
		}
	}
	return nil
}
