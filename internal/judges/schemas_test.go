package judges_test

import (
	"math"
	"path"
	"slices"
	"strings"
	"testing"
)

// What a schema of OpenAPI 3.0 has, and its translation has as it is, or lacks since it says nothing of values, or has otherwise.
var (
	kept      = []string{"type", "enum", "pattern", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "multipleOf"}
	dropped   = []string{"title", "description", "default", "example", "deprecated", "externalDocs", "xml", "readOnly", "writeOnly"}
	elsewhere = []string{"exclusiveMinimum", "exclusiveMaximum", "format", "discriminator", "nullable"}
)

// ranges are the least and the greatest number of a format. An integer without one may have any size, here.
var ranges = map[string][2]any{
	"int8": {math.MinInt8, math.MaxInt8}, "int16": {math.MinInt16, math.MaxInt16}, "int32": {math.MinInt32, math.MaxInt32},
	"int64": {math.MinInt64, math.MaxInt64}, "int": {math.MinInt64, math.MaxInt64},
	"uint8": {0, math.MaxUint8}, "uint16": {0, math.MaxUint16}, "uint32": {0, math.MaxUint32},
	"uint64": {0, uint64(math.MaxUint64)}, "uint": {0, uint64(math.MaxUint64)},
	"float": {-math.MaxFloat32, math.MaxFloat32}, "double": {-math.MaxFloat64, math.MaxFloat64},
}

// translate makes a schema of JSON Schema 2020-12 of one of OpenAPI 3.0, which stands at a place. A keyword that it does not know
// fails the test.
func translate(t *testing.T, place string, in map[string]any) map[string]any {
	t.Helper()
	if ref, ok := in["$ref"].(string); ok { // beside which OpenAPI 3.0 ignores all else
		return map[string]any{"$ref": "#/$defs/" + path.Base(ref)}
	}
	inner := func(name string, schema any) any { return translate(t, place+"/"+name, as[map[string]any](t, schema)) }
	out := map[string]any{}
	for name, value := range in {
		switch {
		case slices.Contains(kept, name):
			out[name] = value
		case slices.Contains(dropped, name) || strings.HasPrefix(name, "x-"):
		case name == "items" || name == "not":
			out[name] = inner(name, value)
		case name == "additionalProperties":
			if out[name] = value; value != true && value != false {
				out[name] = inner(name, value)
			}
		case name == "properties":
			properties := map[string]any{}
			for name, schema := range as[map[string]any](t, value) {
				properties[name] = inner(name, schema)
			}
			out[name] = properties
		case name == "allOf" || name == "anyOf" || name == "oneOf":
			var schemas []any
			for _, schema := range as[[]any](t, value) {
				schemas = append(schemas, inner(name, schema))
			}
			out[name] = schemas
		case name == "required":
			out[name] = slices.DeleteFunc(slices.Clone(as[[]any](t, value)), func(name any) bool { return isOneWay(in, as[string](t, name)) })
		case name == "minimum" || name == "maximum":
			exclusive := "exclusive" + strings.ToUpper(name[:1]) + name[1:]
			if in[exclusive] == true {
				name = exclusive
			}
			out[name] = value
		case slices.Contains(elsewhere, name):
		default:
			t.Fatalf("%s: there is no translation of %q yet", place, name)
		}
	}
	name, _ := in["format"].(string)
	for keyword, value := range format(name) {
		if _, isNarrower := out[keyword]; !isNarrower {
			out[keyword] = value
		}
	}
	if of, ok := in["discriminator"].(map[string]any); ok {
		discriminate(t, out, of)
	}
	if in["nullable"] == true {
		return map[string]any{"anyOf": []any{out, map[string]any{"type": "null"}}}
	}
	return out
}

// isOneWay reports whether a required member is so in answers alone, or in requests.
func isOneWay(schema map[string]any, name string) bool {
	properties, _ := schema["properties"].(map[string]any)
	property, _ := properties[name].(map[string]any)
	return property["readOnly"] == true || property["writeOnly"] == true
}

func format(name string) map[string]any {
	of, isRange := ranges[name]
	switch {
	case name == "":
		return nil
	case isRange:
		return map[string]any{"minimum": of[0], "maximum": of[1]}
	case name == "byte":
		return map[string]any{"contentEncoding": "base64"}
	default:
		return map[string]any{"format": name}
	}
}

// discriminate has the value of a member choose one of a union's schemas.
func discriminate(t *testing.T, union, by map[string]any) {
	t.Helper()
	refs := map[string]string{} // by value
	for _, keyword := range []string{"oneOf", "anyOf"} {
		schemas, _ := union[keyword].([]any)
		delete(union, keyword)
		for _, schema := range schemas {
			ref := as[string](t, as[map[string]any](t, schema)["$ref"])
			refs[path.Base(ref)] = ref
		}
	}
	if mapping, ok := by["mapping"].(map[string]any); ok {
		clear(refs)
		for value, ref := range mapping {
			refs[value] = "#/$defs/" + path.Base(as[string](t, ref))
		}
	}
	member := as[string](t, by["propertyName"])
	var values, choices []any
	for value, ref := range refs {
		values = append(values, value)
		choices = append(choices, map[string]any{
			"if":   map[string]any{"properties": map[string]any{member: map[string]any{"const": value}}},
			"then": map[string]any{"$ref": ref},
		})
	}
	other, _ := union["allOf"].([]any)
	union["allOf"] = append(slices.Concat(other, choices), map[string]any{
		"required": []any{member}, "properties": map[string]any{member: map[string]any{"enum": values}},
	})
}

// as returns a value that has to be of a type.
func as[T any](t *testing.T, value any) T {
	t.Helper()
	of, ok := value.(T)
	if !ok {
		t.Fatalf("%v is a %T, and not a %T", value, value, of)
	}
	return of
}
