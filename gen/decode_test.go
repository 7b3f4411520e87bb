package gen_test

import (
	jsonv1 "encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonlegacy "github.com/go-json-experiment/json/v1"

	"github.com/kodexa-community/kodexa-go/gen"
)

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
		{"/changeSequence", `42424242.5`},
		{"/changeSequence", `42424242e4242`},
		{"/changeSequence", `["CANARY"]`},
		{"/createdOn", `"CANARY"`},
		{"/createdOn", `"2023-11-07T05:31:56CANARY"`},
		{"/createdOn", `"2023-11-07T99:31:56Z CANARY"`},
		{"/createdOn", `42424242`},
		{"/id", `42424242`},
		{"/id", `{"CANARY":"CANARY"}`},
		{"/organization", `"CANARY"`},
		{"/organization", `42424242`},
		{"/organization/hasImage", `"CANARY"`},
		{"/organization/createdOn", `"CANARY"`},
		{"/organization/features", `"CANARY"`},
		{"/organization/features", `["CANARY"]`},
		{"/organization/authGroupLink/authGroup", `42424242`},
		{"/organization/memory/orderedDashboards", `"CANARY"`},
		{"/organization/memory/orderedDashboards/1", `42424242`},
		{"/organizationId", `42424242`},
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
						if text := fmt.Sprintf(verb, level); strings.Contains(text, canary) || strings.Contains(text, "42424242") {
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
