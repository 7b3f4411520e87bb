package kodexa

import (
	"bytes"
	"hash/maphash"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// acceptor is a schema compiled to say yes to a JSON text in one pass over its tokens, without building its value. Its yes
// implies those of kin-openapi, of checkForGo and of the decoder. Its no says nothing: kin-openapi is asked then, and every
// refusal and its text come from there. So a rare case, such as an escape in a name, is a no.
type acceptor struct {
	kind     jsontext.Kind // as jsontext has it, 't' for both booleans; 0 is any but null
	nullable bool

	isInteger bool              // of numbers: written as an integer
	bits      int               // of numbers: what they must fit in
	enum      map[string]bool   // of strings; nil permits every one
	format    func([]byte) bool // of strings, with their quotes; nil permits every one
	items     *acceptor         // of arrays

	members  map[string]member // of objects
	required uint64            // the bits of the members that must be there
	extra    *acceptor         // what other members must be; nil forbids them
}

type member struct {
	bit    uint64
	accept *acceptor
}

// anything is the acceptor of what no schema speaks of.
var anything = &acceptor{nullable: true}

// acceptedFormat returns the test of a string format that acceptors know.
func acceptedFormat(name string) func([]byte) bool {
	switch name {
	case "date-time":
		return func(quoted []byte) bool { return isDateTime(quoted[1 : len(quoted)-1]) }
	case "uuid":
		return func(quoted []byte) bool {
			_, err := uuid.ParseBytes(quoted[1 : len(quoted)-1])
			return err == nil && len(quoted) == uuidLength+2
		}
	}
	return nil
}

// isDateTime holds text to RFC 3339. UnmarshalText alone lets pass an hour of one digit, a comma before the fraction, and
// offsets of any size.
func isDateTime(text []byte) bool {
	var t time.Time
	if t.UnmarshalText(text) != nil || text[len("2006-01-02T1")] == ':' || bytes.IndexByte(text, ',') >= 0 {
		return false
	}
	if text[len(text)-1] == 'Z' {
		return true
	}
	offset := text[len(text)-len("07:00"):]
	return string(offset[:2]) < "24" && string(offset[3:]) < "60"
}

// compile returns the acceptor of s, or nil if s or a schema below says something that acceptors don't know. formats are
// the string formats that matter besides kin-openapi's own.
func compile(s *openapi3.Schema, formats map[string]openapi3.StringFormatValidator) *acceptor {
	c := compiler{formats, map[*openapi3.Schema]*acceptor{}}
	return c.compile(s)
}

// compiler compiles one schema and those below it; if one of them fails, all do.
type compiler struct {
	formats map[string]openapi3.StringFormatValidator
	done    map[*openapi3.Schema]*acceptor // for schemas that contain themselves
}

func (c *compiler) compile(s *openapi3.Schema) *acceptor {
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
	a := &acceptor{nullable: s.Nullable}
	c.done[s] = a
	if !c.compileType(a, s) || !c.compileEnum(a, s) || !c.compileItems(a, s) || !c.compileMembers(a, s) {
		return nil
	}
	return a
}

func (c *compiler) compileType(a *acceptor, s *openapi3.Schema) bool {
	switch {
	case s.Type.Is(openapi3.TypeObject):
		a.kind = '{'
	case s.Type.Is(openapi3.TypeArray):
		a.kind = '['
	case s.Type.Is(openapi3.TypeBoolean):
		a.kind = 't'
	case s.Type.Is(openapi3.TypeInteger), s.Type.Is(openapi3.TypeNumber):
		a.kind = '0'
		a.isInteger, a.bits = s.Type.Is(openapi3.TypeInteger), numberBits(s)
	case s.Type.Is(openapi3.TypeString):
		a.kind = '"'
		a.format = acceptedFormat(s.Format)
		return a.format != nil || c.formats[s.Format] == nil && openapi3.SchemaStringFormats[s.Format] == nil
	default:
		return s.IsEmpty()
	}
	return true
}

func (*compiler) compileEnum(a *acceptor, s *openapi3.Schema) bool {
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

func (c *compiler) compileItems(a *acceptor, s *openapi3.Schema) bool {
	a.items = anything
	if s.Items != nil {
		a.items = c.compile(s.Items.Value)
	}
	return a.items != nil
}

func (c *compiler) compileMembers(a *acceptor, s *openapi3.Schema) bool {
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

// accepts reports whether body is one JSON value that a surely accepts.
func (a *acceptor) accepts(body []byte) bool {
	s := scanners.Get().(*scanner)
	defer s.release()
	s.buffer = *bytes.NewBuffer(body)
	s.dec.Reset(&s.buffer, jsontext.AllowDuplicateNames(true)) // names tells repeated ones at less cost
	if !s.value(a) {
		return false
	}
	_, err := s.dec.ReadToken()
	return err == io.EOF
}

// scanner reads a JSON text for an acceptor.
type scanner struct {
	dec    *jsontext.Decoder
	buffer bytes.Buffer
	seed   maphash.Seed
	names  []uint64 // hashes of the names that no schema has, of the objects that are open, the innermost last
}

var scanners = sync.Pool{New: func() any {
	return &scanner{dec: jsontext.NewDecoder(new(bytes.Buffer)), seed: maphash.MakeSeed()}
}}

func (s *scanner) release() {
	s.buffer = bytes.Buffer{}
	s.dec.Reset(&s.buffer)
	s.names = s.names[:0]
	scanners.Put(s)
}

// names are the names met in one object that no schema has: on the scanner's stack while they are few, else in a set.
type names struct {
	start int
	many  map[uint64]struct{}
}

// few bounds the search in the scanner's stack, and so what a scanner that is not in use keeps.
const few = 32

// first reports whether name is surely met for the first time in n's object. Two names with the same hash count as one.
func (s *scanner) first(n *names, name []byte) bool {
	hash := maphash.Bytes(s.seed, name)
	if n.many != nil {
		before := len(n.many)
		n.many[hash] = struct{}{}
		return len(n.many) > before
	}
	met := s.names[n.start:]
	if slices.Contains(met, hash) {
		return false
	}
	s.names = append(s.names, hash)
	if len(met) == few {
		n.many = make(map[uint64]struct{}, s.buffer.Len()/bytesPerMember)
		for _, hash := range s.names[n.start:] {
			n.many[hash] = struct{}{}
		}
	}
	return true
}

// bytesPerMember is a guess at the size of a member of a large object.
const bytesPerMember = 64

func (s *scanner) value(a *acceptor) bool {
	kind := s.dec.PeekKind()
	if kind == 'n' {
		_, err := s.dec.ReadToken()
		return err == nil && a.nullable
	}
	if kind == 'f' {
		kind = 't'
	}
	if a.kind != 0 && a.kind != kind {
		return false
	}
	switch kind {
	case '{':
		return s.object(a)
	case '[':
		return s.array(a)
	}
	text, err := s.dec.ReadValue()
	switch {
	case err != nil:
		return false
	case a.kind == '0':
		return a.acceptsNumber(text)
	case a.format != nil || a.enum != nil:
		return a.acceptsString(text)
	}
	return true
}

func (s *scanner) object(a *acceptor) bool {
	if _, err := s.dec.ReadToken(); err != nil {
		return false
	}
	met, seen, extra := names{start: len(s.names)}, uint64(0), a.extra
	if a.kind == 0 {
		extra = anything
	}
	for s.dec.PeekKind() != '}' {
		text, err := s.dec.ReadValue()
		if err != nil || bytes.IndexByte(text, '\\') >= 0 {
			return false
		}
		name := text[1 : len(text)-1]
		m, ok := a.members[string(name)]
		switch {
		case ok && seen&m.bit != 0:
			return false
		case ok:
			seen |= m.bit
		case extra == nil || a.spells(name) || !s.first(&met, name):
			return false
		default:
			m.accept = extra
		}
		if !s.value(m.accept) {
			return false
		}
	}
	s.names = s.names[:met.start]
	_, err := s.dec.ReadToken()
	return err == nil && seen&a.required == a.required
}

// spells reports whether name is one of the members' but for its case.
func (a *acceptor) spells(name []byte) bool {
	for like := range a.members {
		if bytes.EqualFold(name, []byte(like)) {
			return true
		}
	}
	return false
}

func (s *scanner) array(a *acceptor) bool {
	if _, err := s.dec.ReadToken(); err != nil {
		return false
	}
	items := a.items
	if a.kind == 0 {
		items = anything
	}
	for s.dec.PeekKind() != ']' {
		if !s.value(items) {
			return false
		}
	}
	_, err := s.dec.ReadToken()
	return err == nil
}

func (a *acceptor) acceptsNumber(text []byte) bool {
	var err error
	if a.isInteger {
		_, err = strconv.ParseInt(string(text), 10, a.bits)
	} else {
		_, err = strconv.ParseFloat(string(text), a.bits)
	}
	return err == nil
}

func (a *acceptor) acceptsString(text []byte) bool {
	if bytes.IndexByte(text, '\\') >= 0 {
		return false
	}
	return (a.enum == nil || a.enum[string(text[1:len(text)-1])]) && (a.format == nil || a.format(text))
}

// head is what an acceptor is for bodies: it says yes to a request's path and header. It knows operations whose parameters
// all stand in the path and are strings, and which API keys in headers are enough for.
type head struct {
	parameters map[string]*acceptor
	keys       []string // the headers that must be there
}

// compileHead returns the head of an operation, or nil if the operation says something that heads don't know.
func compileHead(
	doc *openapi3.T, item *openapi3.PathItem, op *openapi3.Operation, formats map[string]openapi3.StringFormatValidator,
) *head {
	h := &head{parameters: map[string]*acceptor{}}
	for _, ref := range slices.Concat(item.Parameters, op.Parameters) { // those of the operation win
		p := ref.Value
		if p.In != openapi3.ParameterInPath || p.Schema == nil || p.Style != "" && p.Style != openapi3.SerializationSimple {
			return nil
		}
		a := compile(p.Schema.Value, formats)
		if a == nil || a.kind != '"' {
			return nil
		}
		h.parameters[p.Name] = a
	}
	security := doc.Security
	if op.Security != nil {
		security = *op.Security
	}
	if len(security) > 1 {
		return nil
	}
	for _, requirement := range security {
		for name := range requirement {
			scheme := doc.Components.SecuritySchemes[name]
			if scheme == nil || scheme.Value.Type != "apiKey" || scheme.Value.In != openapi3.ParameterInHeader {
				return nil
			}
			h.keys = append(h.keys, scheme.Value.Name)
		}
	}
	return h
}

// accepts reports whether h surely accepts a request with these values in its path.
func (h *head) accepts(values map[string]string, header http.Header) bool {
	for _, key := range h.keys {
		if header.Get(key) == "" {
			return false
		}
	}
	for name, a := range h.parameters {
		var buffer [64]byte
		value := values[name]
		quoted := append(append(append(buffer[:0], '"'), value...), '"')
		if value == "" || strings.ContainsRune(value, '"') || !a.acceptsString(quoted) {
			return false
		}
	}
	return true
}
