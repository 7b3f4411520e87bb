package gen_test

import (
	"bytes"
	jsonv1 "encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/oapi-codegen/nullable"

	"github.com/kodexa-community/kodexa-go/gen"
)

// models makes an empty model of each schema of the contract.
var models = map[string]func() model{
	"AuthGroupLink":      func() model { return new(gen.AuthGroupLink) },
	"Organization":       func() model { return new(gen.Organization) },
	"OrganizationMemory": func() model { return new(gen.OrganizationMemory) },
	"Session":            func() model { return new(gen.Session) },
}

type model interface {
	Get(name string) (jsonv1.RawMessage, bool)
	Set(name string, value jsonv1.RawMessage)
}

// places are the documents in which something can stand that the contract does not name.
var places = []string{
	`{"x":%s}`,
	`{"organization":{"x":%s}}`,
	`{"organization":{"authGroupLink":{"x":%s}}}`,
	`{"organization":{"features":{"x":%s}}}`,
	`{"organization":{"memory":{"x":%s}}}`,
	`{"organization":{"properties":{"x":%s}}}`,
}

// full names every member once, in the contract's order, and beside them some that the contract does not name.
const full = `{"changeSequence":7,"createdOn":"2023-11-07T05:31:56Z","id":"a","organization":{` +
	`"authGroupLink":{"authGroup":"b","x":1},"changeSequence":-2147483648,"createdOn":"2023-11-07T05:31:56.123456789Z",` +
	`"defaultToPrivateTemplates":true,"description":"c","enterpriseOrganization":false,"features":{"f":[1,null,{"g":1.10}]},` +
	`"hasImage":true,"id":"d","memory":{"orderedDashboards":["e","","f"],"x":{"z":1,"y":2}},"name":"g",` +
	`"organizationStatus":"h","properties":{"p":12345678901234567890123},"publicAccess":false,"searchText":"i","slug":"j",` +
	`"stripeCustomerId":"k","supportAccess":true,"supportAccessExpiresAt":"2024-02-29T23:59:59+05:30",` +
	`"updatedOn":"2023-11-07T05:31:56-11:00","uuid":"l","archived":null,"zone":"m"},"organizationId":null,"state":"n",` +
	`"token":"o","updatedOn":"2023-11-07T05:31:56Z","uuid":"p","a":1e999,"b":"\u003c\/"}`

func TestTheWholeContractIsTestedHere(t *testing.T) {
	t.Parallel()
	all := schemas(t)
	if got, want := slices.Sorted(maps.Keys(models)), slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Errorf("models has %v, the contract %v", got, want)
	}
	var check func(at string, s *openapi3.Schema, value any)
	check = func(at string, s *openapi3.Schema, value any) {
		for name, property := range s.Properties {
			member, ok := value.(map[string]any)[name]
			if !ok {
				t.Errorf("full does not have %s/%s", at, name)
			}
			check(at+"/"+name, property.Value, member)
		}
	}
	check("", all["Session"].Value, parse(t, full))
}

func TestUnnamedMembersKeepTheirBytes(t *testing.T) {
	t.Parallel()
	values := []string{
		`0`, `-0`, `1.10`, `1E5`, `1e999`, `-1e-999`, `9007199254740993`, `12345678901234567890123`, `0.1000000000000000055511151231257827`,
		`""`, `"é"`, `"\u00e9"`, `"\u003c\u003e\u0026"`, `"\/"`, `"\ud83d\ude00"`, `"\u2028"`, `"\u0000"`, `"\t\"\\"`,
		`[]`, `[[],{},""]`, `[null]`, `{}`, `{"b":1,"a":{"d":2,"c":[3]}}`, `{"\u0062":1}`, `false`, `true`, `null`,
	}
	for _, place := range places {
		for _, value := range values {
			doc := fmt.Sprintf(place, value)
			t.Run(doc, func(t *testing.T) {
				t.Parallel()
				if got := encode(t, decode(t, doc)); got != doc {
					t.Errorf("became %s", got)
				}
			})
		}
	}
}

func TestNamedMembersKeepTheirValue(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		full,
		`{}`,
		`{"changeSequence":0,"id":"","organization":{},"organizationId":"","state":"","token":"","uuid":""}`,
		`{"organization":{"authGroupLink":{},"defaultToPrivateTemplates":false,"features":{},"memory":{},"properties":{}}}`,
		`{"organization":{"authGroupLink":{"authGroup":""},"memory":{"orderedDashboards":[]}}}`,
		`{"organization":{"memory":{"orderedDashboards":["",""]}}}`,
		`{"changeSequence":2147483647}`,
		`{"changeSequence":-2147483648}`,
		`{"id":"<é\u0000\"\\ >","token":"😀"}`,
	} {
		t.Run(doc, func(t *testing.T) {
			t.Parallel()
			got := encode(t, decode(t, doc))
			if !reflect.DeepEqual(parse(t, got), parse(t, doc)) {
				t.Errorf("became %s", got)
			}
			if doc == full && got != doc {
				t.Errorf("order or spelling changed: %s", got)
			}
		})
	}
}

func TestAbsentNullAndValueDiffer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		id   nullable.Nullable[string]
		doc  string
	}{
		{"absent", nil, `{}`},
		{"unspecified", nullable.Nullable[string]{}, `{}`},
		{"null", nullable.NewNullNullable[string](), `{"organizationId":null}`},
		{"empty", nullable.NewNullableWithValue(""), `{"organizationId":""}`},
		{"value", nullable.NewNullableWithValue("a"), `{"organizationId":"a"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := encode(t, gen.Session{OrganizationID: test.id}); got != test.doc {
				t.Errorf("encoded as %s, want %s", got, test.doc)
			}
			s := decode(t, test.doc)
			if s.OrganizationID.IsSpecified() != test.id.IsSpecified() || s.OrganizationID.IsNull() != test.id.IsNull() {
				t.Errorf("decoded as specified %t, null %t", s.OrganizationID.IsSpecified(), s.OrganizationID.IsNull())
			}
			if !test.id.IsNull() && test.id.IsSpecified() && s.OrganizationID.MustGet() != test.id.MustGet() {
				t.Errorf("decoded as %q", s.OrganizationID.MustGet())
			}
		})
	}

	t.Run("set unspecified", func(t *testing.T) {
		t.Parallel()
		s := decode(t, `{"organizationId":"a"}`)
		s.OrganizationID.SetUnspecified()
		if got := encode(t, s); got != `{}` {
			t.Errorf("encoded as %s", got)
		}
	})
	t.Run("unnamed", func(t *testing.T) {
		t.Parallel()
		s := decode(t, `{"x":null}`)
		if value, ok := s.Get("x"); !ok || string(value) != "null" {
			t.Errorf("null is %q, %t", value, ok)
		}
		if value, ok := s.Get("y"); ok || value != nil {
			t.Errorf("absent is %q, %t", value, ok)
		}
	})
}

func TestGetAndSet(t *testing.T) {
	t.Parallel()
	for name, newModel := range models {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newModel()
			if _, ok := m.Get("x"); ok {
				t.Error("an empty model has x")
			}
			m.Set("x", jsonv1.RawMessage(`1`))
			m.Set("w", jsonv1.RawMessage(`{"a": [true, null]}`))
			m.Set("x", jsonv1.RawMessage(`1.0`))
			if got, ok := m.Get("x"); !ok || string(got) != `1.0` {
				t.Errorf("x is %s, %t", got, ok)
			}
			if got := encode(t, m); got != `{"w":{"a":[true,null]},"x":1.0}` {
				t.Errorf("encoded as %s", got)
			}
		})
	}
}

func TestModelsShareNoBuffer(t *testing.T) {
	t.Parallel()
	want := encode(t, decode(t, full))
	t.Run("Unmarshal", func(t *testing.T) {
		t.Parallel()
		for name, decode := range map[string]func([]byte, any) error{
			"v1":                   jsonv1.Unmarshal,
			"v2":                   func(b []byte, v any) error { return json.Unmarshal(b, v) },
			"v2 of repeated names": func(b []byte, v any) error { return json.Unmarshal(b, v, jsontext.AllowDuplicateNames(true)) },
		} {
			input := []byte(full)
			var s gen.Session
			if err := decode(input, &s); err != nil {
				t.Fatal(err)
			}
			for i := range input {
				input[i] = '#'
			}
			if got := encode(t, s); got != want {
				t.Errorf("%s: became %s", name, got)
			}
		}
	})
	t.Run("Decoder", func(t *testing.T) {
		t.Parallel()
		buffer := bytes.NewBufferString(full)
		dec := jsontext.NewDecoder(buffer)
		var first, second gen.Session
		if err := json.UnmarshalDecode(dec, &first); err != nil {
			t.Fatal(err)
		}
		buffer.Reset()
		buffer.WriteString(strings.Repeat(" ", len(full)-len(`{"id":"a"}`)) + `{"id":"a"}`)
		dec.Reset(buffer)
		if err := json.UnmarshalDecode(dec, &second); err != nil {
			t.Fatal(err)
		}
		if got := encode(t, first); got != want {
			t.Errorf("became %s", got)
		}
	})
}

// parse returns the JSON value in doc with its numbers as they are written, in the words of the standard library.
func parse(t testing.TB, doc string) any {
	t.Helper()
	dec := jsonv1.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		t.Fatalf("%q: %v", doc, err)
	}
	return value
}

func decode(t testing.TB, doc string) (s gen.Session) {
	t.Helper()
	if err := json.Unmarshal([]byte(doc), &s); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return s
}

func encode(t testing.TB, v any) string {
	t.Helper()
	doc, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(doc)
}

func schemas(t testing.TB) openapi3.Schemas {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return doc.Components.Schemas
}
