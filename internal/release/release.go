package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/semver"

	"github.com/kodexa-community/kodexa-go/internal/upkeep/released"
)

// checkRelease fails with everything that a version lacks, else prints the commands that tag it. A target of the Makefile, which
// may take long, has to pass once nothing else is missing.
func (r repository) checkRelease(ctx context.Context, version, target string) error {
	if semver.Canonical(version) != version || version == "" {
		return fmt.Errorf("VERSION=%s is no version such as v0.1.0", version)
	}
	var missing []error
	for _, step := range []func(context.Context, string) error{r.clean, r.follows, r.described, r.inStep} {
		missing = append(missing, step(ctx, version))
	}
	missing = append(missing, r.checkLicences(ctx))
	if err := errors.Join(missing...); err != nil {
		return fmt.Errorf("%s can't be tagged yet, and make %s was not run:\n%w", version, target, err)
	}
	cmd := exec.CommandContext(ctx, "make", "--no-print-directory", target) //nolint:gosec // the user's own
	cmd.Dir, cmd.Stdout, cmd.Stderr = r.dir, r.out, r.out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s can't be tagged yet: make %s: %w", version, target, err)
	}
	_, err := fmt.Fprintf(r.out, tagged, version, target)
	return err
}

const tagged = `
Nothing is missing for %[1]s, and make %[2]s passed; what it SKIPPED stands above. Nothing is tagged yet, these commands do it:

  git tag -s %[1]s -m %[1]s
  git push origin main %[1]s

The other modules here, such as bench/, are for this repository alone and get no tags.
`

// clean wants all of main committed: a tag names a commit.
func (r repository) clean(ctx context.Context, _ string) error {
	branch, err := r.command(ctx, "git", "branch", "--show-current")
	if err != nil {
		return err
	}
	status, err := r.command(ctx, "git", "status", "--porcelain")
	if err != nil {
		return err
	}
	var missing []error
	if branch = strings.TrimSpace(branch); branch != "main" {
		missing = append(missing, fmt.Errorf("the branch is %q, not main", branch))
	}
	if status != "" {
		missing = append(missing, fmt.Errorf("not committed:\n%s", strings.TrimRight(status, "\n")))
	}
	return errors.Join(missing...)
}

// follows wants the step from the last tag to be as large as the changes ask for: those of the API, and those of contract and
// behaviour that the changelog calls breaking, as check-contract makes it do.
func (r repository) follows(ctx context.Context, version string) error {
	module, err := r.command(ctx, "go", "list", "-m")
	if err != nil {
		return err
	}
	if major := semver.Major(version); major > "v1" && !strings.HasSuffix(strings.TrimSpace(module), "/"+major) {
		return fmt.Errorf("the path of a module of %s ends in /%[1]s; in go.mod it is %s", major, strings.TrimSpace(module))
	}
	tag, _, err := released.LastTag(ctx, r.dir)
	if err != nil || tag == "" {
		return err
	}
	changes, err := r.apiChanges(ctx, tag)
	if err != nil {
		return err
	}
	log, err := released.ReadChangelog(r.dir)
	if err != nil {
		return err
	}
	breaks := len(changes.incompatible) > 0 || len(log.Since(tag).Breaks()) > 0
	least := next(tag, breaks, len(changes.compatible) > 0)
	if semver.Compare(version, tag) <= 0 || semver.Compare(withoutPrerelease(version), least) < 0 {
		return fmt.Errorf("after %s, with what make check-api shows and CHANGELOG.md calls Breaking, it has to be %s at least", tag, least)
	}
	return nil
}

// described wants a dated section in CHANGELOG.md, and nothing left above it.
func (r repository) described(_ context.Context, version string) error {
	log, err := released.ReadChangelog(r.dir)
	if err != nil {
		return err
	}
	var missing []error
	number := strings.TrimPrefix(version, "v")
	text, date, found := log.Section(number)
	if _, err := time.Parse(" - 2006-01-02", date); err != nil || !found || text == "" {
		missing = append(missing, fmt.Errorf("CHANGELOG.md: no section with entries below ## [%s] - YYYY-MM-DD", number))
	}
	if text, _, found := log.Section("Unreleased"); !found || text != "" {
		missing = append(missing, errors.New("CHANGELOG.md: ## [Unreleased] has to be there and empty: move its entries"))
	}
	return errors.Join(missing...)
}

var (
	goVersions    = regexp.MustCompile(`(?m)^GO_VERSIONS \?= go(1\.\d+)\S* go(1\.\d+)\S*$`)
	goDirective   = regexp.MustCompile(`(?m)^go (1\.\d+)`)
	spokenGo      = regexp.MustCompile(`Go (1\.\d+)`)
	moduleVersion = regexp.MustCompile(`kodexa-go@(v\d\S*?)[\s)` + "`" + `]`)
)

// inStep wants what README.md and SECURITY.md say of versions to be so: those of Go in Makefile and go.mod, and this one.
func (r repository) inStep(_ context.Context, version string) error {
	text := map[string]string{}
	for _, name := range []string{"Makefile", "go.mod", "README.md", "SECURITY.md"} {
		content, err := os.ReadFile(filepath.Join(r.dir, name)) //nolint:gosec // one of the above
		if err != nil {
			return err
		}
		text[name] = string(content)
	}
	supported := goVersions.FindStringSubmatch(text["Makefile"])
	if supported == nil {
		return errors.New("GO_VERSIONS in Makefile does not name two versions")
	}
	supported = supported[1:]
	var missing []error
	if least := goDirective.FindStringSubmatch(text["go.mod"]); least == nil || least[1] != supported[0] {
		missing = append(missing, fmt.Errorf("go.mod: the go directive is not the first of GO_VERSIONS, %s", supported[0]))
	}
	if both := "Go " + strings.Join(supported, " and "); !strings.Contains(text["README.md"], both) {
		missing = append(missing, fmt.Errorf("README.md: does not say %q", both))
	}
	for _, name := range []string{"README.md", "SECURITY.md"} {
		for _, spoken := range spokenGo.FindAllStringSubmatch(text[name], -1) {
			if !slices.Contains(supported, spoken[1]) {
				missing = append(missing, fmt.Errorf("%s: speaks of %s", name, spoken[0]))
			}
		}
		for _, own := range moduleVersion.FindAllStringSubmatch(text[name], -1) {
			if own[1] != version && own[1] != "v0.0.0" { // v0.0.0 stands for a replaced module
				missing = append(missing, fmt.Errorf("%s: speaks of kodexa-go@%s", name, own[1]))
			}
		}
	}
	return errors.Join(missing...)
}

// next is the least version after a tag that may break or add something. Below v1 a break is a step of the minor version.
func next(tag string, breaks, adds bool) string {
	if semver.Prerelease(tag) != "" {
		return withoutPrerelease(tag)
	}
	var major, minor, patch int
	_, _ = fmt.Sscanf(tag, "v%d.%d.%d", &major, &minor, &patch)
	switch {
	case breaks && major > 0:
		return fmt.Sprintf("v%d.0.0", major+1)
	case breaks, adds && major > 0:
		return fmt.Sprintf("v%d.%d.0", major, minor+1)
	default:
		return fmt.Sprintf("v%d.%d.%d", major, minor, patch+1)
	}
}

func withoutPrerelease(version string) string {
	return strings.TrimSuffix(version, semver.Prerelease(version))
}
