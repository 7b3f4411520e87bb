package jsonio

import (
	"bytes"
	jsonv1 "encoding/json"
	"errors"
	"reflect"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/oapi-codegen/nullable"
)

// Model is a generated model. Its methods are for this package and for other models: they leave to [Decode] and [Marshal]
// what those see to.
type Model interface {
	// ReadJSON replaces the model by what comes next. An error leaves the model as it was.
	ReadJSON(r *Reader) error
	// WriteJSON writes the model.
	WriteJSON(w *Writer) error
}

// Decode replaces m by the value that text consists of. The text must be known to be JSON in UTF-8 in which no name is
// repeated; nothing of it is kept. An error leaves m as it was.
func Decode(text []byte, m Model) error {
	r := readers.Get().(*Reader)
	r.text = text
	err := m.ReadJSON(r)
	*r = Reader{}
	readers.Put(r)
	return err
}

var readers = sync.Pool{New: func() any { return new(Reader) }}

// UnmarshalJSONFrom is a model's method of that name. It holds the text to the rules of version 2 whatever those of dec are.
func UnmarshalJSONFrom(dec *jsontext.Decoder, m Model) error {
	text, err := dec.ReadValue()
	if err != nil {
		return err
	}
	repeated, _ := json.GetOption(dec.Options(), jsontext.AllowDuplicateNames)
	invalid, _ := json.GetOption(dec.Options(), jsontext.AllowInvalidUTF8)
	if repeated || invalid {
		return UnmarshalJSON(text, m)
	}
	return within(dec.StackPointer(), Decode(text, m))
}

// UnmarshalJSON is a model's method of that name.
func UnmarshalJSON(text []byte, m Model) error { return json.Unmarshal(text, &unmarshaler{m}) }

type unmarshaler struct{ Model }

// UnmarshalJSONFrom is called by [json.Unmarshal].
func (m *unmarshaler) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return UnmarshalJSONFrom(dec, m.Model)
}

// errText is that a text is not JSON. It is met only by who reads another text than [Decode] asks for.
var errText = errors.New("the text is not JSON")

// Mismatch reads over the next value. It returns the error that what should be a T is none.
func Mismatch[T any](r *Reader) error {
	text, _, ok := r.Value()
	if !ok {
		return errText
	}
	return mismatch(text, reflect.TypeFor[T]())
}

func mismatch(text []byte, want reflect.Type) error {
	return &json.SemanticError{JSONKind: jsontext.Value(text).Kind(), GoType: want}
}

// Within returns err as that of the member name, or nil if there is none.
func Within[Name string | []byte](name Name, err error) error {
	if err == nil {
		return nil
	}
	return within(jsontext.Pointer("").AppendToken(string(name)), err)
}

func within(place jsontext.Pointer, err error) error {
	if err == nil {
		return nil
	}
	semantic, ok := err.(*json.SemanticError)
	if !ok {
		semantic = &json.SemanticError{Err: err}
	}
	semantic.JSONPointer = place + semantic.JSONPointer
	return semantic
}

// Null reads null and reports whether it comes next.
func (r *Reader) Null() bool { return r.Kind() == 'n' && r.Literal("null") }

// Name reads the name of a member and the colon after it. The name is valid as long as the text is.
func (r *Reader) Name() ([]byte, error) {
	quoted, isPlain, ok := r.String()
	switch {
	case !ok || !r.Take(':'):
		return nil, errText
	case !isPlain:
		return jsontext.AppendUnquote(nil, quoted)
	}
	return quoted[1 : len(quoted)-1], nil
}

// ReadOptional reads a member into value and points field to it; null leaves field as it is.
func ReadOptional[T any](r *Reader, value *T, field **T) error {
	if r.Null() {
		return nil
	}
	*field = value
	return Read(r, value)
}

// ReadNullable reads a member that may be null.
func ReadNullable[T any](r *Reader, field *nullable.Nullable[T]) error {
	if r.Null() {
		field.SetNull()
		return nil
	}
	var value T
	err := Read(r, &value)
	field.Set(value)
	return err
}

// Read reads what comes next into what value points to. Null empties it. An error names place and types, and no value.
func Read(r *Reader, value any) error {
	switch value := value.(type) {
	case *string, *bool, *int32, *time.Time, *jsonv1.RawMessage, *map[string]jsonv1.RawMessage, *[]string: // see quickly
	case Model:
		return value.ReadJSON(r)
	}
	text, members, ok := r.Value()
	if !ok || !r.quickly(text, members, value) {
		return slowly(text, value)
	}
	return nil
}

// slowly is [Read] of text whatever value is.
func slowly(text []byte, value any) error {
	err := json.Unmarshal(text, value)
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		semantic.JSONValue, semantic.Err = nil, nil
	}
	return err
}

// quickly is [Read] of text, which has just been read and has so many members, for the values and texts that are common.
func (r *Reader) quickly(text []byte, members int, value any) (ok bool) {
	switch value := value.(type) {
	case *string:
		*value, ok = r.unquote(text)
	case *bool:
		*value, ok = text[0] == 't', text[0] == 't' || text[0] == 'f'
	case *int32:
		n, err := strconv.ParseInt(string(text), 10, 32)
		*value, ok = int32(n), err == nil
	case *time.Time:
		*value, ok = parseDateTime(text)
	case *jsonv1.RawMessage:
		*value, ok = r.keepBytes(text, len(r.text)-r.pos), true
	case *[]string:
		*value, ok = r.strings(text, members)
	case *map[string]jsonv1.RawMessage:
		*value, ok = r.rawMembers(text, members)
	}
	return ok
}

// strings returns the items of an array of strings.
func (r *Reader) strings(text []byte, members int) ([]string, bool) {
	if text[0] != '[' {
		return nil, false
	}
	list := make([]string, 0, members)
	items := Reader{text: text, pos: len("[")}
	for !items.Take(']') {
		items.Take(',')
		quoted, _, ok := items.String()
		if !ok {
			return nil, false
		}
		item, _ := r.unquote(quoted)
		list = append(list, item)
	}
	return list, true
}

// rawMembers returns the members of an object as JSON.
func (r *Reader) rawMembers(text []byte, members int) (map[string]jsonv1.RawMessage, bool) {
	if text[0] != '{' {
		return nil, false
	}
	all := make(map[string]jsonv1.RawMessage, members)
	object := Reader{text: text, pos: len("{")}
	for !object.Take('}') {
		object.Take(',')
		name, err := object.Name()
		if err != nil {
			return nil, false
		}
		value, _, ok := object.Value()
		if !ok {
			return nil, false
		}
		all[r.keep(name)] = r.keepBytes(value, len(text))
	}
	return all, true
}

// unquote returns what a string says, if text is one.
func (r *Reader) unquote(text []byte) (string, bool) {
	if text[0] != '"' {
		return "", false
	}
	if bytes.IndexByte(text, '\\') >= 0 {
		unquoted, err := jsontext.AppendUnquote(nil, text)
		return string(unquoted), err == nil
	}
	return r.keep(text[1 : len(text)-1]), true
}

// Copies of what is small share allocations of keptTogether bytes: few of them are needed, and a copy that outlives the others
// keeps no more than that.
const keptTogether, small = 512, 64

// keep returns a copy of text.
func (r *Reader) keep(text []byte) string {
	if len(text) > small {
		return string(text)
	}
	if r.names.Cap()-r.names.Len() < len(text) {
		r.names.Reset()
		r.names.Grow(min(keptTogether, len(text)+len(r.text)-r.pos))
	}
	start := r.names.Len()
	r.names.Write(text)
	return r.names.String()[start:]
}

// keepBytes returns a copy of text, which can be appended to. Others of about so many bytes in all are to follow.
func (r *Reader) keepBytes(text []byte, following int) []byte {
	if len(text) > small {
		return bytes.Clone(text)
	}
	if cap(r.raws)-len(r.raws) < len(text) {
		r.raws = make([]byte, 0, min(keptTogether, len(text)+following))
	}
	start := len(r.raws)
	r.raws = append(r.raws, text...)
	return r.raws[start:len(r.raws):len(r.raws)]
}

// parseDateTime parses a string that holds a date-time, see [ParseDateTime].
func parseDateTime(text []byte) (time.Time, bool) {
	if text[0] != '"' || bytes.IndexByte(text, '\\') >= 0 {
		return time.Time{}, false
	}
	return ParseDateTime(text[1 : len(text)-1])
}

// ParseDateTime parses a date-time of RFC 3339 that a [time.Time] can hold. UnmarshalText alone lets pass an hour of one
// digit, a comma before the fraction, and offsets of any size.
func ParseDateTime(text []byte) (moment time.Time, ok bool) {
	if moment.UnmarshalText(text) != nil || text[len("2006-01-02T1")] == ':' || bytes.IndexByte(text, ',') >= 0 {
		return time.Time{}, false
	}
	if text[len(text)-1] != 'Z' {
		offset := text[len(text)-len("07:00"):]
		ok = string(offset[:2]) < "24" && string(offset[3:]) < "60"
		return moment, ok
	}
	return moment, true
}
