package gen_test

import (
	"bytes"
	jsonv1 "encoding/json"
	"errors"
	"fmt"
	"io"
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
	"github.com/go-json-experiment/json/jsontext"
	jsonlegacy "github.com/go-json-experiment/json/v1"
	"github.com/google/uuid"
	"github.com/oapi-codegen/nullable"

	kodexa "github.com/kodexa-community/kodexa-go"
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

func TestZeroValuesBuiltInGoAreEncoded(t *testing.T) {
	t.Parallel()
	var noMap map[string]jsonv1.RawMessage
	var noSlice []string
	s := gen.Session{
		ChangeSequence: new(int32),
		CreatedOn:      new(time.Time),
		ID:             new(""),
		Organization: &gen.Organization{
			AuthGroupLink:             &gen.AuthGroupLink{},
			DefaultToPrivateTemplates: new(false),
			Features:                  &noMap,
			Memory:                    &gen.OrganizationMemory{OrderedDashboards: &noSlice},
			Properties:                &map[string]jsonv1.RawMessage{},
		},
		AdditionalProperties: map[string]jsonv1.RawMessage{},
	}
	const want = `{"changeSequence":0,"createdOn":"0001-01-01T00:00:00Z","id":"","organization":{"authGroupLink":{},` +
		`"defaultToPrivateTemplates":false,"features":{},"memory":{"orderedDashboards":[]},"properties":{}}}`
	for name, encode := range encoders {
		if got, err := encode(s); err != nil || got != want {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
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

func TestEncodingIsDeterministic(t *testing.T) {
	t.Parallel()
	many := map[string]jsonv1.RawMessage{}
	for i := range 100 {
		many[strconv.Itoa(i)] = jsonv1.RawMessage(strconv.Itoa(i))
	}
	s := decode(t, full)
	for name, value := range many {
		s.Set(name, value)
	}
	s.Organization.Features, s.Organization.Properties = &many, &many
	for name, encode := range encoders {
		first, err := encode(s)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for range 100 {
			if again, err := encode(s); err != nil || again != first {
				t.Fatalf("%s: first %s, then %s, %v", name, first, again, err)
			}
		}
	}
	last := ""
	for _, member := range members(t, encode(t, s))[9:] {
		if member < last {
			t.Errorf("%q comes after %q", member, last)
		}
		last = member
	}
}

// members lists the names of an object in their order.
func members(t *testing.T, doc string) (names []string) {
	t.Helper()
	dec := jsontext.NewDecoder(strings.NewReader(doc))
	if _, err := dec.ReadToken(); err != nil {
		t.Fatal(err)
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		names = append(names, token.String())
		if err = errors.Join(err, dec.SkipValue()); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// encoders are the ways to encode a model. Each returns compact JSON.
var encoders = map[string]func(any) (string, error){
	"v1 Marshal": func(v any) (string, error) { return text(jsonv1.Marshal(v)) },
	"v1 slice":   func(v any) (string, error) { return unwrapped(text(jsonv1.Marshal([]any{v})))("[", "]") },
	"v1 member":  func(v any) (string, error) { return unwrapped(text(jsonv1.Marshal(struct{ M any }{v})))(`{"M":`, "}") },
	"v1 map": func(v any) (string, error) {
		return unwrapped(text(jsonv1.Marshal(map[string]any{"M": v})))(`{"M":`, "}")
	},
	"v1 indented": func(v any) (string, error) { return compacted(jsonv1.MarshalIndent(v, "\t", "  ")) },
	"v1 Encoder": func(v any) (string, error) {
		var b bytes.Buffer
		enc := jsonv1.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		err := enc.Encode(v)
		return strings.TrimSuffix(b.String(), "\n"), err
	},
	"v2 Marshal": func(v any) (string, error) { return text(json.Marshal(v)) },
	"v2 slice":   func(v any) (string, error) { return unwrapped(text(json.Marshal([]any{v})))("[", "]") },
	"v2 member":  func(v any) (string, error) { return unwrapped(text(json.Marshal(struct{ M any }{v})))(`{"M":`, "}") },
	"v2 Encoder": func(v any) (string, error) {
		var b bytes.Buffer
		err := json.MarshalEncode(jsontext.NewEncoder(&b), v)
		return strings.TrimSuffix(b.String(), "\n"), err
	},
	"v2 indented":          func(v any) (string, error) { return compacted(json.Marshal(v, jsontext.Multiline(true))) },
	"v2 of numbers quoted": func(v any) (string, error) { return text(json.Marshal(v, json.StringifyNumbers(true))) },
	"v2 of nil as null": func(v any) (string, error) {
		return text(json.Marshal(v, json.FormatNilMapAsNull(true), json.FormatNilSliceAsNull(true)))
	},
	"v2 of raw strings": func(v any) (string, error) {
		return text(json.Marshal(v, jsontext.PreserveRawStrings(true), json.FormatNilMapAsNull(true), json.FormatNilSliceAsNull(true)))
	},
	"v2 of other marshalers": func(v any) (string, error) {
		return text(json.Marshal(v, json.WithMarshalers(json.JoinMarshalers(
			json.MarshalFunc(func(jsonv1.RawMessage) ([]byte, error) { return []byte(`"raw"`), nil }),
			json.MarshalFunc(func([]string) ([]byte, error) { return []byte(`["list"]`), nil }),
			json.MarshalFunc(func(*time.Time) ([]byte, error) { return []byte(`"time"`), nil }),
		))))
	},
	"v2 of invalid UTF-8":  func(v any) (string, error) { return text(json.Marshal(v, jsontext.AllowInvalidUTF8(true))) },
	"v2 of repeated names": func(v any) (string, error) { return text(json.Marshal(v, jsontext.AllowDuplicateNames(true))) },
	"v2 of version 1's options, member": func(v any) (string, error) {
		doc, err := json.Marshal(struct{ M any }{v}, jsonlegacy.DefaultOptionsV1(), jsontext.EscapeForHTML(false))
		return unwrapped(string(doc), err)(`{"M":`, "}")
	},
	"v2 of version 1's options": func(v any) (string, error) {
		return text(json.Marshal(v, jsonlegacy.DefaultOptionsV1(), jsontext.EscapeForHTML(false)))
	},
}

func text(b []byte, err error) (string, error) { return string(b), err }

func compacted(b []byte, err error) (string, error) {
	if err != nil {
		return "", err
	}
	var c bytes.Buffer
	err = jsonv1.Compact(&c, b)
	return c.String(), err
}

func unwrapped(s string, err error) func(before, after string) (string, error) {
	return func(before, after string) (string, error) {
		return strings.TrimSuffix(strings.TrimPrefix(s, before), after), err
	}
}

func TestEveryEncoderWritesTheSame(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{full, `{}`, `{"id":"","organizationId":null}`, `{"a":"a\/b","b":"\u0041","c":[1.0,{"e":1,"d":2}]}`} {
		s := decode(t, doc)
		for name, encode := range encoders {
			t.Run(name+" of "+doc, func(t *testing.T) {
				t.Parallel()
				// What version 1 escapes for HTML, the raw members of others escape on their own.
				for _, v := range []any{s, &s} {
					got, err := encode(v)
					if err != nil || got != doc {
						t.Errorf("%T became %s, %v", v, got, err)
					}
				}
			})
		}
	}

	t.Run("escaped for HTML", func(t *testing.T) {
		t.Parallel()
		const doc = `{"id":"<&>\u2028","a":{"b":"<&>"},"c<":1}`
		s := decode(t, doc)
		got, err := jsonv1.Marshal(s)
		if err != nil || !reflect.DeepEqual(parse(t, string(got)), parse(t, doc)) {
			t.Errorf("version 1 wrote %s, %v", got, err)
		}
		for _, name := range []string{"v1 Encoder", "v2 Marshal", "v2 Encoder", "v2 of version 1's options"} {
			if got, err := encoders[name](s); err != nil || strings.Contains(got, `\u003c`) || !strings.Contains(got, `{"b":"<&>"}`) {
				t.Errorf("%s wrote %s, %v", name, got, err)
			}
		}
	})
}

// decoders are the ways to decode a model.
var decoders = map[string]func(doc string, v any) error{
	"v1 Unmarshal": func(doc string, v any) error { return jsonv1.Unmarshal([]byte(doc), v) },
	"v1 slice": func(doc string, v any) error {
		return jsonv1.Unmarshal([]byte("[0,"+doc+"]"), &[]any{nil, v})
	},
	"v1 member": func(doc string, v any) error { return jsonv1.Unmarshal([]byte(`{"M":`+doc+"}"), &struct{ M any }{v}) },
	"v1 Decoder": func(doc string, v any) error {
		dec := jsonv1.NewDecoder(strings.NewReader(doc))
		dec.UseNumber()
		dec.DisallowUnknownFields()
		return dec.Decode(v)
	},
	"v2 Unmarshal": func(doc string, v any) error { return json.Unmarshal([]byte(doc), v) },
	"v2 member":    func(doc string, v any) error { return json.Unmarshal([]byte(`{"M":`+doc+"}"), &struct{ M any }{v}) },
	"v2 Decoder": func(doc string, v any) error {
		return json.UnmarshalDecode(jsontext.NewDecoder(iotest(doc)), v)
	},
	"v2 of any case": func(doc string, v any) error {
		return json.Unmarshal([]byte(doc), v, json.MatchCaseInsensitiveNames(true))
	},
	"v2 of numbers quoted": func(doc string, v any) error {
		return json.Unmarshal([]byte(doc), v, json.StringifyNumbers(true))
	},
	"v2 of invalid UTF-8": func(doc string, v any) error {
		return json.Unmarshal([]byte(doc), v, jsontext.AllowInvalidUTF8(true))
	},
	"v2 of other unmarshalers": func(doc string, v any) error {
		return json.Unmarshal([]byte(doc), v, json.WithUnmarshalers(json.JoinUnmarshalers(
			json.UnmarshalFunc(func([]byte, *int32) error { return nil }),
			json.UnmarshalFunc(func([]byte, *[]string) error { return nil }),
			json.UnmarshalFunc(func([]byte, *jsonv1.RawMessage) error { return nil }),
			json.UnmarshalFunc(func([]byte, *time.Time) error { return nil }),
		)))
	},
	"v2 of known members": func(doc string, v any) error {
		return json.Unmarshal([]byte(doc), v, json.RejectUnknownMembers(true))
	},
	"v2 of repeated names": func(doc string, v any) error {
		return json.Unmarshal([]byte(doc), v, jsontext.AllowDuplicateNames(true))
	},
	"v2 of repeated names, member": func(doc string, v any) error {
		return json.Unmarshal([]byte(`{"M":`+doc+"}"), &struct{ M any }{v}, jsontext.AllowDuplicateNames(true))
	},
	"v2 of version 1's options": func(doc string, v any) error {
		return json.Unmarshal([]byte(doc), v, jsonlegacy.DefaultOptionsV1())
	},
	"v2 of version 1's options, member": func(doc string, v any) error {
		return json.Unmarshal([]byte(`{"M":`+doc+"}"), &struct{ M any }{v}, jsonlegacy.DefaultOptionsV1())
	},
	"v2 of version 1's options, later member": func(doc string, v any) error {
		return json.Unmarshal([]byte(`{"L":[{"a":1}],"M":`+doc+`,"N":{"b":2}}`), &struct{ L, M, N any }{nil, v, nil}, jsonlegacy.DefaultOptionsV1())
	},
}

// iotest returns a reader that yields doc byte by byte, so that a decoder must keep what it wants.
func iotest(doc string) io.Reader { return &oneByte{doc} }

type oneByte struct{ rest string }

func (r *oneByte) Read(p []byte) (int, error) {
	if r.rest == "" {
		return 0, io.EOF
	}
	n := copy(p[:1], r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

func TestEveryDecoderReadsTheSame(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{full, `{}`, `{"TOKEN":"a","iD":"b","organization":{"Name":"c"},"x":{"b":1,"a":[1.0]}}`} {
		want := decode(t, doc)
		for name, decode := range decoders {
			t.Run(name+" of "+doc, func(t *testing.T) {
				t.Parallel()
				var got gen.Session
				if err := decode(doc, &got); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("became %s", encode(t, got))
				}
			})
		}
	}
}

func TestNamesAreReadWithoutTheirEscapes(t *testing.T) {
	t.Parallel()
	const doc = `{"\u0069d":"a","organi\u007aation":{"n\u0061me":"b"},"\u003c\/\"":"\u003c"}`
	for name, decode := range decoders {
		var s gen.Session
		if err := decode(doc, &s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := encode(t, s); got != `{"id":"a","organization":{"name":"b"},"</\"":"\u003c"}` {
			t.Errorf("%s: became %s", name, got)
		}
	}
}

func TestNamesInAnotherCaseAreUnnamedMembers(t *testing.T) {
	t.Parallel()
	const doc = `{"organization":{"NAME":"c","name":"d"},"CHANGESEQUENCE":"a","Token":"b"}`
	for name, decode := range decoders {
		var s gen.Session
		if err := decode(doc, &s); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if value, _ := s.Get("Token"); s.Token != nil || s.ChangeSequence != nil || string(value) != `"b"` || *s.Organization.Name != "d" {
			t.Errorf("%s: decoded as %s", name, encode(t, s))
		}
		if got := encode(t, s); got != strings.Replace(doc, `"NAME":"c","name":"d"`, `"name":"d","NAME":"c"`, 1) {
			t.Errorf("%s: became %s", name, got)
		}
	}
}

func TestDecodersRefuse(t *testing.T) {
	t.Parallel()
	type refusal struct{ name, doc string }
	tests := []refusal{
		{"no object", `[]`},
		{"a string", `"a"`},
		{"nothing", ``},
		{"a cut", `{"id":"a",`},
		{"invalid UTF-8 in a named member", "{\"id\":\"\xff\"}"},
		{"invalid UTF-8 in a name", "{\"\xff\":1}"},
		{"a lone surrogate", `{"x":"\ud800"}`},
		{"a repeated named member", `{"id":"a","id":"b"}`},
		{"a repeated member of an organization", `{"organization":{"name":"a","name":"b"}}`},
		{"a repeated name, escaped once", `{"id":"a","\u0069d":"b"}`},
		{"a repeated dashboard list", `{"organization":{"memory":{"orderedDashboards":[],"orderedDashboards":[]}}}`},
	}
	for _, place := range places {
		tests = append(tests,
			refusal{"a repeated unnamed member in " + place, strings.Replace(fmt.Sprintf(place, "1"), `"x":1`, `"x":1,"x":1`, 1)},
			refusal{"a repeated name inside one in " + place, fmt.Sprintf(place, `[{"a":1,"a":2}]`)},
			refusal{"invalid UTF-8 in " + place, fmt.Sprintf(place, "\"\xff\"")},
		)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for name, decode := range decoders {
				s := gen.Session{ID: new("before")}
				if err := decode(test.doc, &s); err == nil {
					t.Errorf("%s accepts %s", name, test.doc)
				}
				if got := encode(t, s); got != `{"id":"before"}` {
					t.Errorf("%s changed the model to %s", name, got)
				}
			}
		})
	}
}

func TestDecodeErrorsNameThePlaceAndHoldNoValue(t *testing.T) {
	t.Parallel()
	const canary = "CANARY"
	for _, test := range []struct{ pointer, value string }{
		{"/changeSequence", `"CANARY"`},
		{"/changeSequence", `4242424242`},
		{"/changeSequence", `42.42`},
		{"/changeSequence", `4242e4242`},
		{"/changeSequence", `["CANARY"]`},
		{"/createdOn", `"CANARY"`},
		{"/createdOn", `"2023-11-07T05:31:56CANARY"`},
		{"/createdOn", `"2023-11-07T99:31:56Z CANARY"`},
		{"/createdOn", `4242`},
		{"/id", `4242`},
		{"/id", `{"CANARY":"CANARY"}`},
		{"/organization", `"CANARY"`},
		{"/organization", `4242`},
		{"/organization/hasImage", `"CANARY"`},
		{"/organization/createdOn", `"CANARY"`},
		{"/organization/features", `"CANARY"`},
		{"/organization/features", `["CANARY"]`},
		{"/organization/authGroupLink/authGroup", `4242`},
		{"/organization/memory/orderedDashboards", `"CANARY"`},
		{"/organization/memory/orderedDashboards/1", `4242`},
		{"/organizationId", `4242`},
		{"/organizationId", `["CANARY"]`},
	} {
		names := strings.Split(test.pointer, "/")[1:]
		value := test.value
		for i, name := range slices.Backward(names) {
			if i == len(names)-1 && name == "1" {
				value = `["CANARY",` + value + `]`
			} else {
				value = `{"` + name + `":` + value + `}`
			}
		}
		doc := value[:len(value)-1] + `,"token":"CANARY"}`
		for name, decode := range decoders {
			t.Run(name+" of "+doc, func(t *testing.T) {
				t.Parallel()
				err := decode(doc, new(gen.Session))
				if err == nil {
					t.Fatal("accepted")
				}
				for _, level := range levels(err) {
					for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%d"} {
						if text := fmt.Sprintf(verb, level); strings.Contains(text, canary) || strings.Contains(text, "4242") {
							t.Errorf("%s of %T holds the value: %s", verb, level, text)
						}
					}
				}
				if at := pointerOf(err); at != test.pointer && at != "/M"+test.pointer && at != "/1"+test.pointer {
					t.Errorf("%#v is at %s, want %s", err, at, test.pointer)
				}
			})
		}
	}
}

// pointerOf returns where err says that it is. The errors of version 1, on Go 1.27 also for models, name fields.
func pointerOf(err error) string {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		return string(semantic.JSONPointer)
	}
	if field, ok := errors.AsType[*jsonv1.UnmarshalTypeError](err); ok {
		return "/" + strings.ReplaceAll(field.Field, ".", "/")
	}
	if field, ok := errors.AsType[*jsonlegacy.UnmarshalTypeError](err); ok {
		return "/" + strings.ReplaceAll(field.Field, ".", "/")
	}
	return "nowhere"
}

// levels returns err and all errors that it wraps.
func levels(err error) []error {
	all := []error{err}
	switch err := err.(type) {
	case interface{ Unwrap() error }:
		if inner := err.Unwrap(); inner != nil {
			all = append(all, levels(inner)...)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range err.Unwrap() {
			all = append(all, levels(inner)...)
		}
	}
	return all
}

func TestDecodingReplacesTheModel(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{`{}`, `null`, `{"organization":{}}`, `{"organization":{"memory":{}},"y":1}`} {
		for name, decode := range decoders {
			var want, got gen.Session
			if err := decode(full, &got); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(decode(doc, &got), decode(doc, &want)); err != nil {
				t.Errorf("%s of %s: %v", name, doc, err)
			}
			if name == "v1 slice" || strings.HasSuffix(name, "member") {
				if doc == "null" {
					continue // null sets the interface that holds the model, not the model
				}
			}
			if encode(t, got) != encode(t, want) {
				t.Errorf("%s of %s leaves %s", name, doc, encode(t, got))
			}
		}
	}
}

func TestNullEmptiesAnyModel(t *testing.T) {
	t.Parallel()
	for name, newModel := range models {
		for _, decode := range []func([]byte, any) error{
			jsonv1.Unmarshal, func(b []byte, v any) error { return json.Unmarshal(b, v) },
		} {
			m := newModel()
			m.Set("x", jsonv1.RawMessage(`1`))
			if err := decode([]byte(`null`), m); err != nil || encode(t, m) != `{}` {
				t.Errorf("%s is %s, %v", name, encode(t, m), err)
			}
			holder := reflect.New(reflect.StructOf([]reflect.StructField{{Name: "M", Type: reflect.TypeOf(m)}}))
			holder.Elem().Field(0).Set(reflect.ValueOf(m))
			if err := decode([]byte(`{"M":null}`), holder.Interface()); err != nil || !holder.Elem().Field(0).IsNil() {
				t.Errorf("*%s is not nil: %v", name, err)
			}
		}
	}
}

func TestDateTimesKeepTheirInstant(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2023-11-07T05:31:56Z", "2023-11-07T05:31:56.000Z", "2023-11-07T05:31:56.120+00:00", "2023-11-07T05:31:56-00:00",
		"2023-11-07T05:31:56.123456789+23:59", "2023-11-07T05:31:56-23:59", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
		"9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59", "2024-02-29T00:00:00Z",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			want, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			s := decode(t, `{"createdOn":"`+text+`","organization":{"supportAccessExpiresAt":"`+text+`"}}`)
			again := decode(t, encode(t, s))
			for _, got := range []*time.Time{
				s.CreatedOn, s.Organization.SupportAccessExpiresAt, again.CreatedOn, again.Organization.SupportAccessExpiresAt,
			} {
				if !got.Equal(want) {
					t.Errorf("became %v", got)
				}
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

func TestEncodingRefuses(t *testing.T) {
	t.Parallel()
	all := schemas(t)
	for name, newModel := range models {
		for member := range all[name].Value.Properties {
			t.Run(name+"."+member+" set as unnamed", func(t *testing.T) {
				t.Parallel()
				for _, doc := range []string{`{}`, fmt.Sprintf(`{%q:%s}`, member, sample(all[name].Value.Properties[member].Value))} {
					m := newModel()
					if err := json.Unmarshal([]byte(doc), m); err != nil {
						t.Fatal(err)
					}
					m.Set(member, jsonv1.RawMessage(`"secret"`))
					for by, encode := range encoders {
						switch got, err := encode(m); {
						case err == nil:
							t.Errorf("%s wrote %s beside %s", by, got, doc)
						case strings.Contains(err.Error(), "secret"):
							t.Errorf("%s tells the value: %v", by, err)
						}
					}
				}
			})
		}
		for _, value := range []string{
			"", " ", "{", "nul", "1 2", "01", `'a'`, `{"a":1,"a":2}`, "\"\xff\"", `"\ud800"`,
			strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
		} {
			t.Run(fmt.Sprintf("%s of %.20q", name, value), func(t *testing.T) {
				t.Parallel()
				m := newModel()
				m.Set("x", jsonv1.RawMessage(value))
				for by, encode := range encoders {
					if got, err := encode(m); err == nil {
						t.Errorf("%s wrote %.99s", by, got)
					}
				}
			})
		}
	}

	t.Run("a feature that is no JSON", func(t *testing.T) {
		t.Parallel()
		s := gen.Session{Organization: &gen.Organization{Features: &map[string]jsonv1.RawMessage{"x": []byte("secret")}}}
		for by, encode := range encoders {
			switch got, err := encode(s); {
			case err == nil:
				t.Errorf("%s wrote %s", by, got)
			case strings.Contains(err.Error(), "secret"):
				t.Errorf("%s tells the value: %v", by, err)
			}
		}
	})
	t.Run("a string that is not UTF-8", func(t *testing.T) {
		t.Parallel()
		for by, encode := range encoders {
			if got, err := encode(gen.Session{ID: new("\xff")}); err == nil {
				t.Errorf("%s wrote %s", by, got)
			}
		}
	})
}

// sample returns a JSON value that s accepts.
func sample(s *openapi3.Schema) string {
	switch {
	case s.Type.Is(openapi3.TypeObject):
		return `{}`
	case s.Type.Is(openapi3.TypeArray):
		return `[]`
	case s.Type.Is(openapi3.TypeBoolean):
		return `true`
	case s.Type.Is(openapi3.TypeInteger):
		return `1`
	case s.Format == "date-time":
		return `"2023-11-07T05:31:56Z"`
	default:
		return `"a"`
	}
}

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
	doc, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return doc.Components.Schemas
}
