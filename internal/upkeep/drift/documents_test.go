package drift

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// An edit sets what a path of names, parted by dots, leads to; nil removes it.
type edit struct {
	path  string
	value any
}

type object = map[string]any

func apply(t *testing.T, doc object, edits []edit) {
	t.Helper()
	for _, e := range edits {
		names := strings.Split(e.path, ".")
		at := doc
		for _, name := range names[:len(names)-1] {
			at = child(at, name)
		}
		if last := names[len(names)-1]; e.value == nil {
			delete(at, last)
		} else {
			at[last] = spelled("3.0", e.value)
		}
	}
}

// shipped returns the contract as a tree that can be edited.
func shipped(t *testing.T) object {
	t.Helper()
	doc, err := parse(kodexa.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// surround adds to a document three times n operations as vendors have them, with a schema for each three, and some that are
// broken.
func surround(doc object, n int) {
	paths, schemas := child(doc, "paths"), child(child(doc, "components"), "schemas")
	for i := range n {
		name := fmt.Sprintf("Thing%d", i)
		ref := object{"$ref": "#/components/schemas/" + name}
		content := object{"application/json": object{"schema": ref}}
		answers := object{"200": object{"description": "OK", "content": content}, "404": object{"description": "No"}}
		paths["/api/"+strings.ToLower(name)] = object{
			"get":  object{"operationId": "list" + name, "tags": []any{"things"}, "responses": answers},
			"post": object{"operationId": "make" + name, "requestBody": object{"required": true, "content": content}, "responses": answers},
		}
		paths["/api/"+strings.ToLower(name)+"/{id}"] = object{
			"parameters": []any{object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string"}}},
			"delete":     object{"operationId": "remove" + name, "responses": object{"204": object{"description": "gone"}}},
		}
		schemas[name] = object{"type": "object", "properties": object{
			"next": ref, "other": object{"$ref": fmt.Sprintf("#/components/schemas/Thing%d", (i+7)%n)}, "session": object{"type": "integer"},
		}}
	}
	schemas["Broken"] = object{"type": 7, "required": true, "properties": []any{1}}
	paths["/api/broken"] = object{
		"get":  object{"responses": object{"200": object{"$ref": "#/components/responses/Nowhere"}}},
		"put":  object{"responses": "none", "parameters": object{}},
		"post": 7,
	}
	paths["/api/lost"] = object{"$ref": "#/components/pathItems/Nowhere"}
	paths["/api/null"] = nil
	child(paths, "/api/sessions/{id}")["delete"] = object{"parameters": []any{object{"$ref": "#/components/parameters/Nowhere"}}, "responses": 1}
}

// spelled returns a copy of a tree of OpenAPI 3.0 as a version has it.
func spelled(version string, value any) any {
	switch value := value.(type) {
	case object:
		copied := object{}
		for name, v := range value {
			copied[name] = spelled(version, v)
		}
		if version == "3.0" {
			return copied
		}
		if kind, ok := value["type"].(string); ok && value["nullable"] == true {
			copied["type"] = []any{"null", kind}
			delete(copied, "nullable")
		}
		if value["openapi"] != nil {
			copied["openapi"] = "3.1.0"
		}
		return copied
	case []any:
		copied := make([]any, len(value))
		for i, v := range value {
			copied[i] = spelled(version, v)
		}
		return copied
	}
	return value
}

// forms are the ways in which a document comes.
var forms = map[string]func(t *testing.T, doc object) []byte{
	"3.0 JSON": func(t *testing.T, doc object) []byte { t.Helper(); return encode(t, json.Marshal, spelled("3.0", doc)) },
	"3.0 YAML": func(t *testing.T, doc object) []byte { t.Helper(); return encode(t, asYAML, spelled("3.0", doc)) },
	"3.1 JSON": func(t *testing.T, doc object) []byte { t.Helper(); return encode(t, json.Marshal, spelled("3.1", doc)) },
	"3.1 YAML": func(t *testing.T, doc object) []byte { t.Helper(); return encode(t, asYAML, spelled("3.1", doc)) },
}

func asYAML(value any) ([]byte, error) { return yaml.Dump(value) }

func encode(t *testing.T, marshal func(any) ([]byte, error), doc any) []byte {
	t.Helper()
	data, err := marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
