// Package change tells what a change of openapi.yaml means for those who import the client.
//
// Three judges look at it, since each misses something: oasdiff, which knows a contract's rules; package drift, which takes
// every member that is gone for a break, as it is one for a Go program; and the bodies in api/ that the older contract accepts or
// refuses. What no judge here looks at is generated Go code: apidiff does.
package change

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"golang.org/x/mod/semver"

	"github.com/kodexa-community/kodexa-go/internal/upkeep/released"
)

// Exit statuses of Command.
const (
	exitGood   = 0
	exitBreaks = 1 // a break that the changelog does not name
	exitError  = 2 // can't tell
)

// Finding is one change.
type Finding struct {
	Level Level
	Text  string
	Names []string // what the changelog may call it by
}

// Level says what a change means for importers.
type Level string

// The levels.
const (
	Breaking   Level = "breaking"
	Compatible Level = "compatible"
	Info       Level = "info" // oasdiff's word for what does not break a contract; it may break a Go program
)

// Command prints what changed in openapi.yaml since a base, a file or a Git ref. With -check the base is the last tag, and a
// break must be named by the changelog.
func Command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return command(ctx, repository("."), args, stdout, stderr)
}

func command(ctx context.Context, repo repository, args []string, stdout, stderr io.Writer) int {
	if len(args) != 1 || args[0] == "" {
		_, _ = fmt.Fprintln(stderr, "usage: make contract-diff BASE=<git ref or file>")
		return exitError
	}
	tag, why := repo.lastTag(ctx)
	isCheck, name := args[0] == "-check", args[0]
	switch {
	case isCheck && tag == "":
		_, _ = fmt.Fprintf(stdout, "SKIPPED: %s\n", why)
		return exitGood
	case isCheck:
		name = tag
	case semver.Canonical(name) == name:
		tag = name // what follows another version than the last
	}
	r, err := newReport(ctx, repo, name)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "contract-diff: can't tell: %v\n", err)
		return exitError
	}
	r.print(stdout, tag)
	if !isCheck {
		return exitGood
	}
	return r.check(repo, stderr)
}

// report is all that is known of a change.
type report struct {
	base     *base
	findings []Finding
	suite    string // what the bodies in api/ say, in short
	isEdited bool   // the file is another one, be it only in texts
}

func newReport(ctx context.Context, repo repository, name string) (*report, error) {
	b, err := repo.base(ctx, name)
	if err != nil {
		return nil, err
	}
	spec, err := os.ReadFile(repo.path("openapi.yaml"))
	if err != nil {
		return nil, err
	}
	older, err := parse(name, b.spec)
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(older.OpenAPI, "3.0.") { // oasdiff would call each spelling of null a change
		return nil, fmt.Errorf("%s: OpenAPI %s can't be compared with openapi.yaml here: make drift does", name, older.OpenAPI)
	}
	newer, err := parse("openapi.yaml", spec)
	if err != nil {
		return nil, err
	}
	r := &report{base: b, isEdited: string(b.spec) != string(spec), findings: compare(older, newer)}
	others, err := repo.oasdiff(ctx, b.spec)
	if err != nil {
		return nil, fmt.Errorf("oasdiff: %w", err)
	}
	bodies, summary, err := suite(b, spec)
	if err != nil {
		return nil, err
	}
	r.findings, r.suite = slices.Concat(r.findings, others, bodies), summary
	order := []Level{Breaking, Compatible, Info}
	slices.SortStableFunc(r.findings, func(a, b Finding) int { return slices.Index(order, a.Level) - slices.Index(order, b.Level) })
	return r, nil
}

func parse(name string, spec []byte) (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err == nil && doc.OpenAPI == "" {
		err = errors.New(`not OpenAPI: there is no member "openapi"`)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return doc, nil
}

func (r *report) breaks() []Finding {
	return slices.DeleteFunc(slices.Clone(r.findings), func(f Finding) bool { return f.Level != Breaking })
}

func (r *report) print(w io.Writer, tag string) {
	_, _ = fmt.Fprintf(w, "openapi.yaml: %s -> now\n", r.base.name)
	for _, f := range r.findings {
		_, _ = fmt.Fprintf(w, "%s: %s\n", f.Level, f.Text)
	}
	_, _ = fmt.Fprintf(w, "api/: %s\n", r.suite)
	_, _ = fmt.Fprintf(w, "version: %s\n", r.bump(tag))
}

// bump says which version follows a tag.
func (r *report) bump(tag string) string {
	var major, minor, patch int
	if _, err := fmt.Sscanf(tag, "v%d.%d.%d", &major, &minor, &patch); err != nil {
		tag = ""
	}
	how, why := "patch", "texts alone changed"
	switch {
	case len(r.breaks()) > 0 && major > 0:
		how, why = "major", "a change breaks importers"
		major, minor, patch = major+1, 0, 0
	case len(r.breaks()) > 0:
		how, why = "minor", "a change breaks importers; below v1 that is a minor bump"
		minor, patch = minor+1, 0
	case len(r.findings) > 0:
		how, why = "minor", "importers get more"
		minor, patch = minor+1, 0
	case r.isEdited:
		patch++
	default:
		return "no bump: nothing changed"
	}
	if tag == "" {
		return fmt.Sprintf("%s: %s", how, why)
	}
	next := fmt.Sprintf("v%d.%d.%d", major, minor, patch)
	if pre := semver.Prerelease(tag); pre != "" { // the release that it comes before may change anything
		next = strings.TrimSuffix(tag, pre)
	}
	return fmt.Sprintf("%s, %s -> %s: %s", how, tag, next, why)
}

// check looks for each break in the changelog.
func (r *report) check(repo repository, stderr io.Writer) int {
	changelog, err := released.ReadChangelog(string(repo))
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "contract-diff: can't tell: %v\n", err)
		return exitError
	}
	named := changelog.Since(r.base.name).Breaks()
	unnamed := slices.DeleteFunc(r.breaks(), func(f Finding) bool {
		return slices.ContainsFunc(f.Names, func(name string) bool { return named[name] })
	})
	if len(unnamed) == 0 {
		return exitGood
	}
	_, _ = fmt.Fprintf(stderr, "CHANGELOG.md does not name what breaks importers since %s. Write it under ## [Unreleased],\n"+
		"### Changed or ### Removed, as a line that begins with - **Breaking** and has this name in backticks:\n", r.base.name)
	for _, f := range unnamed {
		_, _ = fmt.Fprintf(stderr, "  `%s`: %s\n", strings.Join(f.Names, "` or `"), f.Text)
	}
	return exitBreaks
}

// repository is a checkout's directory.
type repository string

func (r repository) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(string(r), name)
}
