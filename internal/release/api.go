package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/kodexa-community/kodexa-go/internal/upkeep/released"
)

// checkAPI compares the packages that others can import with those of the last tag. It fails if CHANGELOG.md does not name
// an incompatible change.
func (r repository) checkAPI(ctx context.Context) error {
	tag, isShallow, err := released.LastTag(ctx, r.dir)
	if err != nil {
		return err
	}
	if tag == "" {
		why := "no tag yet"
		if isShallow {
			why = "no tag in this shallow clone: git fetch --unshallow --tags gets them"
		}
		_, err = fmt.Fprintln(r.out, "SKIPPED: api: "+why)
		return err
	}
	changes, err := r.apiChanges(ctx, tag)
	if err != nil {
		return err
	}
	if _, err = fmt.Fprint(r.out, changes); err != nil {
		return err
	}
	log, err := released.ReadChangelog(r.dir)
	if err != nil {
		return err
	}
	return unnamed(changes.incompatible, log.Since(tag).Breaks(), tag)
}

// unnamed is the error of the changes that the changelog does not name.
func unnamed(incompatible []string, named map[string]bool, tag string) error {
	var missing []error
	for _, change := range incompatible {
		if name, _, _ := strings.Cut(change, ": "); !named[name] {
			missing = append(missing, fmt.Errorf("  - **Breaking** `%s`", name))
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("incompatible with %s; add to CHANGELOG.md, under Changed or Removed, with what importers do about it:\n%w",
		tag, errors.Join(missing...))
}

// The changes between two versions of the API, a line each, such as "Client.GetSession: removed".
type changes struct {
	tag                      string
	incompatible, compatible []string
}

func (c changes) String() string {
	if len(c.incompatible)+len(c.compatible) == 0 {
		return "same API as " + c.tag + "\n"
	}
	text := []string{"since " + c.tag + ":\n"}
	for _, line := range c.incompatible {
		text = append(text, "incompatible: ", line, "\n")
	}
	for _, line := range c.compatible {
		text = append(text, "compatible: ", line, "\n")
	}
	return strings.Join(text, "")
}

// Each operation that the contract gets is a method more of gen's interfaces that the generated clients implement. They are
// not for others to implement, so that one is added breaks nobody. All else about them counts.
var grownInterface = regexp.MustCompile(`^gen\.Client\w*Interface\.\w+: added$`)

func (r repository) apiChanges(ctx context.Context, tag string) (changes, error) {
	temp, err := os.MkdirTemp("", "")
	if err != nil {
		return changes{}, err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	old := repository{dir: filepath.Join(temp, "old"), tools: r.tools}
	if _, err := r.command(ctx, "git", "-c", "advice.detachedHead=false", "clone", "--quiet", "--branch", tag, r.dir, old.dir); err != nil {
		return changes{}, err
	}
	oldAPI, newAPI := filepath.Join(temp, "old.api"), filepath.Join(temp, "new.api")
	for file, version := range map[string]repository{oldAPI: old, newAPI: r} {
		module, err := version.command(ctx, "go", "list", "-m")
		if err != nil {
			return changes{}, err
		}
		if _, err := version.apidiff(ctx, "-m", "-w", file, strings.TrimSpace(module)); err != nil {
			return changes{}, err
		}
	}
	out, err := r.apidiff(ctx, "-m", oldAPI, newAPI)
	if err != nil {
		return changes{}, err
	}
	return parseChanges(tag, out), nil
}

func (r repository) apidiff(ctx context.Context, args ...string) (string, error) {
	return r.command(ctx, "go", append([]string{"tool", "-modfile=" + r.tools, "apidiff"}, args...)...)
}

// parseChanges reads what apidiff prints: two headings, and below each "- ./package.(*Type).Method: what changed".
func parseChanges(tag, out string) changes {
	found := changes{tag: tag}
	lines := &found.incompatible
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if line == "Compatible changes:" {
			lines = &found.compatible
		}
		change, isChange := strings.CutPrefix(line, "- ")
		if !isChange {
			continue
		}
		name, what, _ := strings.Cut(change, ": ")
		name = strings.NewReplacer("./", "", "(*", "", ")", "").Replace(name)
		if change = name + ": " + what; !grownInterface.MatchString(change) {
			*lines = append(*lines, change)
		}
	}
	return found
}
