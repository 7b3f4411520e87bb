//go:build grown

// Package growth_test runs in a copy of the module that was generated from the grown contract, see growth_test.go of the root.
package growth_test

import (
	jsonv1 "encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	codec "github.com/kodexa-community/kodexa-go/internal/json"
)

// row is a kind of schema that the contract may come to have.
type row struct {
	Name string   `json:"name"`
	Good []string `json:"good"`
	Bad  []struct {
		Body    string `json:"body"`
		Pointer string `json:"pointer"` // "*" is any
	} `json:"bad"`

	Prints bool `json:"prints"` // as members have the names of all methods that could keep it from that
}

func rows(t *testing.T) (all []row) {
	t.Helper()
	for _, file := range []string{"models.json", "more.json"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var some []row
		if err := json.Unmarshal(text, &some); err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	return all
}

func TestGoodDocumentsSurvive(t *testing.T) {
	t.Parallel()
	decoders := map[string]func([]byte, any) error{
		"this module": codec.Unmarshal,
		"version 1":   jsonv1.Unmarshal,
		"version 2":   func(b []byte, v any) error { return json.Unmarshal(b, v) },
	}
	encoders := map[string]func(any) ([]byte, error){
		"this module": codec.Marshal,
		"version 1":   jsonv1.Marshal,
		"version 2":   func(v any) ([]byte, error) { return json.Marshal(v) },
	}
	for _, row := range rows(t) {
		for _, doc := range row.Good {
			t.Run(row.Name+" "+doc, func(t *testing.T) {
				t.Parallel()
				for by, decode := range decoders {
					value := types[row.Name]()
					if err := decode([]byte(doc), value); err != nil {
						t.Errorf("%s: %v", by, err)
						continue
					}
					for to, encode := range encoders {
						if by != "this module" && by != to {
							continue
						}
						if by != "this module" && reflect.TypeOf(value).Elem().Name() == "" {
							continue // a list or a map has no methods: the caller's JSON package decides
						}
						text, err := encode(value)
						if err != nil || !same(parse(t, doc), parse(t, string(text))) {
							t.Errorf("%s, %s: became %s, %v", by, to, text, err)
						}
					}
					if clone := reflect.ValueOf(value).MethodByName("Clone"); clone.IsValid() {
						if copied := clone.Call(nil)[0].Interface(); !reflect.DeepEqual(copied, reflect.ValueOf(value).Elem().Interface()) {
							t.Errorf("%s: the clone is another", by)
						}
					}
				}
			})
		}
	}
}

func TestNothingPrintsItsValues(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t) {
		if row.Prints {
			continue
		}
		for _, doc := range row.Good {
			value := types[row.Name]()
			if !strings.HasSuffix(reflect.TypeOf(value).Elem().PkgPath(), "/gen") || reflect.TypeOf(value).Elem().Kind() == reflect.String {
				continue // no type of ours, or an enum, whose values the contract tells
			}
			if err := codec.Unmarshal([]byte(doc), value); err != nil {
				continue
			}
			for _, v := range []any{value, reflect.ValueOf(value).Elem().Interface()} {
				for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
					if text := fmt.Sprintf(verb, v); !strings.Contains(text, "{…}") || len(text) > 80 {
						t.Errorf("%s: %s prints %s", row.Name, verb, text)
					}
				}
				if text := slog.AnyValue(v).Resolve().String(); !strings.Contains(text, "{…}") || len(text) > 80 {
					t.Errorf("%s: slog prints %s", row.Name, text)
				}
			}
		}
	}
}

// TestDeepDocumentsAreReadOnce has a model in a list of its own, thousands deep: the run is felt to be slow if time grows with the square
// of depth.
func TestDeepDocumentsAreReadOnce(t *testing.T) {
	t.Parallel()
	const depth = 4000
	for name, level := range map[string][2]string{
		"ReqSelf": {`{"kids":[`, `]}`}, "Tree": {`{"parent":`, `}`}, "UnionRecursive": {`[`, `]`}, "ListOfSelf": {`[`, `]`},
	} {
		text := []byte(strings.Repeat(level[0], depth) + map[string]string{"Tree": "{}"}[name] + strings.Repeat(level[1], depth))
		value := types[name]()
		err := codec.Unmarshal(text, value)
		again, errEncode := codec.Marshal(value)
		if err != nil || errEncode != nil {
			t.Errorf("%s: %.200v, %.200v", name, err, errEncode)
		}
		if name != "ReqSelf" && string(again) != string(text) {
			t.Errorf("%s: became something else", name)
		}
	}
}

func TestClonesShareNothing(t *testing.T) {
	t.Parallel()
	for _, row := range rows(t) {
		for _, doc := range row.Good {
			value := types[row.Name]()
			if err := codec.Unmarshal([]byte(doc), value); err != nil {
				t.Errorf("%s: %v", row.Name, err)
			}
			clone := reflect.ValueOf(value).MethodByName("Clone")
			if !clone.IsValid() {
				continue
			}
			original, shared := map[uintptr]bool{}, 0
			walk(reflect.ValueOf(value).Elem(), func(at uintptr) { original[at] = true })
			walk(clone.Call(nil)[0], func(at uintptr) {
				if original[at] {
					shared++
				}
			})
			if shared > 0 {
				t.Errorf("%s of %s shares %d places with its clone", row.Name, doc, shared)
			}
		}
	}
}

// walk visits where the pointers, maps and lists in v point to.
func walk(v reflect.Value, visit func(at uintptr)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice:
		if v.IsNil() || v.Kind() == reflect.Slice && v.Cap() == 0 {
			return
		}
		visit(v.Pointer())
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			walk(v.Elem(), visit)
		}
	case reflect.Map:
		for _, value := range v.Seq2() {
			walk(value, visit)
		}
	case reflect.Slice:
		for i := range v.Len() {
			walk(v.Index(i), visit)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return // nothing changes a time zone
		}
		for i := range v.NumField() {
			walk(v.Field(i), visit)
		}
	}
}

// same reports whether two texts say the same. Numbers are compared by what they are worth.
func same(a, b any) bool {
	switch a := a.(type) {
	case jsonv1.Number:
		b, ok := b.(jsonv1.Number)
		if !ok {
			return false
		}
		x, okX := new(big.Rat).SetString(string(a))
		y, okY := new(big.Rat).SetString(string(b))
		return okX && okY && x.Cmp(y) == 0
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name := range a {
			if other, found := b[name]; !found || !same(a[name], other) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(a, b)
	}
}

func parse(t *testing.T, doc string) any {
	t.Helper()
	dec := jsonv1.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil || !jsontext.Value(doc).IsValid() {
		t.Errorf("%q: %v", doc, err)
	}
	return value
}
