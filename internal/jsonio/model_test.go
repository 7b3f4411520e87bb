package jsonio_test

import (
	jsonv1 "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/internal/jsonio"
)

// broken are raw values that are not JSON, some of which would be when they stand in an object.
var broken = []string{
	``, ` `, `1,"y":2`, `1}`, `1},{"y":2`, `1]`, `[1],[2]`, `"a","b"`, `"a":1`, `1 2`, `}`, `{}}`, `{"a":1},"y":{}`, `"a`, `"a\"`, `[1`, `,`, `:1`, `tru`,
	`01`, `-`, `1.`, `nullx`, `'a'`, "\"\n\"", `[}`, `{]`, `[1 2]`, `{"a"}`, `{"a":}`, `{1:2}`, `[,]`, `[1,]`, `{"a":1,}`, `[nul]`, `{"a":1,"a":2}`, "\"\xff\"", `["\ud800"]`,
}

// TestABrokenRawValueShows that no raw value can be taken for JSON because of what stands around it.
func TestABrokenRawValueShows(t *testing.T) {
	t.Parallel()
	for _, raw := range broken {
		for place, s := range places(raw) {
			text, err := jsonio.Encode(&s)
			if err == nil && jsontext.Value(text).IsValid() {
				t.Errorf("%q in %s became %s", raw, place, text)
			}
		}
	}
}

// places are sessions with a raw value in the places where one can be, others around it.
func places(raw string) map[string]gen.Session {
	around := func() map[string]jsonv1.RawMessage {
		return map[string]jsonv1.RawMessage{"a": jsonv1.RawMessage(`0`), "x": jsonv1.RawMessage(raw), "z": jsonv1.RawMessage(`[]`)}
	}
	features := around()
	return map[string]gen.Session{
		"a session":       {AdditionalProperties: around()},
		"features":        {Organization: &gen.Organization{Features: &features}},
		"an organization": {Organization: &gen.Organization{AdditionalProperties: around()}, UUID: new("u")},
	}
}

func FuzzRawValue(f *testing.F) {
	for _, raw := range broken {
		f.Add(raw)
	}
	f.Add(` {"a": [1.10, "\u00e9"]} `)
	f.Fuzz(func(t *testing.T, raw string) {
		for place, s := range places(raw) {
			text, err := jsonio.Encode(&s)
			valid := err == nil && jsontext.Value(text).IsValid()
			if want := jsontext.Value(raw).IsValid(); valid != want {
				t.Fatalf("%q in %s became %s, %v", raw, place, text, err)
			}
			if !valid {
				continue
			}
			var again gen.Session
			if err := jsonio.Decode(text, &again); err != nil {
				t.Fatalf("%q in %s became %s: %v", raw, place, text, err)
			}
			if once, err := jsonio.Encode(&again); err != nil || string(once) != string(text) {
				t.Fatalf("%q in %s became %s and then %s, %v", raw, place, text, once, err)
			}
		}
	})
}

func TestRawValuesKeepTheirBytes(t *testing.T) {
	t.Parallel()
	const raw = `{ "b" : 1.10, "a": [ 1e999 , "\u003c\/" ] }`
	text, err := jsonio.Encode(&gen.AuthGroupLink{AdditionalProperties: map[string]jsonv1.RawMessage{"x": jsonv1.RawMessage("\n" + raw + " "), "n": nil}})
	if err != nil || string(text) != `{"n":null,"x":`+raw+`}` {
		t.Errorf("got %s, %v", text, err)
	}
}

// TestManyMembersOfAllSizes has values below and above what is kept together, and more than one allocation of those.
func TestManyMembersOfAllSizes(t *testing.T) {
	t.Parallel()
	features, dashboards := map[string]jsonv1.RawMessage{}, []string{}
	for i := range 300 {
		text := strings.Repeat("é", i)
		features[fmt.Sprintf("%d%s", i, text)] = jsonv1.RawMessage(`"` + text + `"`)
		dashboards = append(dashboards, text)
	}
	want := gen.Session{ID: new(strings.Repeat("i", 1000)), Organization: &gen.Organization{Features: &features, Memory: &gen.OrganizationMemory{OrderedDashboards: &dashboards}}}
	text, err := jsonio.Encode(&want)
	if err != nil {
		t.Fatal(err)
	}
	var got gen.Session
	if err := jsonio.Decode(text, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("became something else: %v", err)
	}
}

func TestWhatIsDecodedIsItsOwn(t *testing.T) {
	t.Parallel()
	const doc = `{"id":"a","organization":{"features":{"a":1,"b":[2],"c":"3"},"memory":{"orderedDashboards":["d","e"]}},"x":"y","z":{}}`
	text := []byte(doc)
	var s gen.Session
	if err := jsonio.Decode(text, &s); err != nil {
		t.Fatal(err)
	}
	for i := range text {
		text[i] = '#'
	}
	for _, members := range []map[string]jsonv1.RawMessage{*s.Organization.Features, s.AdditionalProperties} {
		for _, value := range members {
			_ = append(value, "######"...)
		}
	}
	if got, err := jsonio.Encode(&s); err != nil || string(got) != doc {
		t.Errorf("became %s, %v", got, err)
	}
}

func TestEncodedTextIsItsOwn(t *testing.T) {
	t.Parallel()
	var group sync.WaitGroup
	for i, letter := range "abcdefgh" {
		group.Go(func() {
			session := gen.Session{ID: new(strings.Repeat(string(letter), 1+i*9000))}
			want, err := json.Marshal(session)
			if err != nil {
				t.Error(err)
			}
			var texts [][]byte
			for range 50 {
				text, err := jsonio.Encode(&session)
				if err != nil {
					t.Error(err)
				}
				texts = append(texts, text)
			}
			for _, text := range texts {
				if string(text) != string(want) {
					t.Errorf("became %.99s", text)
				}
			}
		})
	}
	group.Wait()
}

// TestAnOffsetOfSecondsIsWrittenAsUTC has a time zone of the nineteenth century, which RFC 3339 has no spelling for.
func TestAnOffsetOfSecondsIsWrittenAsUTC(t *testing.T) {
	t.Parallel()
	amsterdam := time.FixedZone("LMT", 19*60+32)
	text, err := jsonio.Encode(&gen.Session{CreatedOn: new(time.Date(1890, 1, 1, 0, 0, 0, 0, amsterdam))})
	if err != nil || string(text) != `{"createdOn":"1889-12-31T23:40:28Z"}` {
		t.Errorf("got %s, %v", text, err)
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
		got := gen.Session{ID: new("before")}
		err := jsonio.Decode([]byte(doc), &got)
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

func TestIsEmpty(t *testing.T) {
	t.Parallel()
	for name, got := range map[string]bool{
		"nil map": jsonio.IsEmpty(map[string]int(nil)), "empty slice": jsonio.IsEmpty([]int{}), "empty text": jsonio.IsEmpty(""),
		"zero": jsonio.IsEmpty(0), "false": jsonio.IsEmpty(false), "nil interface": jsonio.IsEmpty(any(nil)), "nil pointer": jsonio.IsEmpty((*int)(nil)),
	} {
		if !got {
			t.Errorf("%s is not empty", name)
		}
	}
	for name, got := range map[string]bool{
		"map": jsonio.IsEmpty(map[string]int{"": 0}), "slice": jsonio.IsEmpty([]int{0}), "text": jsonio.IsEmpty(" "), "number": jsonio.IsEmpty(-1),
		"interface that holds an empty text": jsonio.IsEmpty(any("")), "interface that holds zero": jsonio.IsEmpty(any(0)), "pointer to zero": jsonio.IsEmpty(new(0)),
	} {
		if got {
			t.Errorf("%s is empty", name)
		}
	}
}

func TestErrorsOfModelsInsideOthersNameTheirPlace(t *testing.T) {
	t.Parallel()
	broken := gen.Session{ID: new("\xff")}
	for want, value := range map[jsontext.Pointer]any{
		"/id":     broken,
		"/0/id":   []gen.Session{broken},
		"/2/id":   []gen.Session{{}, {}, broken},
		"/a/1/id": map[string][]gen.Session{"a": {{}, broken}},
		"/a/id":   map[string]gen.Session{"a": broken},
	} {
		_, err := json.Marshal(value)
		if semantic, ok := errors.AsType[*json.SemanticError](err); !ok || semantic.JSONPointer != want {
			t.Errorf("got %v, want it at %s", err, want)
		}
	}
}
