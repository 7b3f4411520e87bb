package contract

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
)

// knownSchemas have each keyword that acceptors know, by a name for the tests.
const knownSchemas = `{
	"string":   {"type": "string"},
	"nullable": {"type": "string", "nullable": true},
	"enum":     {"type": "string", "enum": ["a", "b\\c", ""]},
	"spelled":  {"type": "string", "enum": ["a\\u0062"]},
	"both":     {"type": "string", "enum": ["a", 1]},
	"choice":   {"type": "string", "nullable": true, "enum": ["a", null]},
	"moment":   {"type": "string", "format": "date-time"},
	"uuid":     {"type": "string", "format": "uuid", "nullable": true},
	"byte":     {"type": "string", "format": "byte"},
	"date":     {"type": "string", "format": "date"},
	"password": {"type": "string", "format": "password"},
	"int8":     {"type": "integer", "format": "int8"},
	"int32":    {"type": "integer", "format": "int32"},
	"int64":    {"type": "integer"},
	"uint64":   {"type": "integer", "format": "uint64"},
	"float":    {"type": "number", "format": "float"},
	"double":   {"type": "number"},
	"boolean":  {"type": "boolean"},
	"anything": {},
	"array":    {"type": "array", "items": {"type": "integer", "format": "int32"}},
	"list":     {"type": "array", "items": {}},
	"open":     {"type": "object", "additionalProperties": true, "properties": {"a": {"type": "string"}, "B": {"type": "boolean"}}},
	"silent":   {"type": "object", "properties": {"a": {"type": "string", "readOnly": true}}},
	"closed":   {"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string"}}},
	"required": {"type": "object", "required": ["a", "b"], "properties": {"a": {"type": "string"}, "b": {"type": "integer"}, "c": {}}},
	"typed":    {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string", "format": "date-time"}}},
	"empty":    {"type": "object", "additionalProperties": {}},
	"partial":  {"type": "object", "properties": {"a": {"type": "string", "pattern": "^a$"}, "b": {"type": "string"}}}
}`

// parseSchemas returns prepared schemas.
func parseSchemas(tb testing.TB, text string) map[string]*openapi3.SchemaRef {
	tb.Helper()
	doc, err := openapi3.NewLoader().LoadFromData([]byte(`{"openapi": "3.0.3", "components": {"schemas": ` + text + `}}`))
	if err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	prepare(doc)
	return doc.Components.Schemas
}

// checkAcceptance fails if what an acceptor accepts is refused by the slow way.
func checkAcceptance(t *testing.T, o *Operation, ref *openapi3.SchemaRef, body []byte) {
	t.Helper()
	if o.contract.schemas.compile(ref).accepts(body) {
		if found := slowly(o, ref, body); found != nil {
			t.Fatalf("%q is accepted, but %v", body, found)
		}
	}
}

// slowly returns what kin-openapi, and what is checked besides, say of a body.
func slowly(o *Operation, ref *openapi3.SchemaRef, body []byte) []Violation {
	var f findings
	value, broken := decode(body)
	if broken != nil {
		return []Violation{*broken}
	}
	o.contract.checkValue(&f, ref, value, len(body))
	return f.list
}

// TestExamplesAreAccepted shows that good bodies go the fast way.
func TestExamplesAreAccepted(t *testing.T) {
	t.Parallel()
	o := shipped(t)
	for _, file := range glob(t, "../../api/examples/*.json") {
		if !o.contract.schemas.of(o.request.Content[jsonType].Schema).accepts(readFile(t, file)) {
			t.Errorf("%s is not accepted", file)
		}
	}
}

func TestWhatAcceptorsDoNotKnowTheyRefuse(t *testing.T) {
	t.Parallel()
	bodies := []string{`"a"`, `""`, `1`, `0`, `[]`, `[1]`, `{}`, `{"a":"a"}`, `{"a":1}`, `null`, `true`, `{"a":["a"]}`}
	for name, s := range parseSchemas(t, `{
		"minLength":     {"type": "string", "minLength": 1},
		"maxLength":     {"type": "string", "maxLength": 1},
		"pattern":       {"type": "string", "pattern": "a"},
		"minimum":       {"type": "integer", "minimum": 0},
		"maximum":       {"type": "number", "maximum": 0},
		"multipleOf":    {"type": "number", "multipleOf": 2},
		"minItems":      {"type": "array", "items": {}, "minItems": 1},
		"uniqueItems":   {"type": "array", "items": {}, "uniqueItems": true},
		"minProperties": {"type": "object", "minProperties": 1},
		"maxProperties": {"type": "object", "maxProperties": 1},
		"oneOf":         {"oneOf": [{"type": "string"}]},
		"anyOf":         {"anyOf": [{"type": "string"}]},
		"allOf":         {"allOf": [{"type": "string"}]},
		"not":           {"not": {"type": "string"}},
		"no type":       {"properties": {"a": {"type": "string"}}},
		"nullable":      {"nullable": true},
		"enum of 1":     {"type": "integer", "enum": [1]},
		"enum of null":  {"type": "integer", "nullable": true, "enum": [null]},
		"enum of type":  {"type": "object", "enum": ["a"]},
		"unnamed":       {"type": "object", "required": ["a"]},
		"unknown type":  {"type": "file"}
	}`) {
		all := schemas{}
		for _, body := range bodies {
			if all.compile(s).accepts([]byte(body)) {
				t.Errorf("%s: %s is accepted", name, body)
			}
		}
	}
}

func TestASchemaMayContainItself(t *testing.T) {
	t.Parallel()
	refs := parseSchemas(t, `{
		"List": {"type": "object", "properties": {"value": {"type": "string"}, "next": {"$ref": "#/components/schemas/List"}, "odd": {"$ref": "#/components/schemas/Odd"}}},
		"Odd":  {"type": "object", "minProperties": 1, "properties": {"list": {"$ref": "#/components/schemas/List"}}}
	}`)
	for _, first := range []string{"List", "Odd"} { // in whichever order they are compiled
		all := schemas{}
		all.compile(refs[first])
		list, odd := all.compile(refs["List"]), all.compile(refs["Odd"])
		if !list.accepts([]byte(`{"value":"a","next":{"value":"b","next":{}}}`)) || list.accepts([]byte(`{"next":{"next":[]}}`)) {
			t.Error("a list is not followed")
		}
		if odd.accepts([]byte(`{"list":{}}`)) || list.accepts([]byte(`{"next":{"odd":{"list":{}}}}`)) {
			t.Error("what acceptors don't know is accepted")
		}
		if len(all) != 3 {
			t.Errorf("%d schemas", len(all))
		}
	}
}

// TestWhatAcceptorsAccept has what they say of plain cases, each of which is also held against kin-openapi.
func TestWhatAcceptorsAccept(t *testing.T) {
	t.Parallel()
	schemas, o := parseSchemas(t, knownSchemas), shipped(t)
	for _, tt := range []struct {
		schema  string
		yes, no []string
		slow    []string // no here, but yes by kin-openapi
	}{
		{schema: "string", yes: []string{`""`, `"a"`, `"\n"`}, no: []string{`1`, `true`, `false`, `null`, `{}`, `[]`, ``, ` `, `"\ud800"`, "\"\xff\""}},
		{schema: "nullable", yes: []string{`null`, `"a"`}, no: []string{`nul`, `"a" null`}},
		{schema: "enum", yes: []string{`"a"`, `""`, `"\u0061"`, `"b\\c"`}, no: []string{`"b"`, `"A"`}},
		{schema: "spelled", yes: []string{`"a\\u0062"`}, no: []string{`"a\u0062"`, `"ab"`}},
		{schema: "both", yes: []string{`"a"`}, no: []string{`1`, `"1"`, `null`}},
		{schema: "choice", yes: []string{`"a"`, `null`}, no: []string{`""`, `"null"`}},
		{schema: "moment", yes: []string{`"2023-11-07T05:31:56Z"`, `"2023-11-07T05:31:56.1-23:59"`, `"2023-11-07T05:31:56\u005a"`}, no: []string{`"2023-11-07T5:31:56Z"`, `"2023-11-07T05:31:56,1Z"`, `"2023-11-07T05:31:56+24:00"`, `"2023-11-07T05:31:56+00:60"`, `"2023-02-30T00:00:00Z"`, `"a"`, `1`}},
		{schema: "uuid", yes: []string{`"550e8400-e29b-41d4-a716-446655440000"`, `null`}, no: []string{`"550e8400-e29b-41d4-a716-44665544000g"`, `"550e8400e29b41d4a716446655440000"`, `"{550e8400-e29b-41d4-a716-446655440000}"`, `"550e8400e29b-41d4-a716-446655440000-"`}},
		{schema: "byte", yes: []string{`"Zg=="`, `""`}, no: []string{`"Zg"`, `"Zg==\n"`}},
		{schema: "date", yes: []string{`"2024-02-29"`}, no: []string{`"2023-02-29"`}},
		{schema: "password", yes: []string{`"x"`}, no: []string{`1`}},
		{schema: "int8", yes: []string{`-128`}, no: []string{`128`}},
		{schema: "int32", yes: []string{`0`, `-0`, `-2147483648`, `2147483647`}, no: []string{`2147483648`, `1.0`, `1e0`, `"1"`, `true`, `01`, `+1`}},
		{schema: "int64", yes: []string{`9223372036854775807`}, no: []string{`9223372036854775808`}},
		{schema: "uint64", yes: []string{`18446744073709551615`}, no: []string{`18446744073709551616`, `-1`, `-0`}},
		{schema: "float", yes: []string{`0.5`, `1`}, no: []string{`1e39`}},
		{schema: "double", yes: []string{`1e39`}, no: []string{`1e400`}},
		{schema: "boolean", yes: []string{`true`, `false`}, no: []string{`0`, `"true"`, `null`, `tru`, `falsee`}},
		{schema: "anything", yes: []string{`1e400`, `"\u0000"`, `[1,[2],{"a":[]}]`, ` [ ] `, "{\n}", `[null]`, `{"\u0061":1}`}, no: []string{`null`, `[1}`, `{"a":1]`, `[[1}]`, `[1,]`, `[,1]`, `[1 2]`, `{"a":1,}`, `{"a"}`, `{a:1}`, `{"a":1 "b":2}`, `[`, `]`, `{`, `}`, `1 2`, "\ufeff{}", `{"x":{"y":1,"y":2}}`, `{"a":1,"\u0061":2}`}},
		{schema: "array", yes: []string{`[]`, `[1,2]`}, no: []string{`[1,"2"]`, `[null]`, `{}`, `1`}},
		{schema: "list", yes: []string{`[1,"a",{"b":null}]`}, no: []string{`[null]`}},
		{schema: "open", yes: []string{`{}`, `{"a":"x","B":true,"c":[1]}`}, no: []string{`{"a":1}`, `{"A":"x"}`, `{"b":true}`, `{"c":1,"c":2}`, `{"a":"x","a":"x"}`, `[]`, `"a"`}},
		{schema: "silent", yes: []string{`{"a":"x","b":1}`}, no: []string{`{"A":1}`}},
		{schema: "closed", yes: []string{`{}`, `{"a":"x"}`}, no: []string{`{"b":1}`}},
		{schema: "required", yes: []string{`{"a":"x","b":1}`, `{"b":1,"d":null,"c":0,"a":""}`, `{"\u0061":"x","b":1}`}, no: []string{`{}`, `{"a":"x"}`, `{"b":1}`, `{"a":"x","c":1}`, `{"a":null,"b":1}`, `{"a":"x","a":"x"}`}},
		{schema: "typed", yes: []string{`{"x":["2023-11-07T05:31:56Z"],"y":[]}`}, no: []string{`{"x":["a"]}`, `{"x":{}}`}},
		{schema: "empty", yes: []string{`{"x":1,"y":[{}]}`}, no: []string{`{"x":null}`}},
		{schema: "partial", yes: []string{`{"b":"x"}`}, no: []string{`{"a":"b"}`}, slow: []string{`{"a":"a"}`}},
	} {
		ref := schemas[tt.schema]
		for want, texts := range map[bool][]string{true: tt.yes, false: slices.Concat(tt.no, tt.slow)} {
			for _, text := range texts {
				if o.contract.schemas.compile(ref).accepts([]byte(text)) != want {
					t.Errorf("%s of %s: want %t", tt.schema, text, want)
				}
				checkAcceptance(t, o, ref, []byte(text))
			}
		}
		for _, text := range tt.no {
			if slowly(o, ref, []byte(text)) == nil {
				t.Errorf("%s of %s is accepted slowly", tt.schema, text)
			}
		}
		for _, text := range tt.slow {
			if found := slowly(o, ref, []byte(text)); found != nil {
				t.Errorf("%s of %s: %v", tt.schema, text, found)
			}
		}
	}
}

func TestAcceptorsKnowAnyNumberOfMembers(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 63, 64, 65, 130} {
		s, body := openapi3.NewObjectSchema(), []byte("{")
		for i := range n {
			name := fmt.Sprintf("m%d", i)
			s.WithProperty(name, openapi3.NewBoolSchema())
			s.Required = append(s.Required, name)
			body = fmt.Appendf(body, "%q:true,", name)
		}
		body[len(body)-1] = '}'
		all := schemas{}
		a := all.compile(s.NewRef())
		if !a.accepts(body) {
			t.Errorf("%d members are refused", n)
		}
		whole := slices.Concat(body[:len(body)-1], []byte(",}"))
		for i := range n { // without each of them, and with it twice
			member := fmt.Appendf(nil, "\"m%d\":true,", i)
			if a.accepts(bytes.Replace(bytes.Replace(whole, member, nil, 1), []byte(",}"), []byte("}"), 1)) {
				t.Errorf("m%d of %d is not missed", i, n)
			}
			if a.accepts(slices.Concat([]byte("{"), member, body[1:])) {
				t.Errorf("m%d of %d is accepted twice", i, n)
			}
		}
	}
}

func TestManyNamesAreToldApart(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 12, 13, 200} {
		object := map[string]any{}
		for i := range n {
			object[string(rune('Ā'+i))] = map[string]int{"x": i, "y": i}
		}
		body, err := json.Marshal(object, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		if !anything.accepts(body) {
			t.Errorf("%d names are refused", n)
		}
		for i := range n { // each of them once more, at the end
			again := slices.Concat(body[:len(body)-1], []byte(`,"`+string(rune('Ā'+i))+`":1}`))
			if anything.accepts(again) {
				t.Errorf("%d names: the name %d is not missed", n, i)
			}
		}
	}
}

// TestTheSameHashIsTheSameName shows that a collision costs a yes, and never gives one.
func TestTheSameHashIsTheSameName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		names []uint64
		start int
		want  bool
	}{
		{nil, 0, true}, {[]uint64{1}, 0, true}, {[]uint64{2, 1}, 0, true}, {[]uint64{1, 1}, 0, false}, {[]uint64{3, 1, 2, 3}, 0, false},
		{[]uint64{1, 1}, 1, true}, {[]uint64{1, 2, 2}, 1, false}, {[]uint64{2, 1, 2}, 1, true},
	} {
		s := &acceptor{names: tt.names}
		if got := s.differ(tt.start); got != tt.want || len(s.names) != tt.start {
			t.Errorf("%v from %d: %t, and %v are left", tt.names, tt.start, got, s.names)
		}
	}
}

// TestAnIdleAcceptorKeepsLittle shows what an acceptor has that is not in use: no text, and no more than a few names.
func TestAnIdleAcceptorKeepsLittle(t *testing.T) {
	t.Parallel()
	for names, want := range map[int]int{10: 10, maxPooledNames: maxPooledNames, maxPooledNames + 1: 0} {
		s := &acceptor{seed: maphash.MakeSeed(), names: make([]uint64, 7, names)}
		s.reset([]byte(`{}`))
		s.emptied() // and not handed to the pool, where another test could take it
		if s.text.Cap() != 0 || len(s.UnreadBuffer()) != 0 || len(s.names) != 0 || cap(s.names) != want {
			t.Errorf("%d names: keeps %+v", names, s)
		}
	}
}

func addBodies(f *testing.F) {
	f.Helper()
	for _, file := range glob(f, "../../api/examples/*.json") {
		f.Add(readFile(f, file), uint64(1))
	}
	for _, row := range brokenBodies(f) {
		f.Add(append(row.Base64, row.Body...), uint64(2))
	}
	for i, body := range []string{
		`"a"`, `"b\\c"`, `null`, `0`, `-0`, `1e3`, `1.0`, `2147483648`, `9223372036854775808`, `1e39`, `1e400`, `true`, `[1,null]`, `{"a":"x","b":1}`,
		`{"A":"x"}`, `{"a":1,"a":2}`, `{"x":{"y":1,"y":2}}`, `{"a\u0061":1}`, `"2023-11-07T05:31:56.1+23:59"`, `"2023-11-07T5:31:56Z"`,
		`"550e8400-e29b-41d4-a716-446655440000"`, `"urn:uuid:550e8400-e29b-41d4-a716-446655440000"`, ` [ ] `, "\ufeff{}", "\"\xff\"", `"\ud800"`, `{} {}`,
	} {
		f.Add([]byte(body), uint64(i))
	}
}

// FuzzAcceptor holds acceptors, of known schemas and of one made up from a seed, to accept only what kin-openapi accepts.
func FuzzAcceptor(f *testing.F) {
	addBodies(f)
	o, known := shipped(f), parseSchemas(f, knownSchemas)
	session := o.request.Content[jsonType].Schema
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		checkAcceptance(t, o, session, body)
		for _, ref := range known {
			checkAcceptance(t, o, ref, body)
		}
		random := rand.New(rand.NewPCG(seed, 0))
		made := parseSchemas(t, `{"Made": `+makeSchema(random, 3)+`}`)["Made"]
		checkAcceptance(t, o, made, body)
		for range 4 {
			checkAcceptance(t, o, made, []byte(makeValue(random, made.Value, 4)))
		}
	})
}

// FuzzCheck looks for panics, and for reasons that hold a value.
func FuzzCheck(f *testing.F) {
	addBodies(f)
	const canary = "canary-4242"
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 1))
		o := exchanging(t, "{$ref: '#/components/schemas/Made'}", "schemas: {Made: "+makeSchema(random, 3)+"}")
		for _, v := range violations(t, o, string(body)) {
			if v.Reason == "kin-openapi can't check the message" {
				t.Errorf("%q: kin-openapi panics", body)
			}
		}
		planted := strings.ReplaceAll(makeValue(random, o.request.Content[jsonType].Schema.Value, 4), `"x"`, `"`+canary+`"`)
		for _, v := range violations(t, o, planted) {
			if strings.Contains(v.Reason, canary) {
				t.Errorf("%s: %v", planted, v)
			}
		}
	})
}

// makeSchema returns a schema, as JSON. Few of its names, texts and numbers are different ones, so that values often fit.
func makeSchema(random *rand.Rand, depth int) string {
	sub := func() string { return makeSchema(random, depth-1) }
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	var keywords []string
	switch kind := random.IntN(10); {
	case depth <= 0 || kind < 3:
		keywords = append(keywords, pick(
			`"type":"string"`, `"type":"string","format":"date-time"`, `"type":"string","format":"uuid"`, `"type":"string","enum":["a","x"]`, `"type":"string","format":"other"`,
			`"type":"integer"`, `"type":"integer","format":"int32"`, `"type":"integer","format":"uint8"`, `"type":"number"`, `"type":"number","format":"float"`, `"type":"boolean"`, `"title":"any"`,
			`"type":"string","minLength":2`, `"type":"integer","minimum":1`, `"type":"string","pattern":"^a"`, `"type":"string","pattern":"(?!a)"`, `"type":"integer","enum":[1,2]`, `"type":"integer","enum":[null]`,
		))
	case kind < 5:
		keywords = append(keywords, `"type":"array","items":`+sub(), pick(`"title":"t"`, `"title":"t"`, `"minItems":1`, `"uniqueItems":true`))
	case kind < 6:
		keywords = append(keywords, `"`+pick("oneOf", "anyOf", "allOf")+`":[`+sub()+`,`+sub()+`]`)
	default:
		keywords = append(keywords, `"type":"object","properties":{"a":`+sub()+`,"b":`+sub()+`,"A":`+sub()+`}`,
			`"additionalProperties":`+pick("true", "false", "{}", sub()), `"required":[`+pick(``, `"a"`, `"a","b"`, `"c"`)+`]`)
	}
	keywords = append(keywords, pick(`"description":"d"`, `"description":"d"`, `"nullable":true`, `"readOnly":true`, `"writeOnly":true`, `"x-y":1`))
	return "{" + strings.Join(keywords, ",") + "}"
}

// makeValue returns a value, as JSON, that may be one of a schema.
func makeValue(random *rand.Rand, s *openapi3.Schema, depth int) string {
	pick := func(texts ...string) string { return texts[random.IntN(len(texts))] }
	if depth <= 0 || random.IntN(12) == 0 {
		return pick(`null`, `"x"`, `1`, `1.0`, `true`, `{}`, `[]`, `[null]`, `{"a":1}`, `1e400`, `{"a":1,"a":1}`, `"\u0061"`)
	}
	for _, union := range []openapi3.SchemaRefs{s.OneOf, s.AnyOf, s.AllOf} {
		if len(union) > 0 {
			return makeValue(random, union[random.IntN(len(union))].Value, depth-1)
		}
	}
	switch {
	case s.Type.Is("string"):
		return pick(`"a"`, `"x"`, `""`, `"2023-11-07T05:31:56Z"`, `"550e8400-e29b-41d4-a716-446655440000"`, `"\u0061"`)
	case s.Type.Is("integer"), s.Type.Is("number"):
		return pick(`0`, `1`, `-1`, `256`, `2147483648`, `1.0`, `1.5`, `1e39`)
	case s.Type.Is("boolean"):
		return pick(`true`, `false`)
	case s.Type.Is("array"):
		item := func() string { return makeValue(random, s.Items.Value, depth-1) }
		return pick(`[]`, `[`+item()+`]`, `[`+item()+`,`+item()+`]`)
	case s.Type.Is("object"):
		var members []string
		for _, name := range []string{"a", "b", "A", "c", "B", "n"} {
			of := &openapi3.Schema{}
			if property := s.Properties[name]; property != nil {
				of = property.Value
			}
			if random.IntN(2) == 0 {
				members = append(members, `"`+name+`":`+makeValue(random, of, depth-1))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	}
	return pick(`"x"`, `1`, `{"n":1e400}`, `[[]]`, `{"y":{"z":"x"}}`)
}
