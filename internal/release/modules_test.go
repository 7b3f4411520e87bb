package main

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

// modules are the go.mod files of the repository by their folders.
func modules(t *testing.T) map[string]*modfile.File {
	t.Helper()
	found := map[string]*modfile.File{}
	err := fs.WalkDir(repositoryFiles, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "node_modules"}, entry.Name()):
			return fs.SkipDir
		case entry.Name() != "go.mod":
			return nil
		}
		text, err := fs.ReadFile(repositoryFiles, name)
		if err == nil {
			found[path.Join("/", path.Dir(name))], err = modfile.Parse(name, text, nil)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestDependabotKnowsEachModule is of those that require something.
func TestDependabotKnowsEachModule(t *testing.T) {
	t.Parallel()
	config, err := fs.ReadFile(repositoryFiles, ".github/dependabot.yml")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`gomod\n *directories: \[(.*)\]`).FindSubmatch(config)
	if list == nil {
		t.Fatalf("no list of directories in %s", config)
	}
	var want []string
	for folder, mod := range modules(t) {
		if len(mod.Require) > 0 {
			want = append(want, folder)
		}
	}
	slices.Sort(want)
	known := strings.Split(string(list[1]), ", ")
	slices.Sort(known)
	if !slices.Equal(known, want) {
		t.Errorf("dependabot.yml has %q, want %q", known, want)
	}
}

// TestToolsArePinnedInOnePlace has one tool whose code needs the module that it is of: bench/ has to require the same.
func TestToolsArePinnedInOnePlace(t *testing.T) {
	t.Parallel()
	all := modules(t)
	for folder, mod := range all {
		if isPlace := folder == "/tools"; isPlace != (len(mod.Tool) > 0) {
			t.Errorf("%s pins %d tools", folder, len(mod.Tool))
		}
	}
	version := func(folder string) string {
		for _, required := range all[folder].Require {
			if required.Mod.Path == "github.com/ogen-go/ogen" {
				return required.Mod.Version
			}
		}
		return ""
	}
	if pinned, used := version("/tools"), version("/bench"); pinned != used || used == "" {
		t.Errorf("tools/ pins ogen %s, and bench/ has code of %s", pinned, used)
	}
}
