package contract

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
)

// schema is a schema of the contract, compiled for an [acceptor] and a [fit].
type schema struct {
	asks  bool // kin-openapi, since it says something that acceptors don't know
	kind  jsontext.Kind
	parts []*schema // what holds at once: itself and, below it, all of its "allOf"

	isNullable bool // as kin-openapi has it
	takesNull  bool // as Go types have it, which take the null that no schema speaks of

	format format
	enum   []any
	unions [][]*schema // of "oneOf" and "anyOf"

	items    *schema
	members  map[string]member // its own and those of its parts, each with what this schema alone says of it
	required int               // how many members must be there
	extra    *schema           // what members without a name must be
}

type member struct {
	*schema

	isRequired bool
	bit        uint64 // marks that it was seen; 0 for those beyond the first 64
}

// anything is the schema of a value that no schema describes, forbidden that of a member that must not be there.
var (
	anything  = newAnything()
	forbidden = &schema{asks: true, takesNull: true, parts: anything.parts}
)

func newAnything() *schema {
	s := &schema{isNullable: true, takesNull: true}
	s.parts, s.items, s.extra = []*schema{s}, s, s
	return s
}

// kinds are those of JSON values, 't' for both booleans. 0 is any.
var kinds = map[string]jsontext.Kind{
	openapi3.TypeObject: '{', openapi3.TypeArray: '[', openapi3.TypeString: '"',
	openapi3.TypeNumber: '0', openapi3.TypeInteger: '0', openapi3.TypeBoolean: 't',
}

// typeOf returns the type of a schema's values, or "".
func typeOf(s *openapi3.Schema) string { return strings.Join(s.Type.Slice(), "") }

// schemas are those of a contract, compiled. [Parse] compiles all of them: calls only read.
type schemas map[*openapi3.Schema]*schema

// of returns a schema that [Parse] has compiled. It may be nil.
func (c schemas) of(ref *openapi3.SchemaRef) *schema {
	if ref == nil {
		return anything
	}
	return c[ref.Value]
}

func (c schemas) compile(ref *openapi3.SchemaRef) *schema {
	if ref == nil {
		return anything
	}
	from := ref.Value
	if s := c[from]; s != nil {
		return s
	}
	s := &schema{asks: !isKnown(from), kind: kinds[typeOf(from)], format: formats[typeOf(from)][from.Format], enum: from.Enum}
	c[from] = s // before it is complete: schemas may contain themselves
	s.items, s.extra = c.compile(from.Items), c.compile(from.AdditionalProperties.Schema)
	if has := from.AdditionalProperties.Has; has != nil && !*has {
		s.extra = forbidden
	}
	for _, union := range []openapi3.SchemaRefs{from.OneOf, from.AnyOf} {
		if len(union) > 0 {
			s.unions = append(s.unions, c.all(union))
		}
	}
	parts := withAllOf(nil, ref)
	s.parts, s.members = c.all(parts), make(map[string]member, len(from.Properties))
	s.isNullable, s.required = from.Nullable, len(from.Required)
	for _, part := range parts {
		s.takesNull = s.takesNull || part.Value.Nullable || part.Value.Type == nil
		for name := range part.Value.Properties {
			says := c.compile(cmp.Or(from.Properties[name], from.AdditionalProperties.Schema))
			s.members[name] = member{says, slices.Contains(from.Required, name), 1 << len(s.members)}
		}
	}
	return s
}

func (c schemas) all(refs openapi3.SchemaRefs) (all []*schema) {
	for _, ref := range refs {
		all = append(all, c.compile(ref))
	}
	return all
}

// isKnown reports whether acceptors know all that a schema says.
func isKnown(s *openapi3.Schema) bool {
	if s.Type == nil {
		return s.IsEmpty() // kin-openapi does not look at the value then
	}
	rest := *s
	rest.Extensions, rest.Origin, rest.Title, rest.Description, rest.ExternalDocs = nil, nil, "", "", nil
	rest.Default, rest.Example, rest.Deprecated, rest.XML = nil, nil, false, nil
	rest.ReadOnly, rest.WriteOnly = false, false // see prepare
	rest.Type, rest.Nullable, rest.Format, rest.Items = nil, false, "", nil
	rest.Properties, rest.Required, rest.AdditionalProperties = nil, nil, openapi3.AdditionalProperties{}
	if s.Type.Is(openapi3.TypeString) {
		rest.Enum = nil
	}
	return kinds[typeOf(s)] != 0 && reflect.ValueOf(rest).IsZero()
}

// is reports whether values may be of a kind.
func (s *schema) is(kind jsontext.Kind) bool {
	return s.kind == 0 || s.kind == kind || s.kind == 't' && kind == 'f'
}

// member returns what s says of a member. If s does not name the member, like is the name that differs from it in letter case
// alone, or "". Some decoders would take the one for the other.
func (s *schema) member(name []byte) (m member, like string) {
	if m, isNamed := s.members[string(name)]; isNamed {
		return m, ""
	}
	for other := range s.members {
		if strings.EqualFold(other, string(name)) {
			like = max(like, other)
		}
	}
	return member{schema: s.extra}, like
}
