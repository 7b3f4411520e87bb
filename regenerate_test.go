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

// getSession is a second operation, as someone would add it to the contract.
const getSession = `
    get:
      operationId: getSession
      summary: Get Session
      parameters:
        - name: id
          in: path
          required: true
          schema:
            type: string
            format: uuid
      responses:
        "200":
          description: The session
          content:
            application/json:
              schema:
                $ref: "#/components/schemas/Session"
`

// useOfGetSession is a test of the regenerated copy.
const useOfGetSession = `package second_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

func TestGetSession(t *testing.T) {
	id := uuid.MustParse("3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90")
	for name, tt := range map[string]struct {
		status            int
		contentType, body string
		pointer           string // of the violation
		refused, answered bool
	}{
		"good body":     {status: 200, contentType: "application/json", body: "{\"state\":\"OPEN\",\"lastAccessed\":1}"},
		"bad body":      {status: 200, contentType: "application/json", body: "{\"organization\":{\"slug\":1}}", pointer: "/organization/slug", refused: true},
		"bad date-time": {status: 200, contentType: "application/json", body: "{\"createdOn\":\"2024-02-30T10:20:30Z\"}", pointer: "/createdOn", refused: true},
		"HTML":          {status: 200, contentType: "text/html", body: "<html>", refused: true},
		"empty":         {status: 200, contentType: "application/json", refused: true},
		"201":           {status: 201, contentType: "application/json", body: "{}", refused: true},
		"404":           {status: 404, contentType: "text/html", body: "<html>", answered: true},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != "GET" || r.URL.Path != "/api/sessions/"+id.String() || r.Header.Get("x-api-key") != "the-key" {
					t.Errorf("%s %s, key sent: %v", r.Method, r.URL.Path, r.Header.Get("x-api-key") == "the-key")
				}
				w.Header().Set("Content-Type", tt.contentType)
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			}))
			defer server.Close()
			client, err := kodexa.New(kodexa.WithBaseURL(server.URL), kodexa.WithAPIKey("the-key"))
			if err != nil {
				t.Fatal(err)
			}
			res, err := client.API().GetSessionWithResponse(t.Context(), id)
			broken, isRefused := errors.AsType[*kodexa.ContractError](err)
			answer, isAnswered := errors.AsType[*kodexa.APIError](err)
			if isRefused != tt.refused || isAnswered != tt.answered || (err == nil) != (res != nil) {
				t.Fatalf("%v, %v", res, err)
			}
			if isRefused && (broken.Violations[0].Pointer != tt.pointer || broken.Method+" "+broken.Path != "GET /api/sessions/{id}") {
				t.Error(err)
			}
			if isAnswered && (answer.StatusCode != 404 || !errors.Is(err, kodexa.ErrNotFound) || answer.Path != "/api/sessions/{id}") {
				t.Error(err)
			}
			if err == nil && *res.JSON200.State != "OPEN" {
				t.Error("the body is not decoded")
			}
		})
	}
}
`

func TestOperationAddedToTheContractWorksAfterGenerating(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("generates and compiles a copy of the module")
	}
	dir := t.TempDir()
	copyModule(t, dir)

	spec := string(contentOf(t, checkout, "openapi.yaml"))
	const before = "components:\n"
	if strings.Count(spec, before) != 1 {
		t.Fatal("openapi.yaml has another shape than this test knows")
	}
	writeFile(t, filepath.Join(dir, "openapi.yaml"), strings.Replace(spec, before, strings.TrimPrefix(getSession, "\n")+before, 1))
	writeFile(t, filepath.Join(dir, "second", "second_test.go"), useOfGetSession)

	goCommand(t, dir, "generate", ".")
	goCommand(t, dir, "test", "-count=1", "./second")
}

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

func TestGeneratedPackageDoesNotLinkTheValidator(t *testing.T) {
	t.Parallel()
	deps := strings.Fields(goCommand(t, ".", "list", "-deps", "./gen"))
	if !slices.Contains(deps, "net/http") {
		t.Fatalf("these are not the dependencies: %q", deps)
	}
	for _, dep := range deps {
		if strings.Contains(dep, "kin-openapi") || strings.Contains(dep, "yaml") || dep == "testing" || dep == "github.com/kodexa-community/kodexa-go" {
			t.Errorf("gen links %s", dep)
		}
	}
}

func TestImportingDoesNoWork(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{".", "gen"} {
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

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
