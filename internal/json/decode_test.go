package json_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/oapi-codegen/nullable"

	"github.com/kodexa-community/kodexa-go/gen"
	codec "github.com/kodexa-community/kodexa-go/internal/json"
)

// TestManyMembersOfAllSizes has values below and above what is kept together, and more than one allocation of those.
func TestManyMembersOfAllSizes(t *testing.T) {
	t.Parallel()
	features, dashboards := map[string]codec.RawMessage{}, []string{}
	for i := range 300 {
		text := strings.Repeat("é", i)
		features[fmt.Sprintf("%d%s", i, text)] = codec.RawMessage(`"` + text + `"`)
		dashboards = append(dashboards, text)
	}
	want := gen.Session{ID: new(strings.Repeat("i", 1000)), AdditionalProperties: features, Organization: &gen.Organization{
		Features: &features, Memory: &gen.OrganizationMemory{OrderedDashboards: &dashboards},
	}}
	text, err := codec.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got gen.Session
	if err := codec.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("became something else: %v", err)
	}
}

func TestWhatIsDecodedIsItsOwn(t *testing.T) {
	t.Parallel()
	const doc = `{"id":"a","organization":{"features":{"a":1,"b":[2],"c":"3"},"memory":{"orderedDashboards":["d","e"]}},"x":"y","z":{}}`
	text := []byte(doc)
	var s gen.Session
	if err := codec.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] = '#'
	}
	for _, members := range []map[string]codec.RawMessage{*s.Organization.Features, s.AdditionalProperties} {
		for _, value := range members {
			_ = append(value, "######"...)
		}
	}
	if got, err := codec.Marshal(s); err != nil || string(got) != doc {
		t.Errorf("became %s, %v", got, err)
	}
}

func TestOnlyStrictReadingFindsRepeatedNames(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`{"id":"a","id":"a"}`, `{"x":1,"x":1}`, `{"organization":{"name":"a","\u006eame":"a"}}`, `{"x":{"a":1,"a":1}}`, `{"organization":{"features":{"a":1,"a":1}}}`,
	} {
		var s gen.Session
		if err := codec.Unmarshal([]byte(doc), &s); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
		if err := codec.UnmarshalStrict([]byte(doc), &s); !errors.Is(err, jsontext.ErrDuplicateName) {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// TestValuesOfAnyKindAreKept has what stands in members whose schema is {}, type: object or items: {}.
func TestValuesOfAnyKindAreKept(t *testing.T) {
	t.Parallel()
	type model struct {
		Any  any                        `json:"any"`
		List []any                      `json:"list"`
		Map  map[string]any             `json:"map"`
		Null nullable.Nullable[any]     `json:"null"`
		Many []nullable.Nullable[[]any] `json:"many"`
	}
	const big, text = `12345678901234567890123`, `"\u003c"`
	doc := fmt.Sprintf(`{"any":%s,"list":[%[1]s,null],"map":{"a":%[1]s,"b":%s},"null":%[1]s,"many":[null,[%[1]s]]}`, big, text)
	raw := func(s string) any { return codec.RawMessage(s) }
	want := model{
		Any: raw(big), List: []any{raw(big), raw("null")}, Map: map[string]any{"a": raw(big), "b": raw(text)}, Null: nullable.NewNullableWithValue(raw(big)),
		Many: []nullable.Nullable[[]any]{nullable.NewNullNullable[[]any](), nullable.NewNullableWithValue([]any{raw(big)})},
	}
	var got model
	if err := codec.Unmarshal([]byte(doc), &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, %v", got, err)
	}
	if again, err := codec.Marshal(got); err != nil || string(again) != doc {
		t.Errorf("became %s, %v", again, err)
	}
	for _, doc := range []string{`{"null":`, `{"any":tru}`, `{"many":[[`, `{"many":["a"]}`, `{"null":nul}`} {
		if err := codec.Unmarshal([]byte(doc), new(model)); err == nil {
			t.Errorf("accepts %s", doc)
		}
	}
}

func TestDateTimesMustBeThoseOfRFC3339(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2023-11-07T5:31:56Z", "2023-11-07T05:31:56,5Z", "2023-11-07T05:31:56+24:00", "2023-11-07T05:31:56+00:60", "2023-02-30T05:31:56Z", "2023-11-07T05:31:60Z",
		"2023-11-07T24:00:00Z", "2023-11-07 05:31:56Z", "2023-11-07T05:31Z", "2023-11-07", "2023-11-07T05:31:56", "",
	} {
		var s gen.Session
		if err := codec.Unmarshal([]byte(`{"createdOn":"`+text+`"}`), &s); err == nil {
			t.Errorf("accepts %s as %v", text, s.CreatedOn)
		}
	}
	var s gen.Session
	if err := codec.Unmarshal([]byte(`{"createdOn":"2023\u002d11-07T05:31:56Z"}`), &s); err != nil || !s.CreatedOn.Equal(time.Date(2023, 11, 7, 5, 31, 56, 0, time.UTC)) {
		t.Errorf("with an escape: %v, %v", s.CreatedOn, err)
	}
}

// FuzzDecode also has texts that no caller gives: reading them must end, and an error must leave the model as it was.
func FuzzDecode(f *testing.F) {
	for _, raw := range broken {
		for _, before := range []string{
			``, `{"x":`, `{"organization":{"features":`, `{"organization":{"memory":{"orderedDashboards":[`, `{"changeSequence":`, `{"createdOn":`, `{`,
		} {
			f.Add(before + raw)
		}
	}
	f.Add(`{"organizationId":null,"organization":null,"createdOn":"2023-11-07T05:31:56.1+23:59","x":null,"\u0069d":"\n"}`)
	f.Fuzz(func(t *testing.T, doc string) {
		if text, err := jsontext.NewDecoder(strings.NewReader(doc), jsontext.AllowDuplicateNames(true)).ReadValue(); err == nil {
			doc = string(text) // what follows the model is found when it has been read
		}
		got := gen.Session{ID: new("before")}
		err := codec.Unmarshal([]byte(doc), &got)
		if err != nil && !reflect.DeepEqual(got, gen.Session{ID: new("before")}) {
			t.Fatalf("%q: %v, but the model was changed", doc, err)
		}
		if !jsontext.Value(doc).IsValid() {
			return
		}
		var want gen.Session
		if errJSON := json.Unmarshal([]byte(doc), &want); (err == nil) != (errJSON == nil) || err == nil && !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %v, but json.Unmarshal says %v", doc, err, errJSON)
		}
	})
}
