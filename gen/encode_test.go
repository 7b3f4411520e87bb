package gen_test

import (
	"bytes"
	jsonv1 "encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonlegacy "github.com/go-json-experiment/json/v1"

	"github.com/kodexa-community/kodexa-go/gen"
)

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
