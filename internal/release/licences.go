package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

const licencesHead = `# Licences

Who builds a program with this module links these modules, and gives their licence texts and notices on with it. kodexa-go itself
is under the Apache License 2.0. Written by ` + "`make licences`" + `.

| Module | Licence | Files |
| --- | --- | --- |
`

// checkLicences fails if docs/licences.md is not what writeLicences would write.
func (r repository) checkLicences(ctx context.Context) error {
	want, err := r.licences(ctx)
	if err != nil {
		return err
	}
	if got, err := os.ReadFile(r.licencesFile()); err != nil || string(got) != want {
		return errors.New("docs/licences.md is stale: run make licences")
	}
	return nil
}

func (r repository) writeLicences(ctx context.Context) error {
	text, err := r.licences(ctx)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.licencesFile()), 0o750); err != nil {
		return err
	}
	return os.WriteFile(r.licencesFile(), []byte(text), 0o600)
}

func (r repository) licencesFile() string { return filepath.Join(r.dir, "docs", "licences.md") }

// licences is the table of the modules that a package of the root module links, and that of what the contract's page has in it.
func (r repository) licences(ctx context.Context) (string, error) {
	const format = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}"
	out, err := r.command(ctx, "go", "list", "-deps", "-f", format, "./...")
	if err != nil {
		return "", err
	}
	modules := slices.Compact(slices.Sorted(strings.SplitSeq(out, "\n")))
	rows := []string{licencesHead}
	var wrong []error
	for _, module := range modules {
		path, dir, isModule := strings.Cut(module, " ")
		if !isModule {
			continue // a package of the standard library
		}
		kinds, files, err := licenceOf(dir)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", path, err))
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", path, strings.Join(kinds, ", "), strings.Join(files, ", ")))
	}
	page, err := os.ReadFile(filepath.Join(r.dir, "docs", "contract.html"))
	if err == nil {
		var parts string
		parts, err = licencesOfPage(string(page))
		rows = append(rows, parts)
	} else if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return strings.Join(rows, ""), errors.Join(append(wrong, err)...)
}

const licencesPage = `
## In docs/contract.html

The contract's page has in it what renders it: these are the parts that have a notice there.

| Part | Licence |
| --- | --- |
`

// notices are those of the page, with one space between words. The first group is the version, where a notice has one.
var notices = []struct {
	part, kind string
	text       *regexp.Regexp
}{
	{"DOMPurify", "Apache-2.0 or MPL-2.0", regexp.MustCompile(`/\*! @license DOMPurify (\S+) .{0,99}?Apache license 2\.0 and Mozilla .*?\*/`)},
	{"FlexSearch", kindApache, regexp.MustCompile(`/\*\*!\S* \* FlexSearch\.js v(\S+) .{0,200}?Licence: Apache-2\.0.*?\*/`)},
	{"js-yaml", kindMIT, regexp.MustCompile(`/\*! js-yaml (\S+) \S+ @license MIT \*/`)},
	{"json-crawl", kindMIT, regexp.MustCompile(`/\*! \* json-crawl v(\S+) \* Copyright .*?\*/`)}, // its package.json names the licence
	{"React", kindMIT, regexp.MustCompile(`/\*\* \* @license React \* .{0,200}? licensed under the MIT license .*?\*/`)},
	{"react-router", kindMIT, regexp.MustCompile(`/\*\* \* react-router v(\S+) .{0,300}?@license MIT \*/`)},
	{"Redoc", kindMIT, regexp.MustCompile(`/\*\* \* @license MIT \* \(c\) Copyright \d+ Redocly LLC.{0,200}? Version: (\S+) \*+/`)},
	{"regenerator-runtime", kindMIT, regexp.MustCompile(`/\*! regenerator-runtime -- .{0,200}?license \(MIT\): .*?\*/`)},
}

// anyNotice is what else would be one.
var anyNotice = regexp.MustCompile(`(?i).{0,50}(?:@licen[sc]e|\(c\) copyright|copyright:? \(c\)|and copyright|licen[sc]ed under).{0,50}`)

// licencesOfPage is the table of what a page has in it of others. A notice that is not known is an error, so that one who makes the
// page with another renderer looks at its licence.
func licencesOfPage(page string) (string, error) {
	page = strings.Join(strings.Fields(page), " ")
	rows := []string{licencesPage}
	for _, notice := range notices {
		var versions []string
		for _, match := range notice.text.FindAllStringSubmatch(page, -1) {
			versions = append(versions, strings.Join(append([]string{notice.part}, match[1:]...), " "))
		}
		slices.Sort(versions)
		for _, part := range slices.Compact(versions) {
			rows = append(rows, fmt.Sprintf("| %s | %s |\n", part, notice.kind))
		}
		page = notice.text.ReplaceAllString(page, "")
	}
	if other := anyNotice.FindString(page); other != "" {
		return "", fmt.Errorf("docs/contract.html has a notice that is not known: %s", other)
	}
	return strings.Join(rows, ""), nil
}

const (
	kindApache = "Apache-2.0"
	kindMIT    = "MIT"
)

// What a licence's text is recognised by: lower case, one space between words. Each permits use without a condition but to give
// the text on.
var permissive = []struct {
	kind string
	text *regexp.Regexp
}{
	{kindApache, regexp.MustCompile(`apache license,? version 2\.0`)},
	{"BSD-2-Clause", regexp.MustCompile(`redistributions? in binary form must reproduce .* with the distribution\. this software`)},
	{"BSD-3-Clause", regexp.MustCompile(`redistributions? in binary form must reproduce .* neither the name of`)},
	{kindMIT, regexp.MustCompile(`permission is hereby granted, free of charge, to any person obtaining a copy of this software`)},
}

// licenceOf names the licences of the module in dir, and the files that have to be given on.
func licenceOf(dir string) (kinds, files []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, err
	}
	for _, entry := range entries {
		name := entry.Name()
		stem, _, _ := strings.Cut(strings.ToUpper(name), ".")
		if entry.IsDir() || !slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, stem) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // of a module that is linked
		if err != nil {
			return nil, nil, err
		}
		files = append(files, name)
		if stem == "NOTICE" {
			continue
		}
		text := strings.ToLower(strings.Join(strings.Fields(string(content)), " "))
		before := len(kinds)
		for _, licence := range permissive {
			if licence.text.MatchString(text) {
				kinds = append(kinds, licence.kind)
			}
		}
		if len(kinds) == before {
			return nil, nil, fmt.Errorf("%s is no licence that is known to be permissive", name)
		}
	}
	if kinds == nil {
		return nil, nil, errors.New("no licence file")
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), files, nil
}
