// Package accept compiles schemas of a contract to something that says yes to what plainly keeps them.
package accept

import (
	"bytes"
	"hash/maphash"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/kodexa-community/kodexa-go/internal/jsonio"
)

// Acceptor is a schema compiled to say yes to a JSON text in one pass over it, without building its value. Its yes implies
// that kin-openapi accepts the value, and that Go's decoders decode it to what it says: an integer is written as one, no name
// is repeated, and none differs from one of the schema's in case alone. Its no says nothing: kin-openapi is to be asked then,
// and every refusal and its text come from there. So a rare case, such as an escape in a name, is a no.
type Acceptor struct {
	kind     jsontext.Kind // as jsontext has it, 't' for both booleans; 0 is any but null
	nullable bool

	isInteger bool            // of numbers: written as an integer
	bits      int             // of numbers: what they must fit in
	enum      map[string]bool // of strings; nil permits every one
	format    string          // of strings; only those that acceptsString knows
	items     *Acceptor       // of arrays

	members  map[string]member // of objects
	required uint64            // the bits of the members that must be there
	extra    *Acceptor         // what other members must be; nil forbids them
}

type member struct {
	bit    uint64
	accept *Acceptor
}

// anything is the acceptor of what no schema speaks of.
var anything = &Acceptor{nullable: true}

// Compile returns the acceptor of s, or nil if s or a schema below says something that acceptors don't know. formats are
// the string formats that matter besides kin-openapi's own.
func Compile(s *openapi3.Schema, formats map[string]openapi3.StringFormatValidator) *Acceptor {
	c := compiler{formats, map[*openapi3.Schema]*Acceptor{}}
	return c.compile(s)
}

// compiler compiles one schema and those below it; if one of them fails, all do.
type compiler struct {
	formats map[string]openapi3.StringFormatValidator
	done    map[*openapi3.Schema]*Acceptor // for schemas that contain themselves
}

func (c *compiler) compile(s *openapi3.Schema) *Acceptor {
	if a, ok := c.done[s]; ok {
		return a
	}
	rest := *s
	rest.Extensions, rest.Origin, rest.Title, rest.Description, rest.ExternalDocs = nil, nil, "", "", nil
	rest.Default, rest.Example, rest.Deprecated, rest.XML = nil, nil, false, nil
	rest.Type, rest.Nullable, rest.Format, rest.Enum, rest.Items = nil, false, "", nil, nil
	rest.Properties, rest.Required, rest.AdditionalProperties = nil, nil, openapi3.AdditionalProperties{}
	if !reflect.ValueOf(rest).IsZero() {
		return nil
	}
	a := &Acceptor{nullable: s.Nullable}
	c.done[s] = a
	if !c.compileType(a, s) || !c.compileEnum(a, s) || !c.compileItems(a, s) || !c.compileMembers(a, s) {
		return nil
	}
	return a
}

func (c *compiler) compileType(a *Acceptor, s *openapi3.Schema) bool {
	switch {
	case s.Type.Is(openapi3.TypeObject):
		a.kind = '{'
	case s.Type.Is(openapi3.TypeArray):
		a.kind = '['
	case s.Type.Is(openapi3.TypeBoolean):
		a.kind = 't'
	case s.Type.Is(openapi3.TypeInteger), s.Type.Is(openapi3.TypeNumber):
		a.kind = '0'
		a.isInteger, a.bits = s.Type.Is(openapi3.TypeInteger), NumberBits(s)
	case s.Type.Is(openapi3.TypeString):
		a.kind = '"'
		if c.formats[s.Format] == nil && openapi3.SchemaStringFormats[s.Format] == nil {
			return true // which means nothing to kin-openapi
		}
		a.format = s.Format
		// kin-openapi has no check for UUIDs of its own, unless a program gives it one.
		return s.Format == dateTime || s.Format == uuidFormat && openapi3.SchemaStringFormats[uuidFormat] == nil
	default:
		return s.IsEmpty()
	}
	return true
}

func (*compiler) compileEnum(a *Acceptor, s *openapi3.Schema) bool {
	if s.Enum == nil {
		return true
	}
	a.enum = map[string]bool{}
	for _, value := range s.Enum {
		text, ok := value.(string)
		if !ok {
			return false
		}
		a.enum[text] = true
	}
	return a.kind == '"'
}

func (c *compiler) compileItems(a *Acceptor, s *openapi3.Schema) bool {
	a.items = anything
	if s.Items != nil {
		a.items = c.compile(s.Items.Value)
	}
	return a.items != nil
}

func (c *compiler) compileMembers(a *Acceptor, s *openapi3.Schema) bool {
	if len(s.Properties) > 64 {
		return false
	}
	a.members = make(map[string]member, len(s.Properties))
	for name, property := range s.Properties {
		m := member{1 << len(a.members), c.compile(property.Value)}
		if m.accept == nil {
			return false
		}
		a.members[name] = m
	}
	for _, name := range s.Required {
		m, ok := a.members[name]
		if !ok {
			return false
		}
		a.required |= m.bit
	}
	switch additional := s.AdditionalProperties; {
	case additional.Schema != nil:
		a.extra = c.compile(additional.Schema.Value)
		return a.extra != nil
	case additional.Has == nil || *additional.Has:
		a.extra = anything
	}
	return true
}

// Accepts reports whether text is one JSON value that a surely accepts.
func (a *Acceptor) Accepts(text []byte) bool {
	if !utf8.Valid(text) {
		return false
	}
	s := scanners.Get().(*scanner)
	defer s.release()
	s.Reader = jsonio.NewReader(text)
	return s.value(a) && s.AtEnd()
}

// AcceptsString reports whether a is for strings, and surely accepts the one that says text.
func (a *Acceptor) AcceptsString(text string) bool {
	return a.kind == '"' && acceptsString(a, text, true)
}

// NumberBits returns the size of the Go type that a number of s is decoded to: the type-mapping of oapi-codegen.yaml.
func NumberBits(s *openapi3.Schema) int {
	if s.Format == "int32" || s.Format == "float" {
		return 32
	}
	return 64
}

// scanner reads a JSON text for an acceptor.
type scanner struct {
	jsonio.Reader
	depth int
	seed  maphash.Seed
	names []uint64 // hashes of the names that no schema has, of the objects that are open, the innermost last
}

var scanners = sync.Pool{New: func() any { return &scanner{seed: maphash.MakeSeed()} }}

// maxPooledNames bounds what a scanner that is not in use keeps.
const maxPooledNames = 4 << 10

func (s *scanner) release() {
	s.Reader, s.depth, s.names = jsonio.Reader{}, 0, s.names[:0]
	if cap(s.names) > maxPooledNames {
		s.names = nil
	}
	scanners.Put(s)
}

// differ reports whether the names from start on surely differ, and forgets them. Two with the same hash count as one.
func (s *scanner) differ(start int) bool {
	hashes := s.names[start:]
	s.names = s.names[:start]
	slices.Sort(hashes)
	for i := 1; i < len(hashes); i++ {
		if hashes[i-1] == hashes[i] {
			return false
		}
	}
	return true
}

// MaxDepth is how deep an acceptor follows a text: deep enough for what is common, and far from what a stack can take.
const MaxDepth = 1000

func (s *scanner) value(a *Acceptor) bool {
	switch s.Kind() {
	case '{':
		return a.permits('{') && s.object(a)
	case '[':
		return a.permits('[') && s.array(a)
	case '"':
		text, isPlain, ok := s.String()
		return ok && a.permits('"') && acceptsString(a, text[1:len(text)-1], isPlain)
	case 'n':
		return a.nullable && s.Literal("null")
	case 't':
		return a.permits('t') && s.Literal("true")
	case 'f':
		return a.permits('t') && s.Literal("false")
	default:
		text, ok := s.Number()
		return ok && a.permits('0') && a.acceptsNumber(text)
	}
}

// permits reports whether a accepts values of a kind.
func (a *Acceptor) permits(kind jsontext.Kind) bool { return a.kind == 0 || a.kind == kind }

func (s *scanner) object(a *Acceptor) bool {
	start, seen, extra := len(s.names), uint64(0), a.extra
	if a.kind == 0 {
		extra = anything
	}
	if s.depth++; s.depth > MaxDepth {
		return false
	}
	s.Take('{')
	for more := !s.Take('}'); more; {
		text, isPlain, ok := s.String()
		if !ok || !isPlain || !s.Take(':') {
			return false
		}
		name := text[1 : len(text)-1]
		m, ok := a.members[string(name)]
		switch {
		case ok && seen&m.bit != 0:
			return false
		case ok:
			seen |= m.bit
		case extra == nil || a.spells(name):
			return false
		default:
			m.accept = extra
			s.names = append(s.names, maphash.Bytes(s.seed, name))
		}
		if !s.value(m.accept) {
			return false
		}
		if more = s.Take(','); !more && !s.Take('}') {
			return false
		}
	}
	s.depth--
	return seen&a.required == a.required && s.differ(start)
}

// spells reports whether name is one of the members' but for its case.
func (a *Acceptor) spells(name []byte) bool {
	for like := range a.members {
		if bytes.EqualFold(name, []byte(like)) {
			return true
		}
	}
	return false
}

func (s *scanner) array(a *Acceptor) bool {
	items := a.items
	if a.kind == 0 {
		items = anything
	}
	if s.depth++; s.depth > MaxDepth {
		return false
	}
	s.Take('[')
	for more := !s.Take(']'); more; {
		if !s.value(items) {
			return false
		}
		if more = s.Take(','); !more && !s.Take(']') {
			return false
		}
	}
	s.depth--
	return true
}

func (a *Acceptor) acceptsNumber(text []byte) bool {
	var err error
	if a.isInteger {
		_, err = strconv.ParseInt(string(text), 10, a.bits)
	} else if a.bits > 0 {
		_, err = strconv.ParseFloat(string(text), a.bits)
	}
	return err == nil
}

// The string formats whose values acceptors can tell.
const (
	dateTime   = "date-time"
	uuidFormat = "uuid"
	uuidLength = len("550e8400-e29b-41d4-a716-446655440000") // with dashes, which is the one form that the format means
)

// acceptsString reports whether a accepts a string that is spelled like text between its quotes. If it matters what the
// string says, the spelling must be plain.
func acceptsString[Text string | []byte](a *Acceptor, text Text, isPlain bool) bool {
	if a.format == "" && a.enum == nil {
		return true
	}
	if !isPlain || a.enum != nil && !a.enum[string(text)] {
		return false
	}
	switch a.format {
	case dateTime:
		_, ok := jsonio.ParseDateTime([]byte(text))
		return ok
	case uuidFormat:
		return len(text) == uuidLength && uuid.Validate(string(text)) == nil
	}
	return true
}
