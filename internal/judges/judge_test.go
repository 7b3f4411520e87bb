package judges_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"go.yaml.in/yaml/v4"
)

// document is a body that the contract accepts or refuses.
type document struct {
	place  string // in the repository
	schema string
	body   []byte

	pointer string // where it is refused; "*" is anywhere
}

// verdict is what the judge says of a document.
type verdict struct {
	isJSON, accepted bool
	places           []string // JSON pointers to what it refuses
}

// judge has all schemas, by name.
type judge struct{ schemas map[string]*jsonschema.Schema }

func newJudge(t *testing.T, schemas map[string]any) judge {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.AssertContent()
	defs := map[string]any{}
	for name, schema := range schemas {
		defs[name] = translate(t, name, as[map[string]any](t, schema))
	}
	const contract = "https://example.test/contract" // and no name of a file, which would be taken for one in this folder, of any path
	if err := compiler.AddResource(contract, asJSON(t, map[string]any{"$defs": defs})); err != nil {
		t.Fatal(err)
	}
	j := judge{map[string]*jsonschema.Schema{}}
	for name := range schemas {
		schema, err := compiler.Compile(contract + "#/$defs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		j.schemas[name] = schema
	}
	return j
}

func (j judge) judge(t *testing.T, d document) verdict {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.body))
	if err != nil {
		return verdict{}
	}
	err = j.schemas[d.schema].Validate(value)
	if err == nil {
		return verdict{isJSON: true, accepted: true}
	}
	refused, ok := err.(*jsonschema.ValidationError)
	if !ok {
		t.Fatal(err)
	}
	return verdict{isJSON: true, places: placesOf(refused)}
}

// placesOf lists the pointers to all that is refused. A member that is missing, or that should be, is a place too.
func placesOf(err *jsonschema.ValidationError) (places []string) {
	var below []string
	switch of := err.ErrorKind.(type) {
	case *kind.Required:
		below = of.Missing
	case *kind.AdditionalProperties:
		below = of.Properties
	}
	for _, name := range below {
		places = append(places, pointer(append(slices.Clone(err.InstanceLocation), name)))
	}
	for _, cause := range err.Causes {
		places = append(places, placesOf(cause)...)
	}
	if len(places) == 0 {
		places = []string{pointer(err.InstanceLocation)}
	}
	return places
}

func pointer(names []string) (text string) {
	for _, name := range names {
		text += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	return text
}

// asJSON turns what Go or YAML has for numbers into what the judge takes.
func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	value, err = jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// contract returns the schemas of openapi.yaml.
func contract(t *testing.T) map[string]any {
	t.Helper()
	var spec struct {
		Components struct {
			Schemas map[string]any `yaml:"schemas"`
		} `yaml:"components"`
	}
	if err := yaml.Unmarshal(readFile(t, "../../openapi.yaml"), &spec); err != nil || len(spec.Components.Schemas) == 0 {
		t.Fatalf("openapi.yaml has no schemas: %v", err)
	}
	return spec.Components.Schemas
}

// growth returns the schemas of api/growth, and the documents that are good and bad by them.
func growth(t *testing.T) (schemas map[string]any, good, bad []document) {
	t.Helper()
	schemas = map[string]any{}
	for _, file := range []string{"models.json", "more.json"} {
		var rows []struct {
			Name       string         `json:"name"`
			Schema     any            `json:"schema"`
			Components map[string]any `json:"components"`
			Good       []string       `json:"good"`
			Bad        []struct {
				Body    string `json:"body"`
				Pointer string `json:"pointer"`
			} `json:"bad"`
		}
		decode(t, readFile(t, "../../api/growth/"+file), &rows)
		for _, row := range rows {
			row.Components[row.Name] = row.Schema
			maps.Copy(schemas, row.Components)
			place := "api/growth/" + file + ": " + row.Name
			for _, body := range row.Good {
				good = append(good, document{place: place, schema: row.Name, body: []byte(body)})
			}
			for _, of := range row.Bad {
				bad = append(bad, document{place: place, schema: row.Name, body: []byte(of.Body), pointer: of.Pointer})
			}
		}
	}
	return schemas, good, bad
}

// examples are the sessions of api/examples.
func examples(t *testing.T) (documents []document) {
	t.Helper()
	for _, file := range glob(t, "../../api/examples/*.json") {
		documents = append(documents, document{place: file, schema: "Session", body: readFile(t, file)})
	}
	return documents
}

// violations are the sessions of api/violations.
func violations(t *testing.T) (documents []document) {
	t.Helper()
	for _, file := range glob(t, "../../api/violations/*.json") {
		var rows []struct {
			Name    string `json:"name"`
			Body    string `json:"body"`
			Base64  []byte `json:"base64"`
			Pointer string `json:"pointer"`
		}
		decode(t, readFile(t, file), &rows)
		for _, row := range rows {
			body := slices.Concat(row.Base64, []byte(row.Body))
			documents = append(documents, document{place: filepath.Base(file) + ": " + row.Name, schema: "Session", body: body, pointer: row.Pointer})
		}
	}
	return documents
}

func decode(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name) //nolint:gosec // the caller is a test
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatal(pattern, files, err)
	}
	return files
}
