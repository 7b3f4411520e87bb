package judges_test

import (
	"bytes"
	"cmp"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// rule says why the judge accepts what the contract refuses. It looks at the document alone, not at its name.
type rule struct {
	refused, why string

	explains func(d document, schema *jsonschema.Schema) bool
}

var rules = []rule{
	{"text that is not UTF-8, or half of a surrogate pair", "JSON Schema judges what was decoded, where it has become U+FFFD",
		func(d document, _ *jsonschema.Schema) bool {
			return isJSONOnlyWith(d.body, jsontext.AllowInvalidUTF8(true))
		}},
	{"a member name that is repeated", "JSON Schema judges what was decoded, where the last one is left",
		func(d document, _ *jsonschema.Schema) bool {
			return isJSONOnlyWith(d.body, jsontext.AllowDuplicateNames(true))
		}},
	{"a member name that differs in letter case alone", "a name that no schema has is free", func(d document, s *jsonschema.Schema) bool {
		at := strings.LastIndexByte(d.pointer, '/')
		if at < 0 {
			return false
		}
		parent, last := within(s, d.pointer[:at]), d.pointer[at+1:]
		return parent != nil && parent.Properties[last] == nil && hasFold(parent.Properties, last)
	}},
	{"an integer that is written with a fraction or an exponent", "1.0 and 1e3 are integers", func(d document, _ *jsonschema.Schema) bool {
		literal := literalAt(d)
		value, ok := new(big.Rat).SetString(literal)
		return ok && value.IsInt() && strings.ContainsAny(literal, ".eE") && isFloat64(literal)
	}},
	{"an integer without a format, beyond 64 bits", "a number may have any size", func(d document, _ *jsonschema.Schema) bool {
		literal := literalAt(d)
		_, isInteger := new(big.Int).SetString(literal, 10)
		_, err := strconv.ParseInt(literal, 10, 64)
		return isInteger && err != nil
	}},
	{"a number without a format, beyond 64 bits", "a number may have any size", func(d document, _ *jsonschema.Schema) bool {
		_, isNumber := new(big.Rat).SetString(literalAt(d))
		return isNumber && !isFloat64(literalAt(d))
	}},
	{"null where a schema names no type", "such a schema takes any value", func(d document, s *jsonschema.Schema) bool {
		at := within(s, d.pointer)
		return literalAt(d) == "null" && at != nil && at.Types == nil && at.AnyOf == nil
	}},
	{"second 60 of a date-time", "RFC 3339 has leap seconds, `time.Time` has none", func(d document, _ *jsonschema.Schema) bool {
		literal := literalAt(d)
		return !isTime(literal) && isTime(strings.Replace(literal, ":60Z", ":59Z", 1))
	}},
	{"a date-time with a small t or z", "RFC 3339 permits it, `time.Time` does not", func(d document, _ *jsonschema.Schema) bool {
		literal := literalAt(d)
		return !isTime(literal) && isTime(strings.ToUpper(literal))
	}},
}

// isJSONOnlyWith reports whether body is JSON with this leniency and is none without.
func isJSONOnlyWith(body []byte, leniency jsontext.Options) bool {
	return !jsontext.Value(body).IsValid() && jsontext.Value(body).IsValid(leniency)
}

// literalAt returns the string, the number or the word to which a document's pointer points.
func literalAt(d document) (literal string) {
	dec := jsontext.NewDecoder(bytes.NewReader(d.body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return literal
		}
		if string(dec.StackPointer()) == d.pointer {
			literal = token.String() // of a member the name, then the value
		}
	}
}

// within returns the schema of what a pointer points to, or nil where a union or a list of schemas is on the way.
func within(s *jsonschema.Schema, pointer string) *jsonschema.Schema {
	for name := range jsontext.Pointer(pointer).Tokens() {
		extra, _ := resolve(s).AdditionalProperties.(*jsonschema.Schema)
		if s = cmp.Or(resolve(s).Properties[name], extra, resolve(s).Items2020); s == nil {
			return nil
		}
	}
	return resolve(s)
}

func resolve(s *jsonschema.Schema) *jsonschema.Schema {
	for s.Ref != nil {
		s = s.Ref
	}
	return s
}

func hasFold(properties map[string]*jsonschema.Schema, name string) bool {
	for property := range properties {
		if strings.EqualFold(property, name) {
			return true
		}
	}
	return false
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

func isFloat64(literal string) bool {
	_, err := strconv.ParseFloat(literal, 64)
	return err == nil
}
