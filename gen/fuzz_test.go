package gen_test

import (
	jsonv1 "encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// FuzzModels holds every document that decodes to what its members say: the unnamed ones stay, and so do the named ones
// but for a null where the contract has none, which is the same as absent.
func FuzzModels(f *testing.F) {
	f.Add(full)
	for _, place := range places {
		f.Add(fmt.Sprintf(place, `{"b":1e999,"a":[null,"\u003c\/"]}`))
	}
	f.Add(` { "id" : null , "organizationId" : null , "organization" : { "memory" : { "orderedDashboards" : [ null , "a" ] } } } `)
	f.Add(`{"Token":1,"createdOn":"2023-11-07t05:31:56z"}`)
	f.Add(`null`)
	all := schemas(f)
	f.Fuzz(func(t *testing.T, doc string) {
		for name, newModel := range models {
			m, byV1 := newModel(), newModel()
			err, errV1 := json.Unmarshal([]byte(doc), m), jsonv1.Unmarshal([]byte(doc), byV1)
			if (err == nil) != (errV1 == nil) {
				t.Fatalf("%s of %q: %v, but version 1 says %v", name, doc, err, errV1)
			}
			if err != nil {
				continue
			}
			if !reflect.DeepEqual(m, byV1) {
				t.Errorf("%s of %q: %s, but version 1 reads %s", name, doc, encode(t, m), encode(t, byV1))
			}
			checkRoundTrip(t, all[name].Value, newModel, doc)
		}
	})
}

// FuzzGeneratedModels does the same to documents that keep the contract, each made from a number.
func FuzzGeneratedModels(f *testing.F) {
	for seed := range uint64(200) {
		f.Add(seed)
	}
	all := schemas(f)
	f.Fuzz(func(t *testing.T, seed uint64) {
		for name, newModel := range models {
			g := generator{rand.New(rand.NewPCG(seed, 0))}
			doc := g.value(all[name].Value, 0)
			if err := all[name].Value.VisitJSON(parse(t, doc)); err != nil {
				t.Fatalf("seed %d: the generated document %s breaks the contract: %v", seed, doc, err)
			}
			checkRoundTrip(t, all[name].Value, newModel, doc)
		}
	})
}

func checkRoundTrip(t *testing.T, schema *openapi3.Schema, newModel func() model, doc string) {
	t.Helper()
	m := newModel()
	if err := json.Unmarshal([]byte(doc), m); err != nil {
		t.Fatalf("%T of %q: %v", m, doc, err)
	}
	once := encode(t, m)
	again := newModel()
	if err := json.Unmarshal([]byte(once), again); err != nil {
		t.Fatalf("%T of %q became %q: %v", m, doc, once, err)
	}
	if twice := encode(t, again); twice != once {
		t.Errorf("%T of %q became %q and then %q", m, doc, once, twice)
	}
	want, got := meaning(schema, parse(t, doc)), meaning(schema, parse(t, once))
	if want == nil {
		want = map[string]any{} // null empties a model
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%T of %q became %q", m, doc, once)
	}
}

// meaning returns value with date-times as instants, without members that are null where the contract has no null, and
// with "" for such an item of a list.
func meaning(schema *openapi3.Schema, value any) any {
	switch value := value.(type) {
	case string:
		if schema.Format == "date-time" {
			instant, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return err
			}
			return instant.UTC()
		}
	case []any:
		if schema.Items != nil {
			for i, item := range value {
				if value[i] = meaning(schema.Items.Value, item); item == nil {
					value[i] = ""
				}
			}
		}
	case map[string]any:
		for name, member := range value {
			property := schema.Properties[name]
			if property == nil {
				continue
			}
			if value[name] = meaning(property.Value, member); member == nil && !property.Value.Nullable {
				delete(value, name)
			}
		}
	}
	return value
}

// generator makes documents that a schema accepts.
type generator struct{ *rand.Rand }

func (g generator) value(s *openapi3.Schema, depth int) string {
	switch {
	case s.Nullable && g.IntN(4) == 0:
		return "null"
	case s.Type.Is(openapi3.TypeObject):
		return g.object(s, depth)
	case s.Type.Is(openapi3.TypeArray):
		return g.array(func() string { return g.value(s.Items.Value, depth+1) })
	case s.Type.Is(openapi3.TypeBoolean):
		return strconv.FormatBool(g.IntN(2) == 0)
	case s.Type.Is(openapi3.TypeInteger):
		return strconv.Itoa(int([]int32{0, 1, -1, 1<<31 - 1, -1 << 31, g.Int32(), -g.Int32()}[g.IntN(7)]))
	case s.Format == "date-time":
		zone := []*time.Location{time.UTC, time.FixedZone("", 60*(g.IntN(1439)-719))}[g.IntN(2)]
		layout := []string{time.RFC3339, time.RFC3339Nano, "2006-01-02T15:04:05.000Z07:00"}[g.IntN(3)]
		return strconv.Quote(time.Unix(g.Int64N(4e9), g.Int64N(1e9)).In(zone).Format(layout))
	case s.Format == "uuid":
		return strconv.Quote(uuid.NewSHA1(uuid.Nil, []byte(g.string())).String())
	case s.Type.Is(openapi3.TypeString):
		return g.string()
	default:
		return g.anything(depth)
	}
}

func (g generator) object(s *openapi3.Schema, depth int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if g.IntN(3) > 0 {
			parts = append(parts, g.space()+strconv.Quote(name)+g.space()+":"+g.space()+g.value(s.Properties[name].Value, depth+1))
		}
	}
	for i := range g.IntN(4) {
		name := fmt.Sprintf(`"%s%d"`, []string{"x", "ID", "é", `\u00e9`, `\/`, " ", "~/", "CreatedOn"}[g.IntN(8)], i)
		parts = append(parts, name+":"+g.space()+g.anything(depth+1))
	}
	g.Shuffle(len(parts), func(i, k int) { parts[i], parts[k] = parts[k], parts[i] })
	return "{" + strings.Join(parts, ",") + g.space() + "}"
}

func (g generator) array(item func() string) string {
	parts := make([]string, g.IntN(4))
	for i := range parts {
		parts[i] = item()
	}
	return "[" + g.space() + strings.Join(parts, ","+g.space()) + "]"
}

func (g generator) anything(depth int) string {
	if depth > 8 {
		return "null"
	}
	switch g.IntN(8) {
	case 0:
		return []string{"null", "true", "false"}[g.IntN(3)]
	case 1, 2:
		return g.number()
	case 3, 4:
		return g.string()
	case 5:
		return g.array(func() string { return g.anything(depth + 1) })
	default:
		return g.object(&openapi3.Schema{}, depth+1)
	}
}

func (g generator) number() string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0123456789"[g.IntN(10)])
		}
		return b.String()
	}
	n := []string{"", "-"}[g.IntN(2)] + []string{"0", strconv.Itoa(1+g.IntN(9)) + digits(g.IntN(30))}[g.IntN(2)]
	if g.IntN(2) == 0 {
		n += "." + digits(1+g.IntN(20))
	}
	if g.IntN(3) == 0 {
		n += []string{"e", "E"}[g.IntN(2)] + []string{"", "+", "-"}[g.IntN(3)] + digits(1+g.IntN(4))
	}
	return n
}

func (g generator) string() string {
	var b strings.Builder
	b.WriteByte('"')
	for range g.IntN(8) {
		b.WriteString([]string{
			"a", "é", "😀", "<", "&", " ", `\"`, `\\`, `\/`, `\n`, `\u0000`, `\u003c`, `\u00E9`, `\ud83d\ude00`, "\u2028", `\u2029`,
		}[g.IntN(16)])
	}
	b.WriteByte('"')
	return b.String()
}

func (g generator) space() string { return []string{"", "", " ", "\n\t", "\r"}[g.IntN(5)] }
