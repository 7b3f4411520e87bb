package json_test

import (
	jsonv1 "encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/oapi-codegen/nullable"

	"github.com/kodexa-community/kodexa-go/gen"
	codec "github.com/kodexa-community/kodexa-go/internal/json"
)

// broken are raw values that are not JSON, some of which would be when they stand in an object.
var broken = []string{
	``, ` `, `1,"y":2`, `1}`, `1},{"y":2`, `1]`, `[1],[2]`, `"a","b"`, `"a":1`, `1 2`, `}`, `{}}`, `{"a":1},"y":{}`, `"a`, `"a\"`, `[1`, `,`, `:1`, `tru`,
	`01`, `-`, `1.`, `nullx`, `'a'`, "\"\n\"", `[}`, `{]`, `[1 2]`, `{"a"}`, `{"a":}`, `{1:2}`, `[,]`, `[1,]`, `{"a":1,}`, `[nul]`, `{"a":1,"a":2}`, "\"\xff\"", `["\ud800"]`,
	strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
}

// places are sessions with a raw value in the places where one can be, others around it.
func places(raw string) map[jsontext.Pointer]gen.Session {
	around := map[string]codec.RawMessage{"a": codec.RawMessage(`0`), "x": codec.RawMessage(raw), "z": codec.RawMessage(`[]`)}
	return map[jsontext.Pointer]gen.Session{
		"/x":                       {AdditionalProperties: around},
		"/organization/features/x": {Organization: &gen.Organization{Features: &around}},
		"/organization/x":          {Organization: &gen.Organization{AdditionalProperties: around}, UUID: new("u")},
	}
}

func TestABrokenRawValueIsNamed(t *testing.T) {
	t.Parallel()
	for _, raw := range broken {
		for place, s := range places(raw) {
			text, err := codec.Marshal(s)
			checkError(t, err, place, "the raw value is not JSON")
			if text != nil {
				t.Errorf("%q at %s became %s", raw, place, text)
			}
		}
	}
}

// checkError reports an error that is not at place, or for another reason.
func checkError(t *testing.T, err error, place jsontext.Pointer, reason string) {
	t.Helper()
	semantic, ok := errors.AsType[*json.SemanticError](err)
	if !ok || semantic.JSONPointer != place || semantic.Err == nil || !strings.Contains(semantic.Err.Error(), reason) {
		t.Errorf("got %v, want it at %q: %s", err, place, reason)
	}
}

func TestEncodeErrorsSayWhereAndWhy(t *testing.T) {
	t.Parallel()
	bad := gen.Session{ID: new("secret\xff")}
	year := time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)
	named := gen.Session{Organization: &gen.Organization{Slug: new("secret"), AdditionalProperties: map[string]codec.RawMessage{"slug": codec.RawMessage(`"secret"`)}}}
	for _, test := range []struct {
		value  any
		place  jsontext.Pointer
		reason string
	}{
		{bad, "/id", "invalid UTF-8"},
		{&bad, "/id", "invalid UTF-8"},
		{[]gen.Session{{}, {}, bad}, "/2/id", "invalid UTF-8"},
		{map[string][]gen.Session{"a": {{}, bad}}, "/a/1/id", "invalid UTF-8"},
		{map[string]gen.Session{"a": bad}, "/a/id", "invalid UTF-8"},
		{gen.Session{OrganizationID: nullable.NewNullableWithValue("secret\xff")}, "/organizationId", "invalid UTF-8"},
		{gen.Session{Organization: &gen.Organization{Memory: &gen.OrganizationMemory{OrderedDashboards: &[]string{"a", "secret\xff"}}}}, "/organization/memory/orderedDashboards/1", "invalid UTF-8"},
		{gen.Session{CreatedOn: &year}, "/createdOn", "year outside of range [0,9999]"},
		{gen.Session{Organization: &gen.Organization{UpdatedOn: &year}}, "/organization/updatedOn", "year outside of range [0,9999]"},
		{named, "/organization/slug", "the contract names this member"},
		{struct{ F float64 }{math.NaN()}, "/F", "unsupported value: NaN"},
		{[]string{"a", "secret\xff"}, "/1", "invalid UTF-8"},
		{[]codec.RawMessage{codec.RawMessage("1"), codec.RawMessage("secret")}, "/1", "the raw value is not JSON"},
		{map[string]any{"a": []any{map[string]any{"b": codec.RawMessage("secret")}}}, "/a/0/b", "the raw value is not JSON"},
	} {
		_, err := codec.Marshal(test.value)
		checkError(t, err, test.place, test.reason)
		_, errV2 := json.Marshal(test.value)
		_, errV1 := jsonv1.Marshal(test.value)
		for _, err := range []error{err, errV2, errV1} {
			if _, isModel := test.value.(gen.Session); isModel && (err == nil || strings.Contains(err.Error(), "secret")) {
				t.Errorf("%s: %v", test.place, err)
			}
		}
	}
}

func TestErrorsOfModelsInsideOthersNameTheirPlace(t *testing.T) {
	t.Parallel()
	bad := gen.Session{ID: new("\xff")}
	for place, value := range map[jsontext.Pointer]any{
		"/id":     bad,
		"/0/id":   []gen.Session{bad},
		"/2/id":   []gen.Session{{}, {}, bad},
		"/a/1/id": map[string][]gen.Session{"a": {{}, bad}},
		"/a/id":   map[string]gen.Session{"a": bad},
	} {
		_, err := json.Marshal(value)
		checkError(t, err, place, "invalid UTF-8")
	}
}

func TestANameThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	s := gen.Session{Organization: &gen.Organization{AdditionalProperties: map[string]codec.RawMessage{"\xff": codec.RawMessage("1")}}}
	_, err := codec.Marshal(s)
	checkError(t, err, "/organization", "invalid UTF-8")
}

// TestValuesOfAnyKindAreWritten has what stands in members whose schema is {}, type: object or items: {}.
func TestValuesOfAnyKindAreWritten(t *testing.T) {
	t.Parallel()
	type model struct {
		Any  any                          `json:"any,omitempty"`
		List *[]any                       `json:"list,omitempty"`
		Map  *map[string]any              `json:"map,omitempty"`
		Null nullable.Nullable[any]       `json:"null,omitempty"`
		Many []nullable.Nullable[[]any]   `json:"many,omitempty"`
		Raw  codec.RawMessage             `json:"raw,omitempty"`
		Raws *map[string]codec.RawMessage `json:"raws,omitempty"`
	}
	for want, value := range map[string]model{
		`{}`:                         {},
		`{"any":1}`:                  {Any: 1},
		`{"any":""}`:                 {Any: ""},
		`{"any":{}}`:                 {Any: map[string]any{}},
		`{"any":[null,{"a":1.10}]}`:  {Any: []any{nil, codec.RawMessage(`{"a":1.10}`)}},
		`{"any":{"state":"s"}}`:      {Any: gen.Session{State: new("s")}},
		`{"list":["a",[],null]}`:     {List: &[]any{"a", []string{}, codec.RawMessage(nil)}},
		`{"map":{"a":1,"b":"2"}}`:    {Map: &map[string]any{"b": "2", "a": 1}},
		`{"null":null}`:              {Null: nullable.NewNullNullable[any]()},
		`{"null":{"a":[1]}}`:         {Null: nullable.NewNullableWithValue[any](map[string]any{"a": []int{1}})},
		`{"many":[null,["\u003c"]]}`: {Many: []nullable.Nullable[[]any]{nullable.NewNullNullable[[]any](), nullable.NewNullableWithValue([]any{codec.RawMessage(`"\u003c"`)})}},
		`{"raw":""}`:                 {Raw: codec.RawMessage(`""`)},
		`{"raws":{"a":null,"b":{}}}`: {Raws: &map[string]codec.RawMessage{"b": codec.RawMessage("{ }"), "a": nil}},
	} {
		for _, v := range []any{value, &value} {
			if text, err := codec.Marshal(v); err != nil || string(text) != want {
				t.Errorf("got %s, %v, want %s", text, err, want)
			}
		}
	}
	for _, value := range []any{make(chan int), func() {}, math.Inf(1), map[bool]any{true: func() {}}} {
		if text, err := codec.Marshal(model{Any: value}); err == nil {
			t.Errorf("%T became %s", value, text)
		}
	}
}

func TestRawValuesKeepTheirBytes(t *testing.T) {
	t.Parallel()
	const raw = `{"b":1.10,"a":[1e999,"\u003c\/"]}`
	text, err := codec.Marshal(gen.AuthGroupLink{AdditionalProperties: map[string]codec.RawMessage{
		"x": codec.RawMessage("\n" + strings.ReplaceAll(raw, ",", " , ") + " "), "n": nil,
	}})
	if err != nil || string(text) != `{"n":null,"x":`+raw+`}` {
		t.Errorf("got %s, %v", text, err)
	}
}

// TestAnOddOffsetIsWrittenAsUTC has time zones that RFC 3339 has no spelling for: one of the nineteenth century, and a day or more.
func TestAnOddOffsetIsWrittenAsUTC(t *testing.T) {
	t.Parallel()
	for offset, want := range map[int]string{
		19*60 + 32:     `"1890-01-01T11:40:28Z"`,
		24 * 60 * 60:   `"1889-12-31T12:00:00Z"`,
		-100 * 60 * 60: `"1890-01-05T16:00:00Z"`,
	} {
		moment := time.Date(1890, 1, 1, 12, 0, 0, 0, time.FixedZone("odd", offset))
		for _, value := range []any{gen.Session{CreatedOn: &moment}, map[string]any{"createdOn": moment}, map[string]nullable.Nullable[time.Time]{"createdOn": nullable.NewNullableWithValue(moment)}} {
			text, err := codec.Marshal(value)
			if err != nil || string(text) != `{"createdOn":`+want+`}` {
				t.Errorf("%d: got %s, %v", offset, text, err)
			}
		}
		if text, err := jsonv1.Marshal(gen.Session{CreatedOn: &moment}); err != nil || string(text) != `{"createdOn":`+want+`}` {
			t.Errorf("%d: version 1 wrote %s, %v", offset, text, err)
		}
	}
}

func FuzzRawValue(f *testing.F) {
	for _, raw := range broken {
		f.Add(raw)
	}
	f.Add(` {"a": [1.10, "\u00e9"]} `)
	f.Fuzz(func(t *testing.T, raw string) {
		for place, s := range places(raw) {
			text, err := codec.Marshal(s)
			if valid := jsontext.Value(raw).IsValid(); valid != (err == nil) {
				t.Fatalf("%q at %s became %s, %v", raw, place, text, err)
			}
			if err != nil {
				continue
			}
			var again gen.Session
			if err := codec.UnmarshalStrict(text, &again); err != nil {
				t.Fatalf("%q at %s became %s: %v", raw, place, text, err)
			}
			if once, err := codec.Marshal(again); err != nil || string(once) != string(text) {
				t.Fatalf("%q at %s became %s and then %s, %v", raw, place, text, once, err)
			}
		}
	})
}
