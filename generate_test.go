package kodexa_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestGeneratedCodeIsWhatTheContractGenerates(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("generates in a copy of the module")
	}
	dir := t.TempDir()
	copyModule(t, dir)
	if err := os.RemoveAll(filepath.Join(dir, "gen")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "gen"), 0o700); err != nil {
		t.Fatal(err)
	}
	goCommand(t, dir, "generate", ".")
	for _, file := range matches(t, "gen/*.gen.go") {
		if !bytes.Equal(contentOf(t, os.DirFS(dir), file), contentOf(t, checkout, file)) {
			t.Errorf("%s is stale or edited by hand: run make generate", file)
		}
	}
}

func TestImporterLinksNoTestsAndNoTools(t *testing.T) {
	t.Parallel()
	deps := strings.Fields(goCommand(t, ".", "list", "-deps", "."))
	if !slices.Contains(deps, "github.com/getkin/kin-openapi/openapi3") {
		t.Fatalf("these are not the dependencies: %q", deps)
	}
	for _, dep := range deps {
		for _, unwanted := range []string{"testing", "net/http/httptest", "oapi-codegen/oapi-codegen", "golangci", "golang.org/x/tools", "kodexatest"} {
			if dep == unwanted || strings.Contains(dep, "/"+unwanted) || strings.HasPrefix(dep, unwanted+"/") {
				t.Errorf("the root package links %s", dep)
			}
		}
	}
}

// What the generated package links is what every package pays that has a model in its signatures.
func TestGeneratedPackageLinksNoValidator(t *testing.T) {
	t.Parallel()
	const module = "github.com/kodexa-community/kodexa-go"
	deps := strings.Fields(goCommand(t, ".", "list", "-deps", "./gen"))
	if !slices.Contains(deps, "net/http") {
		t.Fatalf("these are not the dependencies: %q", deps)
	}
	for _, dep := range deps {
		own := strings.HasPrefix(dep, module) && dep != module+"/gen" && dep != module+"/internal/json"
		if own || strings.Contains(dep, "kin-openapi") || strings.Contains(dep, "yaml") || dep == "testing" {
			t.Errorf("gen links %s", dep)
		}
	}
}

// Only internal/contract knows what checks messages.
func TestOnlyTheContractPackageKnowsTheValidator(t *testing.T) {
	t.Parallel()
	const format = "{{.ImportPath}} {{.Imports}}"
	found := 0
	for line := range strings.Lines(goCommand(t, ".", "list", "-f", format, "./...")) {
		name, imports, _ := strings.Cut(line, " ")
		if !strings.Contains(imports, "kin-openapi") {
			continue
		}
		if found++; !strings.HasSuffix(name, "/internal/contract") {
			t.Errorf("%s imports kin-openapi", name)
		}
	}
	if found == 0 {
		t.Error("no package imports kin-openapi: this test looks at the wrong thing")
	}
}

func TestImportingDoesNoWork(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "gen", "internal/contract", "internal/json"} {
		for _, file := range matches(t, filepath.Join(dir, "*.go")) {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, decl := range parsed.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s has an init function", file)
				}
				if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.VAR && dir == "gen" {
					t.Errorf("%s has a variable", file)
				}
			}
			for _, spec := range parsed.Imports {
				if path := strings.Trim(spec.Path.Value, `"`); strings.HasPrefix(path, "compress/") {
					t.Errorf("%s imports %s: does it hold a packed contract?", file, path)
				}
			}
		}
	}
}

// copyModule copies what is needed to generate and compile the module.
func copyModule(t *testing.T, dir string) {
	t.Helper()
	if _, err := os.Stat("tools/go.mod"); err != nil {
		t.Skip("this is no checkout: the generator is missing")
	}
	target, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = target.Close() }()
	err = fs.WalkDir(checkout, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "bench", "testdata"}, entry.Name()):
			return fs.SkipDir
		case entry.IsDir():
			return target.MkdirAll(path, 0o700)
		case !entry.Type().IsRegular():
			return nil
		}
		content, err := fs.ReadFile(checkout, path)
		if err != nil {
			return err
		}
		return target.WriteFile(path, content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// goCommand runs go outside of any workspace, in which it takes no -modfile.
func goCommand(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...) //nolint:gosec // they are this file's
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return string(out)
}
