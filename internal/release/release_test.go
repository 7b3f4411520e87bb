package main

import (
	"strings"
	"testing"
)

// releasable lacks nothing for v0.1.0.
func releasable() tree {
	files := module()
	files["Makefile"] = "GO_VERSIONS ?= go1.26.8 go1.27.2\n\ncheck:\n\t@echo \"SKIPPED: a thing\"\n\nfails:\n\t@exit 3\n"
	files["README.md"] = "It needs Go 1.26. Go 1.26 and 1.27 are supported; measured with Go 1.27.2.\n\n`-require x/kodexa-go@v0.0.0`\n"
	files["SECURITY.md"] = "Nothing.\n"
	files["CHANGELOG.md"] = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-02\n\n### Added\n\n- All.\n"
	files["docs/licences.md"] = licencesHead
	return files
}

func TestRelease(t *testing.T) {
	t.Parallel()
	good := releasable()
	for name, test := range map[string]struct {
		files           tree
		version, target string
		err             []string
	}{
		"all is there":     {good, "v0.1.0", "check", nil},
		"no v":             {good, "0.1.0", "check", []string{"VERSION=0.1.0 is no version"}},
		"two numbers":      {good, "v0.1", "check", []string{"VERSION=v0.1 is no version"}},
		"no version":       {good, "", "check", []string{"VERSION= is no version"}},
		"make check fails": {good, "v0.1.0", "fails", []string{"can't be tagged yet: make fails: exit status 2"}},
		"another version":  {good, "v0.2.0", "check", []string{"CHANGELOG.md: no section with entries below ## [0.2.0] - YYYY-MM-DD"}},
		"no date":          {good.with(t, "CHANGELOG.md", " - 2026-01-02", ""), "v0.1.0", "check", []string{"no section with entries below ## [0.1.0]"}},
		"no such day":      {good.with(t, "CHANGELOG.md", "2026-01-02", "2026-02-30"), "v0.1.0", "check", []string{"no section with entries below ## [0.1.0]"}},
		"no entries":       {good.with(t, "CHANGELOG.md", "### Added\n\n- All.\n", ""), "v0.1.0", "check", []string{"no section with entries below ## [0.1.0]"}},
		"not moved":        {good.with(t, "CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n### Fixed\n\n- It.\n"), "v0.1.0", "check", []string{"## [Unreleased] has to be there and empty"}},
		"no unreleased":    {good.with(t, "CHANGELOG.md", "## [Unreleased]\n", ""), "v0.1.0", "check", []string{"## [Unreleased] has to be there and empty"}},
		"a path without its version": {
			good.with(t, "CHANGELOG.md", "[0.1.0]", "[2.0.0]"), "v2.0.0", "check", []string{"a module of v2 ends in /v2; in go.mod it is example.test/kodexa"},
		},
		"a path with its version": {
			good.with(t, "CHANGELOG.md", "[0.1.0]", "[2.0.0]").with(t, "go.mod", "example.test/kodexa", "example.test/kodexa/v2"), "v2.0.0", "check", nil,
		},
		"README and Go":         {good.with(t, "README.md", "1.26 and 1.27", "1.26"), "v0.1.0", "check", []string{`README.md: does not say "Go 1.26 and 1.27"`}},
		"README and an old Go":  {good.with(t, "README.md", "needs Go 1.26", "needs Go 1.25"), "v0.1.0", "check", []string{"README.md: speaks of Go 1.25"}},
		"README and the module": {good.with(t, "README.md", "v0.0.0", "v0.0.9"), "v0.1.0", "check", []string{"README.md: speaks of kodexa-go@v0.0.9"}},
		"SECURITY":              {good.with(t, "SECURITY.md", "Nothing", "go get x/kodexa-go@v0.0.9 "), "v0.1.0", "check", []string{"SECURITY.md: speaks of kodexa-go@v0.0.9"}},
		"go.mod":                {good.with(t, "Makefile", "go1.26.8", "go1.28.0"), "v0.1.0", "check", []string{"go.mod: the go directive is not the first of GO_VERSIONS, 1.28"}},
		"one Go":                {good.with(t, "Makefile", " go1.27.2", ""), "v0.1.0", "check", []string{"GO_VERSIONS in Makefile does not name two versions"}},
		"licences":              {good.with(t, "docs/licences.md", "kodexa-go", "other"), "v0.1.0", "check", []string{"docs/licences.md is stale"}},
		"all at once": {
			good.with(t, "README.md", "1.26 and 1.27", "1.25").with(t, "docs/licences.md", "kodexa-go", "other"), "v0.3.0", "check",
			[]string{"v0.3.0 can't be tagged yet, and make check was not run", "[0.3.0]", "README.md: does not say", "Go 1.25", "licences.md"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCheckout(t, test.files)
			says(t, c.run(t.Context(), []string{"version", test.version, test.target}), test.err...)
			report := c.report.String()
			if printed := strings.Contains(report, "git tag -s "+test.version); printed != (test.err == nil) {
				t.Errorf("reported %q", report)
			}
			if test.err == nil && !strings.HasPrefix(report, "SKIPPED: a thing\n") {
				t.Errorf("what make check says is missing in %q", report)
			}
			if tags := c.git(t, "tag"); tags != "" {
				t.Errorf("tagged %s", tags)
			}
		})
	}
}

func TestReleaseIsOfMainAndCommitted(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, releasable())
	c.git(t, "switch", "--quiet", "--create", "other")
	c.write(t, tree{"new.txt": ""})
	says(t, c.run(t.Context(), []string{"version", "v0.1.0", "check"}), `the branch is "other", not main`, "not committed:\n?? new.txt")
}

func TestReleaseFollowsTheLast(t *testing.T) {
	t.Parallel()
	was := releasable()
	more := was.with(t, "kodexa.go", "func", "func Spec() {}\n\nfunc")
	less := was.with(t, "kodexa.go", "func (c *Client) Update() {}\n", "")
	said := was.with(t, "CHANGELOG.md", "### Added\n\n- All.", "### Changed\n\n- **Breaking** `Session.state` is one of three.")
	for name, test := range map[string]struct {
		tag, version string
		now          tree
		least        string
	}{
		"the same":                             {"v0.1.0", "v0.1.0", was, "v0.1.1"},
		"less":                                 {"v0.1.0", "v0.0.9", was, "v0.1.1"},
		"a patch":                              {"v0.1.0", "v0.1.1", was, ""},
		"before v1 a patch may add":            {"v0.1.0", "v0.1.1", more, ""},
		"before v1 it may not break":           {"v0.1.0", "v0.1.1", less, "v0.2.0"},
		"nor break what has no Go name":        {"v0.0.9", "v0.0.10", said, "v0.1.0"},
		"before v1 a minor version may":        {"v0.1.0", "v0.2.0", less, ""},
		"also as a prerelease":                 {"v0.1.0", "v0.2.0-rc.1", less, ""},
		"a patch may not add":                  {"v1.1.0", "v1.1.1", more, "v1.2.0"},
		"a minor version may":                  {"v1.1.0", "v1.2.0", more, ""},
		"a minor version may not break":        {"v1.1.0", "v1.2.0", less, "v2.0.0"},
		"a prerelease is followed by itself":   {"v0.1.0-rc.1", "v0.1.0", less, ""},
		"a prerelease is followed by the next": {"v0.1.0-rc.1", "v0.1.0-rc.2", less, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCheckout(t, was)
			c.git(t, "tag", test.tag)
			c.write(t, test.now)
			err := c.follows(t.Context(), test.version)
			if test.least == "" {
				says(t, err)
			} else {
				says(t, err, "after "+test.tag, "has to be "+test.least+" at least")
			}
		})
	}
}
