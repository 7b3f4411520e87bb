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

// licences is the table of the modules that a package of the root module links.
func (r repository) licences(ctx context.Context) (string, error) {
	const format = "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}"
	out, err := r.command(ctx, "go", "list", "-deps", "-f", format, "./...")
	if err != nil {
		return "", err
	}
	modules := slices.Compact(slices.Sorted(slices.Values(strings.Fields(strings.ReplaceAll(out, " ", "\x00")))))
	rows := []string{licencesHead}
	var wrong []error
	for _, module := range modules {
		path, dir, _ := strings.Cut(module, "\x00")
		kinds, files, err := licenceOf(dir)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s: %w", path, err))
		}
		rows = append(rows, fmt.Sprintf("| %s | %s | %s |\n", path, strings.Join(kinds, ", "), strings.Join(files, ", ")))
	}
	return strings.Join(rows, ""), errors.Join(wrong...)
}

// What a licence's text is recognised by: lower case, one space between words. Each permits use without a condition but to give
// the text on.
var permissive = []struct {
	kind string
	text *regexp.Regexp
}{
	{"Apache-2.0", regexp.MustCompile(`apache license,? version 2\.0`)},
	{"BSD-2-Clause", regexp.MustCompile(`redistributions? in binary form must reproduce .* with the distribution\. this software`)},
	{"BSD-3-Clause", regexp.MustCompile(`redistributions? in binary form must reproduce .* neither the name of`)},
	{"MIT", regexp.MustCompile(`permission is hereby granted, free of charge, to any person obtaining a copy of this software`)},
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
