package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"
)

// replacer puts other values in the place of those of a JSON text: of the same kind, and the same for the same.
//
//	null                    stays
//	true, false             either
//	number                  as many digits, integer or decimal, with its sign; a first digit that is lower, so that it fits where it did
//	UUID, 32 hex digits     another one, with or without dashes as before; the two forms of one stay those of one
//	date, date-time         another one with as many digits of a fraction, and with Z, an offset or none as before
//	email address           some letters@example.com
//	URL                     the same scheme, example.com, other letters
//	a value of an enum      stays, since the contract has it
//	any other string        each letter and digit another of its class: lower, upper, digit; what is between them stays
//	a secret                [Secret]: what a member holds whose name speaks of a token, key, password or the like, and any string
//	                        that has such a value in it
//
// Names that the contract has stay. So does one that it does not have but that stands beside those it has, if it looks like a
// name, as it is what a record is to tell; all others, below it and in maps, are replaced as strings are.
type replacer struct {
	texts   map[string]string // what was put in the place of a string
	secrets []string
	public  map[string]bool // values of enums
	unnamed []string        // pointers to members that the contract does not name, but whose names stay
}

// Secret stands for each secret.
const Secret = "a-secret-was-here"

// replace returns the text with other values, indented. The schema is that of the value.
func (r *replacer) replace(text []byte, schema *openapi3.Schema) ([]byte, error) {
	r.texts, r.public = map[string]string{}, map[string]bool{}
	r.learnEnums(schema, map[*openapi3.Schema]bool{})
	if err := r.learnSecrets(text); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	from, to := jsontext.NewDecoder(bytes.NewReader(text)), jsontext.NewEncoder(&out, jsontext.WithIndent("  "))
	if err := r.value(from, to, schema, ""); err != nil {
		return nil, err
	}
	if _, err := from.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("there is more after the value, at byte %d", from.InputOffset())
	}
	return out.Bytes(), nil
}

// learnSecrets collects what members hold whose names speak of a secret.
func (r *replacer) learnSecrets(text []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		token, err := decoder.ReadToken()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if token.Kind() != '"' {
			continue
		}
		kind, n := decoder.StackIndex(decoder.StackDepth())
		isName := kind == '{' && n%2 == 1
		if value := token.String(); !isName && value != "" && speaksOfSecrets(decoder.StackPointer()) {
			r.secrets = append(r.secrets, value)
		}
	}
}

var secretName = regexp.MustCompile(`(?i)token|secret|passw|api_?-?key|credential|authorization|private_?key`)

// speaksOfSecrets reports whether one of the names that lead to a value does.
func speaksOfSecrets(pointer jsontext.Pointer) bool { return secretName.MatchString(string(pointer)) }

// learnEnums collects the values that the contract itself has.
func (r *replacer) learnEnums(s *openapi3.Schema, seen map[*openapi3.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	for _, v := range s.Enum {
		if text, ok := v.(string); ok {
			r.public[text] = true
		}
	}
	for _, ref := range children(s) {
		r.learnEnums(ref.Value, seen)
	}
}

func children(s *openapi3.Schema) []*openapi3.SchemaRef {
	all := alternatives(s)
	for _, ref := range s.Properties {
		all = append(all, ref)
	}
	for _, ref := range []*openapi3.SchemaRef{s.Items, s.AdditionalProperties.Schema} {
		if ref != nil {
			all = append(all, ref)
		}
	}
	return all
}

func alternatives(s *openapi3.Schema) []*openapi3.SchemaRef {
	var all []*openapi3.SchemaRef
	for _, refs := range []openapi3.SchemaRefs{s.AllOf, s.OneOf, s.AnyOf} {
		all = append(all, refs...)
	}
	return all
}

// member returns the schema of a member, and whether the object is one that has members with names at all.
func member(s *openapi3.Schema, name string) (m *openapi3.Schema, hasNames bool) {
	if s == nil {
		return nil, false
	}
	if ref := s.Properties[name]; ref != nil {
		return ref.Value, true
	}
	for _, ref := range alternatives(s) {
		found, has := member(ref.Value, name)
		if hasNames = hasNames || has; found != nil {
			return found, true
		}
	}
	return nil, hasNames || len(s.Properties) > 0
}

func items(s *openapi3.Schema) *openapi3.Schema {
	if s == nil {
		return nil
	}
	if s.Items != nil {
		return s.Items.Value
	}
	for _, ref := range alternatives(s) {
		if found := items(ref.Value); found != nil {
			return found
		}
	}
	return nil
}

// value copies a value. Below what the contract does not know, the schema is nil.
func (r *replacer) value(from *jsontext.Decoder, to *jsontext.Encoder, s *openapi3.Schema, pointer jsontext.Pointer) error {
	switch from.PeekKind() {
	case '{':
		return r.object(from, to, s, pointer)
	case '[':
		return r.array(from, to, s, pointer)
	}
	literal, err := from.ReadValue()
	if err != nil {
		return err
	}
	switch literal.Kind() {
	case '"':
		text, err := jsontext.AppendUnquote(nil, literal)
		if err != nil {
			return err
		}
		if string(text) != "" && speaksOfSecrets(pointer) {
			return to.WriteToken(jsontext.String(Secret))
		}
		return to.WriteToken(jsontext.String(r.text(string(text))))
	case '0':
		if speaksOfSecrets(pointer) {
			return to.WriteToken(jsontext.Int(0))
		}
		return to.WriteValue(r.number(literal))
	case 't', 'f':
		return to.WriteToken(jsontext.Bool(below(2) == 0))
	default:
		return to.WriteValue(literal)
	}
}

func (r *replacer) array(from *jsontext.Decoder, to *jsontext.Encoder, s *openapi3.Schema, pointer jsontext.Pointer) error {
	if err := copyToken(from, to); err != nil {
		return err
	}
	for from.PeekKind() != ']' {
		if err := r.value(from, to, items(s), pointer.AppendToken("*")); err != nil {
			return err
		}
	}
	return copyToken(from, to)
}

func (r *replacer) object(from *jsontext.Decoder, to *jsontext.Encoder, s *openapi3.Schema, pointer jsontext.Pointer) error {
	if err := copyToken(from, to); err != nil {
		return err
	}
	used := map[string]bool{}
	for from.PeekKind() != '}' {
		token, err := from.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		m, place := r.member(s, pointer, name)
		shown := place.LastToken()
		for used[shown] { // as may be of short names in maps
			shown += "x"
		}
		used[shown] = true
		if err := to.WriteToken(jsontext.String(shown)); err != nil {
			return err
		}
		if speaksOfSecrets(jsontext.Pointer("/" + name)) { // also where the name is replaced
			place = pointer.AppendToken("secret")
		}
		if err := r.value(from, to, m, place); err != nil {
			return err
		}
	}
	return copyToken(from, to)
}

// looksLikeAName is for names as programs have them.
var looksLikeAName = regexp.MustCompile(`^[A-Za-z_]{1,40}[0-9]{0,2}$`)

// member returns the schema of a member and where it stands in the copy.
func (r *replacer) member(s *openapi3.Schema, pointer jsontext.Pointer, name string) (*openapi3.Schema, jsontext.Pointer) {
	m, hasNames := member(s, name)
	switch {
	case m != nil:
		return m, pointer.AppendToken(name)
	case hasNames && looksLikeAName.MatchString(name) && !r.holdsSecret(name):
		place := pointer.AppendToken(name)
		if !slices.Contains(r.unnamed, string(place)) { // as it is of the next item of a list
			r.unnamed = append(r.unnamed, string(place))
		}
		return nil, place
	default:
		return r.further(s), pointer.AppendToken(r.text(name))
	}
}

// further returns the schema of the values of a map.
func (r *replacer) further(s *openapi3.Schema) *openapi3.Schema {
	if s == nil || s.AdditionalProperties.Schema == nil {
		return nil
	}
	return s.AdditionalProperties.Schema.Value
}

func copyToken(from *jsontext.Decoder, to *jsontext.Encoder) error {
	token, err := from.ReadToken()
	if err != nil {
		return err
	}
	return to.WriteToken(token)
}

func (r *replacer) holdsSecret(text string) bool {
	const long = 4 // what is shorter is in anything
	return slices.ContainsFunc(r.secrets, func(secret string) bool {
		return text == secret || len(secret) >= long && strings.Contains(text, secret)
	})
}
