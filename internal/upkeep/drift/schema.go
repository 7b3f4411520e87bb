package drift

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// schema compares what two schemas say of the value at a place.
func (c *comparer) schema(pointer string, ours, theirs *openapi3.SchemaRef) {
	a, b := c.plains.of(ours), c.plains.of(theirs)
	pair := [2]*openapi3.Schema{a, b}
	if a == b || c.seen[pair] {
		return
	}
	c.seen[pair] = true
	if as, bs := alternatives(a), alternatives(b); len(as) > 0 || len(bs) > 0 {
		c.alternatives(pointer, "alternative", orElse(as, ours), orElse(bs, theirs))
		if len(as) == 0 || len(bs) == 0 {
			return
		}
	}
	if !c.types(pointer, a, b) {
		return
	}
	c.formats(pointer, a.Format, b.Format)
	c.enums(pointer, a.Enum, b.Enum)
	c.bounds(pointer, a, b)
	c.members(pointer, a, b)
	c.further(pointer+"/*", a.AdditionalProperties, b.AdditionalProperties)
	c.schema(pointer+"/*", a.Items, b.Items)
	c.alternatives(pointer, "allOf", a.AllOf, b.AllOf)
	c.others(pointer, a, b)
}

func alternatives(s *openapi3.Schema) openapi3.SchemaRefs { return slices.Concat(s.OneOf, s.AnyOf) }

func orElse(refs openapi3.SchemaRefs, ref *openapi3.SchemaRef) openapi3.SchemaRefs {
	if len(refs) == 0 {
		return openapi3.SchemaRefs{ref}
	}
	return refs
}

// alternatives compares the schemas of a union without regard to their order. Of one that changed it says what.
func (c *comparer) alternatives(pointer, keyword string, ours, theirs openapi3.SchemaRefs) {
	left := slices.Clone(theirs)
	var gone openapi3.SchemaRefs
	for _, our := range ours {
		if i := slices.IndexFunc(left, func(their *openapi3.SchemaRef) bool { return c.same(our, their) }); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			gone = append(gone, our)
		}
	}
	if len(gone) == 1 && len(left) == 1 && len(ours) == len(theirs) {
		c.schema(pointer, gone[0], left[0])
		return
	}
	c.sets(pointer, keyword, c.describe(gone), c.describe(left))
}

// same reports whether two schemas do not differ.
func (c *comparer) same(ours, theirs *openapi3.SchemaRef) bool {
	sub := *c
	sub.found, sub.seen = nil, maps.Clone(c.seen)
	sub.schema("", ours, theirs)
	return len(sub.found) == 0
}

func (c *comparer) describe(refs openapi3.SchemaRefs) []string {
	var all []string
	for _, ref := range refs {
		name := c.describeOne(ref)
		if ref != nil && ref.Ref != "" {
			name = path.Base(ref.Ref)
		}
		all = append(all, name)
	}
	return all
}

func (c *comparer) describeOne(ref *openapi3.SchemaRef) string {
	return typeNames(c.plains.of(ref))
}

func typeNames(s *openapi3.Schema) string {
	switch {
	case s.Type != nil:
		return strings.Join(*s.Type, "|")
	case len(alternatives(s)) > 0:
		return "one of several"
	default:
		return anyType
	}
}

const anyType = "any"

// types reports whether there is a type in common, without which there is nothing more to compare.
func (c *comparer) types(pointer string, a, b *openapi3.Schema) bool {
	isCommon := true
	if ours, theirs := typeNames(a), typeNames(b); ours != theirs {
		kind := Different
		switch {
		case a.Type == nil || b.Type != nil && includes(a.Type, b.Type):
			kind = Narrower
		case b.Type == nil || includes(b.Type, a.Type):
			kind = Wider
		}
		c.add(pointer, kind, "type", ours, theirs)
		isCommon = kind != Different && a.Type != nil && b.Type != nil || len(a.Properties) > 0 && len(b.Properties) > 0
	}
	areBothAny := a.Type == nil && b.Type == nil
	if areBothAny && c.ours.IsOpenAPI31OrLater() != c.theirs.IsOpenAPI31OrLater() {
		return isCommon // of a schema without a type 3.1 says that null is a value, and 3.0 that it is none
	}
	switch {
	case a.Nullable && !b.Nullable:
		c.add(pointer, Narrower, "nullable", "yes", "no")
	case !a.Nullable && b.Nullable:
		c.add(pointer, Wider, "nullable", "no", "yes")
	}
	return isCommon
}

// includes reports whether each type of b is one of a.
func includes(a, b *openapi3.Types) bool { return slices.Equal(*mergeTypes(b, a), *b) }

// rising are formats whose values are all values of the next.
var rising = [][]string{{"int8", "int16", "int32", "int64"}, {"float", "double"}}

// isWider reports whether all values of a format are values of another.
func isWider(a, b string) bool {
	return slices.ContainsFunc(rising, func(formats []string) bool {
		i := slices.Index(formats, a)
		return i >= 0 && slices.Index(formats, b) > i
	})
}

func (c *comparer) formats(pointer, a, b string) {
	if a == b {
		return
	}
	kind := Different
	switch {
	case a == "" || isWider(b, a):
		kind = Narrower
	case b == "" || isWider(a, b):
		kind = Wider
	}
	c.add(pointer, kind, "format", cmp.Or(a, none), cmp.Or(b, none))
}

// texts returns values as JSON.
func texts(values []any) []string {
	var all []string
	for _, v := range values {
		text, err := json.Marshal(v)
		if err != nil {
			text = fmt.Append(nil, v)
		}
		all = append(all, string(text))
	}
	return all
}

func (c *comparer) enums(pointer string, a, b []any) {
	ours, theirs := texts(a), texts(b)
	switch {
	case a == nil && b == nil:
	case a == nil:
		c.add(pointer, Narrower, "enum", none, strings.Join(theirs, ", "))
	case b == nil:
		c.add(pointer, Wider, "enum", strings.Join(ours, ", "), none)
	default:
		gone := slices.DeleteFunc(slices.Clone(ours), func(s string) bool { return slices.Contains(theirs, s) })
		added := slices.DeleteFunc(theirs, func(s string) bool { return slices.Contains(ours, s) })
		c.sets(pointer, "enum", gone, added)
	}
}

// members compares the members that have a name. One that is new, and that every value must have, is taken for less.
func (c *comparer) members(pointer string, a, b *openapi3.Schema) {
	must, mustToo := c.requiredOf(a), c.requiredOf(b)
	names := slices.Concat(slices.Collect(maps.Keys(a.Properties)), slices.Collect(maps.Keys(b.Properties)), must, mustToo)
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		place := pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		our, their := a.Properties[name], b.Properties[name]
		isRequired, isRequiredToo := slices.Contains(must, name), slices.Contains(mustToo, name)
		switch {
		case our != nil && their == nil:
			c.add(place, Narrower, "member", c.describeOne(our), none)
		case our == nil && their != nil && isRequiredToo:
			c.add(place, Narrower, "member", none, c.describeOne(their)+", required")
		case our == nil && their != nil:
			c.add(place, Wider, "member", none, c.describeOne(their))
		default:
			c.required(place, isRequired, isRequiredToo)
			c.schema(place, our, their)
		}
	}
}

// requiredOf returns the members that each value must have in both directions.
func (c *comparer) requiredOf(s *openapi3.Schema) []string {
	return slices.DeleteFunc(slices.Clone(s.Required), func(name string) bool {
		member := c.plains.of(s.Properties[name])
		return member.ReadOnly || member.WriteOnly
	})
}

// further compares what members without a name may be.
func (c *comparer) further(pointer string, a, b openapi3.BoolSchema) {
	ours, theirs := c.describeFurther(a), c.describeFurther(b)
	switch {
	case a.Schema != nil && b.Schema != nil:
		c.schema(pointer, a.Schema, b.Schema)
	case ours == theirs:
	case ours == none || theirs == anyType:
		c.add(pointer, Wider, "further members", ours, theirs)
	default:
		c.add(pointer, Narrower, "further members", ours, theirs)
	}
}

func (c *comparer) describeFurther(s openapi3.BoolSchema) string {
	switch {
	case s.Schema != nil:
		return c.describeOne(s.Schema)
	case s.Has != nil: // a plain schema does not say true
		return none
	default:
		return anyType
	}
}

// others compares the keywords that few documents use. What differs within one of them differs as a whole.
func (c *comparer) others(pointer string, a, b *openapi3.Schema) {
	ours, theirs := subschemas(a), subschemas(b)
	either := maps.Clone(ours)
	maps.Copy(either, theirs)
	for _, keyword := range slices.Sorted(maps.Keys(either)) {
		our, their := ours[keyword], theirs[keyword]
		switch {
		case our == nil:
			c.add(pointer, Narrower, keyword, none, "present")
		case their == nil:
			c.add(pointer, Wider, keyword, "present", none)
		case !c.same(our, their):
			c.add(pointer, Different, keyword, "one schema", "another")
		}
	}
	if x, y := rest(a), rest(b); x != y {
		c.add(pointer, Different, "other keywords", cmp.Or(x, none), cmp.Or(y, none))
	}
}

// subschemas returns the schemas of rare keywords, by keyword and name.
func subschemas(s *openapi3.Schema) map[string]*openapi3.SchemaRef {
	all := map[string]*openapi3.SchemaRef{
		"not": s.Not, "contains": s.Contains, "propertyNames": s.PropertyNames, "if": s.If, "then": s.Then, "else": s.Else,
		"contentSchema": s.ContentSchema, "unevaluatedItems": s.UnevaluatedItems.Schema, "unevaluatedProperties": s.UnevaluatedProperties.Schema,
	}
	for name, ref := range s.PatternProperties {
		all["patternProperties "+name] = ref
	}
	for name, ref := range s.DependentSchemas {
		all["dependentSchemas "+name] = ref
	}
	for i, ref := range s.PrefixItems {
		all[fmt.Sprint("prefixItems ", i)] = ref
	}
	maps.DeleteFunc(all, func(_ string, ref *openapi3.SchemaRef) bool { return ref == nil })
	return all
}

// rest returns the rare keywords that hold no schema, as JSON; "" if there are none.
func rest(s *openapi3.Schema) string {
	text, err := json.Marshal(openapi3.Schema{
		Always: s.Always, MinContains: s.MinContains, MaxContains: s.MaxContains, DependentRequired: s.DependentRequired,
		DynamicRef: s.DynamicRef, ContentEncoding: s.ContentEncoding,
		UnevaluatedItems:      openapi3.BoolSchema{Has: s.UnevaluatedItems.Has},
		UnevaluatedProperties: openapi3.BoolSchema{Has: s.UnevaluatedProperties.Has},
	})
	if err != nil {
		return err.Error()
	}
	if string(text) == "{}" {
		return ""
	}
	return string(text)
}
