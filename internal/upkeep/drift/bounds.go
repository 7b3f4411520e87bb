package drift

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// bounds compares the keywords that let less or more pass.
func (c *comparer) bounds(pointer string, a, b *openapi3.Schema) {
	c.limit(pointer, "minimum", 1, limitOf(a.Min, a.ExclusiveMin), limitOf(b.Min, b.ExclusiveMin))
	c.limit(pointer, "maximum", -1, limitOf(a.Max, a.ExclusiveMax), limitOf(b.Max, b.ExclusiveMax))
	c.limit(pointer, "minLength", 1, least1(a.MinLength), least1(b.MinLength))
	c.limit(pointer, "maxLength", -1, most(a.MaxLength), most(b.MaxLength))
	c.limit(pointer, "minItems", 1, least1(a.MinItems), least1(b.MinItems))
	c.limit(pointer, "maxItems", -1, most(a.MaxItems), most(b.MaxItems))
	c.limit(pointer, "minProperties", 1, least1(a.MinProps), least1(b.MinProps))
	c.limit(pointer, "maxProperties", -1, most(a.MaxProps), most(b.MaxProps))
	c.rule(pointer, "pattern", a.Pattern, b.Pattern)
	c.rule(pointer, "multipleOf", number(a.MultipleOf), number(b.MultipleOf))
	c.rule(pointer, "uniqueItems", yes(a.UniqueItems), yes(b.UniqueItems))
}

// limit is a bound of a value.
type limit struct {
	isSet, isExclusive bool
	value              float64
}

func limitOf(value *float64, exclusive openapi3.ExclusiveBound) limit {
	if value == nil {
		return limit{}
	}
	return limit{true, exclusive.IsTrue(), *value}
}

func least1(n uint64) limit { return limit{isSet: n > 0, value: float64(n)} }

func most(n *uint64) limit {
	if n == nil {
		return limit{}
	}
	return limit{isSet: true, value: float64(*n)}
}

func (l limit) String() string {
	switch {
	case !l.isSet:
		return none
	case l.isExclusive:
		return number(&l.value) + ", exclusive"
	default:
		return number(&l.value)
	}
}

// limit adds how a bound differs. A higher one lets less pass if sign is 1, and more if it is -1.
func (c *comparer) limit(pointer, keyword string, sign float64, a, b limit) {
	if a == b {
		return
	}
	kind := Wider
	if !a.isSet || b.isSet && (sign*b.value > sign*a.value || b.value == a.value && b.isExclusive) {
		kind = Narrower
	}
	c.add(pointer, kind, keyword, a.String(), b.String())
}

// rule adds how a keyword differs of which two values can't be told to let less or more pass; "" is none.
func (c *comparer) rule(pointer, keyword, a, b string) {
	if a == b {
		return
	}
	kind := Different
	switch "" {
	case a:
		kind = Narrower
	case b:
		kind = Wider
	}
	c.add(pointer, kind, keyword, cmp.Or(a, none), cmp.Or(b, none))
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

func yes(is bool) string {
	if is {
		return fmt.Sprint(is)
	}
	return ""
}
