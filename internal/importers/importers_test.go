// The race detector sees nothing of what the go command does.
//go:build !race

package importers_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"go/version"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const (
	mostModules  = 14
	mostZipBytes = 1 << 20
)

func TestZipHasTheModuleAndNoMore(t *testing.T) {
	t.Parallel()
	packed := pack(t)
	files, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the zip has %d files and %d bytes", len(files.File), len(packed))
	if len(packed) > mostZipBytes {
		t.Errorf("the zip has %d bytes, more than %d", len(packed), mostZipBytes)
	}
	root := release.String()
	for _, name := range []string{"LICENSE", "README.md", "go.mod", "openapi.yaml", "gen/kodexa.gen.go"} {
		if _, err := fs.Stat(files, root+"/"+name); err != nil {
			t.Errorf("the zip has no %s: %v", name, err)
		}
	}
	for _, file := range files.File {
		if path.Base(file.Name) == "go.mod" && path.Dir(file.Name) != root {
			t.Errorf("the zip has another module's %s", file.Name)
		}
	}
	for _, name := range []string{"internal/importers", "internal/faults", "bench", "tools"} {
		if _, err := os.Stat(filepath.Join(checkout, name)); err != nil {
			t.Fatal(err) // this test looks at the wrong thing
		}
		if _, err := fs.Stat(files, root+"/"+name); err == nil {
			t.Errorf("the zip has %s, which is of another module", name)
		}
	}
}

func TestImporters(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles importers")
	}
	env := environment(t, serve(t, pack(t)))

	t.Run("plain", func(t *testing.T) { //nolint:paralleltest // the others need not compile what this one has compiled
		i := newImporter(t, env, "plain")
		i.run("get", release.Path)
		i.check()
		got := i.modules()
		t.Logf("go.mod has %d modules:\n%s", len(got), strings.Join(got, "\n"))
		if len(got) > mostModules {
			t.Errorf("%d modules, more than %d", len(got), mostModules)
		}
		checkReadme(t, len(got))
	})
	t.Run("traced", func(t *testing.T) {
		t.Parallel()
		i := newImporter(t, env, "traced")
		i.run(append([]string{"get", release.Path}, openTelemetry(t)...)...)
		i.run("get", "-t", "./...")
		i.check()
	})
	t.Run("oldest", func(t *testing.T) {
		t.Parallel()
		oldest := parseMod(t, filepath.Join(checkout, "go.mod")).Go.Version
		if version.Lang(runtime.Version()) != version.Lang("go"+oldest) {
			t.Skip(runtime.Version() + " is not the oldest Go: make check-versions runs this with that")
		}
		i := newImporter(t, env, "plain")
		i.run("mod", "edit", "-go="+oldest)
		i.run("get", release.Path)
		i.check()
		if mod := i.mod(); mod.Go.Version != oldest || mod.Toolchain != nil {
			t.Errorf("importing raised Go %s to %s, %v", oldest, mod.Go.Version, mod.Toolchain)
		}
	})
}

// environment is that of the go command where a folder is the first of the proxies.
func environment(t *testing.T, proxy string) []string {
	t.Helper()
	// What this machine has of other modules need not be fetched again: a module cache can be a proxy.
	cache, proxies, _ := strings.Cut(run(t, exec.CommandContext(t.Context(), "go", "env", "GOMODCACHE", "GOPROXY")), "\n")
	return append(os.Environ(),
		"GOPROXY="+fileURL(proxy)+","+fileURL(filepath.Join(cache, "cache", "download"))+","+strings.TrimSpace(proxies),
		"GOMODCACHE="+t.TempDir(),
		"GOFLAGS=-mod=readonly -trimpath -modcacherw", // -trimpath, since the build cache knows by it alone what was compiled elsewhere
		"GONOPROXY=none", "GOSUMDB=off", "GOTOOLCHAIN=local", "GOWORK=off",
	)
}

// importer is a module outside of the repository.
type importer struct {
	t   *testing.T
	dir string
	env []string
}

// newImporter makes a module of a folder of this one.
func newImporter(t *testing.T, env []string, folder string) *importer {
	t.Helper()
	i := &importer{t, t.TempDir(), env}
	if err := os.CopyFS(i.dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	i.run("mod", "init", "example.com/"+folder)
	return i
}

func (i *importer) mod() *modfile.File { return parseMod(i.t, filepath.Join(i.dir, "go.mod")) }

func (i *importer) run(args ...string) {
	i.t.Helper()
	cmd := exec.CommandContext(i.t.Context(), "go", args...) //nolint:gosec // they are this file's
	cmd.Dir, cmd.Env = i.dir, i.env
	run(i.t, cmd)
}

// check builds, vets and tests the importer. -mod=readonly has each fail that wants to change go.mod.
func (i *importer) check() {
	i.t.Helper()
	i.run("build", "./...")
	i.run("test", "-vet=all", "./...")
	if got := i.modules(); !slices.Contains(got, release.String()) {
		i.t.Errorf("go.mod has %q and not the release", got)
	}
}

// modules lists what the importer's go.mod requires: all that it takes to build it, this module among them.
func (i *importer) modules() (all []string) {
	for _, required := range i.mod().Require {
		all = append(all, required.Mod.String())
	}
	return all
}

// openTelemetry lists what this module requires of it.
func openTelemetry(t *testing.T) (modules []string) {
	t.Helper()
	for _, required := range parseMod(t, "go.mod").Require {
		if strings.HasPrefix(required.Mod.Path, "go.opentelemetry.io/") && !required.Indirect {
			modules = append(modules, required.Mod.String())
		}
	}
	return modules
}

var markers = regexp.MustCompile(`(<!-- modules:begin -->)(.*?)(<!-- modules:end -->)`)

// checkReadme compares the number of modules with the one in the README. With KODEXA_TABLES=1 it writes it there.
func checkReadme(t *testing.T, modules int) {
	t.Helper()
	const name = checkout + "/README.md"
	text := readFile(t, name)
	written := markers.ReplaceAll(text, fmt.Appendf(nil, "${1}%d${3}", modules))
	switch {
	case !markers.Match(text):
		t.Errorf("README.md has no %s", markers)
	case bytes.Equal(written, text):
	case os.Getenv("KODEXA_TABLES") == "1":
		writeFile(t, name, written)
	default:
		t.Errorf("README.md says %s, and an importer gets %d modules: KODEXA_TABLES=1 writes that", markers.Find(text), modules)
	}
}
