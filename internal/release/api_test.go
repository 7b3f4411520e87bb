package main

import (
	"strings"
	"testing"
)

// module is a small one of the shape of the real one.
func module() tree {
	return tree{
		"go.mod": "module example.test/kodexa\n\ngo 1.26\n",
		"kodexa.go": `package kodexa

type Client struct{}

func (c *Client) Get()    {}
func (c *Client) Update() {}
`,
		"gen/gen.go": `package gen

type Doer interface {
	Do()
}

type ClientInterface interface {
	Get()
}

type ClientWithResponsesInterface interface {
	GetWithResponse()
}

type Client struct{}

func (c *Client) Get() {}
`,
		"internal/x/x.go": "package x\n\nfunc Hidden() {}\n",
		"CHANGELOG.md":    "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-02\n\n### Removed\n\n- **Breaking** `Client.Update` was too old.\n",
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	const unreleased = "## [Unreleased]\n"
	was := module()
	removed := was.with(t, "kodexa.go", "func (c *Client) Update() {}\n", "")
	const needsEntry = "  - **Breaking** `Client.Update`"
	for name, test := range map[string]struct {
		now    tree
		report string
		err    []string
	}{
		"no change": {was, "same API as v0.1.0\n", nil},
		"what is internal does not count": {
			was.with(t, "internal/x/x.go", "Hidden", "Other"), "same API as v0.1.0\n", nil,
		},
		"a function more": {
			was.with(t, "kodexa.go", "func", "func Spec() {}\n\nfunc"), "since v0.1.0:\ncompatible: Spec: added\n", nil,
		},
		"an operation more: not of the generated interfaces": {
			was.with(t, "gen/gen.go", "\tGet()\n", "\tGet()\n\tList()\n").
				with(t, "gen/gen.go", "\tGetWithResponse()\n", "\tGetWithResponse()\n\tListWithResponse()\n").
				with(t, "gen/gen.go", "func", "func (c *Client) List() {}\n\nfunc"),
			"since v0.1.0:\ncompatible: gen.Client.List: added\n", nil,
		},
		"a method more of what others implement": {
			was.with(t, "gen/gen.go", "\tDo()\n", "\tDo()\n\tMore()\n"),
			"since v0.1.0:\nincompatible: gen.Doer.More: added\n",
			[]string{"incompatible with v0.1.0", "`gen.Doer.More`"},
		},
		"a generated interface changed": {
			was.with(t, "gen/gen.go", "\tGet()\n", "\tGet(id string)\n"),
			"since v0.1.0:\nincompatible: gen.ClientInterface.Get: changed from func() to func(string)\n",
			[]string{"`gen.ClientInterface.Get`"},
		},
		"a method removed": {
			removed, "since v0.1.0:\nincompatible: Client.Update: removed\n", []string{needsEntry},
		},
		"a package removed": {
			was.with(t, "gen/gen.go", "package gen", "//go:build never\n\npackage gen"),
			"since v0.1.0:\nincompatible: package example.test/kodexa/gen: removed\n",
			[]string{"`package example.test/kodexa/gen`"},
		},
		"a method removed, named": {
			removed.with(t, "CHANGELOG.md", unreleased, unreleased+"\n### Removed\n\n- **Breaking** `Client.Get` and\n  `Client.Update` are gone.\n"),
			"since v0.1.0:\nincompatible: Client.Update: removed\n", nil,
		},
		"a method removed, named in the section that is about to be released": {
			removed.with(t, "CHANGELOG.md", unreleased, unreleased+"\n## [0.2.0] - 2026-02-03\n\n### Changed\n\n- **Breaking** `Client.Update`\n"),
			"since v0.1.0:\nincompatible: Client.Update: removed\n", nil,
		},
		"a method removed, named as something added": {
			removed.with(t, "CHANGELOG.md", unreleased, unreleased+"\n### Added\n\n- **Breaking** `Client.Update`\n"),
			"since v0.1.0:\nincompatible: Client.Update: removed\n", []string{needsEntry},
		},
		"a method removed, named in another entry": {
			removed.with(t, "CHANGELOG.md", unreleased, unreleased+"\n### Removed\n\n- **Breaking** `Client.Get`\n- `Client.Update`\n"),
			"since v0.1.0:\nincompatible: Client.Update: removed\n", []string{needsEntry},
		},
		"what does not compile": {
			was.with(t, "kodexa.go", "struct{}", "struct"), "", []string{"apidiff", "kodexa.go:5"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCheckout(t, was)
			c.git(t, "tag", "v0.1.0")
			c.write(t, test.now)
			says(t, c.run(t.Context(), []string{"api"}), test.err...)
			if got := c.report.String(); got != test.report {
				t.Errorf("reported %q, want %q", got, test.report)
			}
		})
	}
}

func TestAPIWithoutTag(t *testing.T) {
	t.Parallel()
	c := newCheckout(t, module())
	c.git(t, "tag", "other")
	says(t, c.run(t.Context(), []string{"api"}))
	if got := c.report.String(); got != "SKIPPED: api: no tag yet\n" {
		t.Errorf("reported %q", got)
	}
}

func TestAPIInAShallowCloneWithoutTag(t *testing.T) {
	t.Parallel()
	whole := newCheckout(t, module())
	whole.git(t, "tag", "v0.1.0")
	whole.commit(t, nil)
	report := &strings.Builder{}
	c := checkout{repository{dir: t.TempDir(), out: report}, report}
	c.git(t, "clone", "--quiet", "--depth=1", "--no-tags", "file://"+whole.dir, ".")
	says(t, c.run(t.Context(), []string{"api"}))
	if got := report.String(); !strings.HasPrefix(got, "SKIPPED: api: no tag in this shallow clone: git fetch --unshallow --tags") {
		t.Errorf("reported %q", got)
	}
}

func TestUnknownArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"other"}, {"version"}, {"version", "v0.1.0"}, {"licences", "-other"}} {
		says(t, repository{}.run(t.Context(), args), "usage")
	}
}
