package main

import (
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// lint runs the linter of one checkout over a contract in another folder.
func lint(t *testing.T, root, contract string, environment ...string) (output, status string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "openapi.yaml")
	if err := os.WriteFile(path, []byte(contract), 0o600); err != nil {
		t.Fatal(err)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	script, config := filepath.Join(root, "tools", "redocly.sh"), filepath.Join(root, "tools", "npm", "redocly.yaml")
	cmd := exec.CommandContext(t.Context(), sh, script, "lint", "--config", config, "--format", "stylish", path) //nolint:gosec // of this repository
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		status = err.Error()
	}
	return string(out), status
}

func contractOfThisCheckout(t *testing.T) tree {
	t.Helper()
	text, err := fs.ReadFile(repositoryFiles, "openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return tree{"": string(text)}
}

func TestLint(t *testing.T) {
	t.Parallel()
	contract := contractOfThisCheckout(t)
	for _, test := range []struct{ name, old, text, rule string }{ // one after another: the first installs the linter
		{"as it is", "", "", ""},
		{"an operationId twice", "operationId: updateSession", "operationId: getSession", "operation-operationId-unique"},
		{"a parameter that the path does not have", "name: id", "name: other", "path-parameters-defined"},
		{"no OpenAPI", "paths:", "path:", "struct"},
		{"a reference to nothing", "schemas/Organization\"", "schemas/Other\"", "no-unresolved-refs"},
		{"what is no more than a warning of the recommended rules", "  schemas:\n", "  schemas:\n    Unused: {type: string}\n", "no-unused-components"},
	} {
		output, status := lint(t, repositoryRoot, contract.with(t, "", test.old, test.text)[""])
		if strings.HasPrefix(output, "SKIPPED: ") {
			skipf(t, "%s", output)
		}
		if fails := status != ""; fails != (test.rule != "") || fails && !strings.Contains(output, " "+test.rule+" ") {
			t.Errorf("%s: %s, %s; want %s", test.name, status, output, test.rule)
		}
	}
}

// Where the linter can't be had, what needs it is skipped.
func TestLintIsSkippedOutLoud(t *testing.T) {
	t.Parallel()
	root, programs := t.TempDir(), t.TempDir()
	for _, name := range []string{"tools/redocly.sh", "tools/npm/package.json", "tools/npm/package-lock.json"} {
		content, err := fs.ReadFile(repositoryFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		checkout{repository: repository{dir: root}}.write(t, tree{name: string(content)})
	}
	dirname, err := exec.LookPath("dirname")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dirname, filepath.Join(programs, "dirname")); err != nil {
		t.Fatal(err)
	}
	contract := contractOfThisCheckout(t)[""]
	output, status := lint(t, root, contract, "PATH="+programs)
	if want := "SKIPPED: redocly lint: no npm\n"; output != want || status != "" {
		t.Errorf("got %q, %s, want %q", output, status, want)
	}
	if _, err := exec.LookPath("npm"); err != nil {
		skipf(t, "no npm")
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0") // it accepts, and nobody answers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	refuses := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	t.Cleanup(refuses.Close)
	for registry, want := range map[string]string{
		"http://127.0.0.1:9":               "package registry not reachable",
		"http://" + silent.Addr().String(): "package registry not reachable",
		refuses.URL:                        "package registry refuses",
	} {
		output, status = lint(t, root, contract, "npm_config_registry="+registry, "npm_config_cache="+t.TempDir(),
			"npm_config_fetch_timeout=1000", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
		if want := "SKIPPED: redocly lint: " + want + "\n"; output != want || status != "" {
			t.Errorf("%s: got %q, %s, want %q", registry, output, status, want)
		}
	}
}
