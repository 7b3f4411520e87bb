package kodexa_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// TestGrownContract generates, in a copy of the module, from a contract that has all of api/growth, and runs the tests there.
// That no line but the contract's is written is what it shows.
func TestGrownContract(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("generates and compiles a copy of the module")
	}
	dir := t.TempDir()
	copyModule(t, dir)
	grow(t, dir)
	goCommand(t, dir, "generate", ".")
	goCommand(t, dir, "test", "-tags=grown", "-count=1", "./api/growth")
}

// grow adds api/growth to the contract in dir: each kind of schema as what a POST sends and answers.
func grow(t *testing.T, dir string) {
	t.Helper()
	growth := filepath.Join("api", "growth")
	part := func(name string) string { return string(contentOf(t, checkout, "api/growth/"+name)) }
	paths, schemas := part("paths.yaml")+part("operations.yaml"), ""
	types := "//go:build grown\n\npackage growth_test\n\nimport \"github.com/kodexa-community/kodexa-go/gen\"\n\nvar types = map[string]func() any{\n"
	for _, file := range []string{"models.json", "more.json"} {
		var rows []struct {
			Name       string                    `json:"name"`
			Schema     jsontext.Value            `json:"schema"`
			Components map[string]jsontext.Value `json:"components"`
		}
		if err := jsonv2.Unmarshal([]byte(part(file)), &rows); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			const ref = `{"application/json":{"schema":{"$ref":"#/components/schemas/%[1]s"}}}`
			paths += fmt.Sprintf("  /api/x/%[1]s: "+`{"post":{"operationId":"send%[1]s","requestBody":{"required":true,"content":`+ref+
				`},"responses":{"200":{"description":"it","content":`+ref+"}}}}\n", row.Name)
			schemas += fmt.Sprintf("    %s: %s\n", row.Name, row.Schema)
			for name, schema := range row.Components {
				schemas += fmt.Sprintf("    %s: %s\n", name, schema)
			}
			types += fmt.Sprintf("\t%[1]q: func() any { return new(gen.Send%[1]sJSONRequestBody) },\n", row.Name)
		}
	}
	spec := string(contentOf(t, checkout, "openapi.yaml"))
	for after, added := range map[string]string{
		"paths:\n": paths, "components:\n": part("components.yaml"), "  securitySchemes:\n": part("security.yaml"), "  schemas:\n": schemas,
	} {
		if strings.Count(spec, "\n"+after) != 1 {
			t.Fatal("openapi.yaml has another shape than this test knows")
		}
		spec = strings.Replace(spec, "\n"+after, "\n"+after+added, 1)
	}
	for name, text := range map[string]string{"openapi.yaml": spec, filepath.Join(growth, "types_test.go"): types + "}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
