package drift

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// plains are schemas in the one spelling that is compared, by the schemas as they were written: as OpenAPI 3.0 writes them, with
// "allOf" merged and without texts. Of an "allOf" stays what can't be merged.
type plains map[*openapi3.Schema]*openapi3.Schema

var anything = &openapi3.Schema{}

func (all plains) of(ref *openapi3.SchemaRef) *openapi3.Schema {
	if ref == nil || ref.Value == nil {
		return anything
	}
	if p := all[ref.Value]; p != nil {
		return p
	}
	p := &openapi3.Schema{}
	all[ref.Value] = p // before it is made, for a schema that is a part of itself
	*p = withoutTexts(*ref.Value)

	parts, nullable := p.AllOf, p.Nullable
	p.AllOf = nil
	for _, union := range []*openapi3.SchemaRefs{&p.OneOf, &p.AnyOf} {
		rest := slices.DeleteFunc(slices.Clone(*union), isNull)
		nullable = nullable || len(rest) < len(*union)
		if *union = rest; len(rest) <= 1 {
			parts, *union = append(slices.Clip(parts), rest...), nil
		}
	}
	nullable = spell(p) || nullable

	if len(parts) == 1 && isBare(*p) {
		*p = *all.of(parts[0])
		p.Nullable = p.Nullable || nullable
		return p
	}
	typed, allNullable := p.Type != nil, true
	for _, part := range parts {
		q := all.of(part)
		if q.Type != nil && !typed {
			allNullable = allNullable && q.Nullable
		}
		merge(p, q)
	}
	p.Nullable = nullable || p.Type != nil && !typed && allNullable
	return p
}

// withoutTexts returns a schema without what says nothing of a value.
func withoutTexts(s openapi3.Schema) openapi3.Schema {
	s.Extensions, s.Origin, s.Title, s.Description, s.Default, s.Example, s.Examples = nil, nil, "", "", nil, nil, nil
	s.ExternalDocs, s.Deprecated, s.XML, s.Discriminator, s.AllowEmptyValue = nil, false, nil, nil, false
	s.Defs, s.SchemaDialect, s.Comment, s.SchemaID, s.Anchor, s.DynamicAnchor = nil, "", "", "", "", ""
	return s
}

func isNull(ref *openapi3.SchemaRef) bool {
	s := ref.Value
	return s != nil && (s.Type.Is(openapi3.TypeNull) || len(s.Enum) == 1 && s.Enum[0] == nil)
}

// spell writes what OpenAPI 3.1 writes otherwise as OpenAPI 3.0 does, and reports whether the types have null among them.
func spell(p *openapi3.Schema) bool {
	hasNull := slices.Contains(p.Type.Slice(), openapi3.TypeNull) && (len(p.Enum) == 0 || slices.Contains(p.Enum, nil))
	if types := slices.DeleteFunc(slices.Clone(p.Type.Slice()), func(s string) bool { return s == openapi3.TypeNull }); len(types) > 0 {
		slices.Sort(types)
		p.Type = (*openapi3.Types)(&types)
	}
	if p.Const != nil {
		p.Enum, p.Const = []any{p.Const}, nil
	}
	hasNull = hasNull || p.Type == nil && slices.Contains(p.Enum, nil)
	p.Enum = slices.DeleteFunc(slices.Clone(p.Enum), func(v any) bool { return v == nil })
	if len(p.Enum) == 0 {
		p.Enum = nil
	} else if p.Type == nil {
		p.Type = typeOf(p.Enum)
	}
	p.Min, p.ExclusiveMin = bound(p.Min, p.ExclusiveMin, 1)
	p.Max, p.ExclusiveMax = bound(p.Max, p.ExclusiveMax, -1)
	switch {
	case p.ContentEncoding == "base64":
		p.Format, p.ContentEncoding = cmp.Or(p.Format, "byte"), ""
	case p.ContentMediaType == "application/octet-stream":
		p.Format = cmp.Or(p.Format, "binary")
	}
	p.ContentMediaType = ""
	for _, s := range []*openapi3.BoolSchema{&p.AdditionalProperties, &p.UnevaluatedProperties, &p.UnevaluatedItems} {
		if s.Has != nil && *s.Has || isAnything(s.Schema) {
			*s = openapi3.BoolSchema{}
		}
	}
	if p.AdditionalProperties == (openapi3.BoolSchema{}) {
		p.AdditionalProperties, p.UnevaluatedProperties = p.UnevaluatedProperties, openapi3.BoolSchema{}
	}
	if isAnything(p.Items) {
		p.Items = nil
	}
	if p.Always != nil && *p.Always {
		p.Always = nil
	}
	return hasNull
}

// typeOf returns the type that values have in common, which need not be written beside them; nil if there is none.
func typeOf(values []any) *openapi3.Types {
	var types openapi3.Types
	for _, value := range values {
		switch value := value.(type) {
		case string:
			types = append(types, openapi3.TypeString)
		case bool:
			types = append(types, openapi3.TypeBoolean)
		case float64:
			if value == math.Trunc(value) {
				types = append(types, openapi3.TypeInteger)
			} else {
				types = append(types, openapi3.TypeNumber)
			}
		case []any:
			types = append(types, openapi3.TypeArray)
		default:
			types = append(types, openapi3.TypeObject)
		}
	}
	slices.Sort(types)
	switch types = slices.Compact(types); {
	case slices.Equal(types, openapi3.Types{openapi3.TypeInteger, openapi3.TypeNumber}):
		types = openapi3.Types{openapi3.TypeNumber}
	case len(types) > 1:
		return nil
	}
	return &types
}

// isAnything reports whether a schema is there and says nothing.
func isAnything(ref *openapi3.SchemaRef) bool {
	if ref == nil || ref.Value == nil {
		return false
	}
	return ref.Value.Always != nil && *ref.Value.Always || isBare(*ref.Value)
}

func isBare(s openapi3.Schema) bool {
	s.Nullable = false
	return len(s.Properties) == 0 && s.Items == nil && s.IsEmpty()
}

// bound returns a bound and whether it is exclusive. Of two the one counts that lets less pass: sign is 1 for a minimum.
func bound(inclusive *float64, exclusive openapi3.ExclusiveBound, sign float64) (*float64, openapi3.ExclusiveBound) {
	if v := exclusive.Value; v != nil && (inclusive == nil || sign**v >= sign**inclusive) {
		return v, openapi3.ExclusiveBound{Bool: new(true)}
	}
	if inclusive != nil && exclusive.IsTrue() {
		return inclusive, openapi3.ExclusiveBound{Bool: new(true)}
	}
	return inclusive, openapi3.ExclusiveBound{}
}

// merge adds to p what q demands besides.
func merge(p, q *openapi3.Schema) {
	if len(q.OneOf)+len(q.AnyOf)+len(q.AllOf)+len(subschemas(q)) > 0 || rest(q) != "" {
		p.AllOf = append(p.AllOf, &openapi3.SchemaRef{Value: q})
		return
	}
	p.Type = mergeTypes(p.Type, q.Type)
	p.Format, p.Pattern = mergeTexts(p.Format, q.Format), mergeTexts(p.Pattern, q.Pattern)
	switch {
	case p.Enum == nil:
		p.Enum = q.Enum
	case q.Enum != nil:
		p.Enum = slices.DeleteFunc(slices.Clone(p.Enum), func(v any) bool { return !slices.Contains(texts(q.Enum), texts([]any{v})[0]) })
	}
	if isStronger(q.Min, p.Min, 1) || equal(q.Min, p.Min) && q.ExclusiveMin.IsTrue() {
		p.Min, p.ExclusiveMin = q.Min, q.ExclusiveMin
	}
	if isStronger(q.Max, p.Max, -1) || equal(q.Max, p.Max) && q.ExclusiveMax.IsTrue() {
		p.Max, p.ExclusiveMax = q.Max, q.ExclusiveMax
	}
	p.MultipleOf = cmp.Or(p.MultipleOf, q.MultipleOf)
	p.MinLength, p.MaxLength = max(p.MinLength, q.MinLength), least(p.MaxLength, q.MaxLength)
	p.MinItems, p.MaxItems = max(p.MinItems, q.MinItems), least(p.MaxItems, q.MaxItems)
	p.MinProps, p.MaxProps = max(p.MinProps, q.MinProps), least(p.MaxProps, q.MaxProps)
	p.UniqueItems = p.UniqueItems || q.UniqueItems
	p.Items = both(p.Items, q.Items)
	p.Required = slices.Concat(p.Required, q.Required)
	members := maps.Clone(p.Properties)
	if members == nil {
		members = openapi3.Schemas{}
	}
	for name, ref := range q.Properties {
		members[name] = both(members[name], ref)
	}
	p.Properties = members
	if has := q.AdditionalProperties.Has; has != nil || p.AdditionalProperties == (openapi3.BoolSchema{}) {
		p.AdditionalProperties = q.AdditionalProperties
	}
}

// both returns a schema that demands what each of two does.
func both(a, b *openapi3.SchemaRef) *openapi3.SchemaRef {
	if a == nil || b == nil || a.Value == b.Value {
		return cmp.Or(a, b)
	}
	return &openapi3.SchemaRef{Value: &openapi3.Schema{AllOf: openapi3.SchemaRefs{a, b}}}
}

func mergeTypes(a, b *openapi3.Types) *openapi3.Types {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	var common openapi3.Types
	for _, name := range *a {
		switch {
		case slices.Contains(*b, name), name == openapi3.TypeInteger && slices.Contains(*b, openapi3.TypeNumber):
			common = append(common, name)
		case name == openapi3.TypeNumber && slices.Contains(*b, openapi3.TypeInteger):
			common = append(common, openapi3.TypeInteger)
		}
	}
	return &common
}

func mergeTexts(a, b string) string {
	if a == b || a == "" || b == "" {
		return cmp.Or(a, b)
	}
	both := []string{a, b}
	slices.Sort(both)
	return strings.Join(both, " and ")
}

// isStronger reports whether bound a lets less pass than b; sign is 1 for a minimum.
func isStronger(a, b *float64, sign float64) bool {
	return a != nil && (b == nil || sign**a > sign**b)
}

func equal(a, b *float64) bool { return a != nil && b != nil && *a == *b }

func least(a, b *uint64) *uint64 {
	if a == nil || b == nil || *a < *b {
		return cmp.Or(a, b)
	}
	return b
}
