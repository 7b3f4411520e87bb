package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	apache = "                                 Apache License\n                           Version 2.0, January 2004\n"
	mit    = "Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software and so on."
	bsd    = "Redistributions in binary form must reproduce the above\ncopyright notice, this list of conditions and the following disclaimer in the documentation and/or other materials\nprovided with the distribution.\n"
	bsd2   = bsd + "\nTHIS SOFTWARE IS PROVIDED AS IS"
	bsd3   = bsd + "   * Neither the name of Google Inc. nor others\n\nTHIS SOFTWARE IS PROVIDED AS IS"
	gpl    = "GNU GENERAL PUBLIC LICENSE Version 3\n"
)

func TestLicenceOf(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files        tree
		kinds, given []string
		err          []string
	}{
		"Apache":                     {tree{"LICENSE": apache, "main.go": "", "licence.go/x": ""}, []string{"Apache-2.0"}, []string{"LICENSE"}, nil},
		"MIT":                        {tree{"LICENSE.md": mit}, []string{"MIT"}, []string{"LICENSE.md"}, nil},
		"BSD with two clauses":       {tree{"COPYING": bsd2}, []string{"BSD-2-Clause"}, []string{"COPYING"}, nil},
		"BSD with three clauses":     {tree{"License.txt": bsd3}, []string{"BSD-3-Clause"}, []string{"License.txt"}, nil},
		"a notice":                   {tree{"LICENSE": apache, "NOTICE": "Made by."}, []string{"Apache-2.0"}, []string{"LICENSE", "NOTICE"}, nil},
		"two":                        {tree{"LICENSE": mit + apache}, []string{"Apache-2.0", "MIT"}, []string{"LICENSE"}, nil},
		"another":                    {tree{"LICENSE": gpl}, nil, nil, []string{"LICENSE is no licence that is known"}},
		"another beside one that is": {tree{"LICENSE": mit, "COPYING": gpl}, nil, nil, []string{"COPYING is no licence"}},
		"a notice alone":             {tree{"NOTICE": apache}, nil, nil, []string{"no licence file"}},
		"none":                       {tree{"main.go": ""}, nil, nil, []string{"no licence file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := checkout{repository: repository{dir: t.TempDir()}}
			c.write(t, test.files)
			kinds, files, err := licenceOf(c.dir)
			says(t, err, test.err...)
			if !slices.Equal(kinds, test.kinds) || !slices.Equal(files, test.given) {
				t.Errorf("got %q of %q, want %q of %q", kinds, files, test.kinds, test.given)
			}
		})
	}
}

func TestLicences(t *testing.T) {
	t.Parallel()
	files := module()
	files["go.mod"] += "\nrequire example.test/other v0.0.0\n\nreplace example.test/other => \"./an other\"\n" // a path with a space, as a module cache may have
	files["kodexa.go"] = "package kodexa\n\nimport _ \"example.test/other\"\n"
	files["an other/go.mod"] = "module example.test/other\n"
	files["an other/other.go"] = "package other\n"
	c := newCheckout(t, files)
	says(t, c.run(t.Context(), []string{"licences", "-write"}), "example.test/other: no licence file")
	c.write(t, tree{"an other/LICENSE": mit})
	says(t, c.run(t.Context(), []string{"licences"}), "docs/licences.md is stale: run make licences")
	says(t, c.run(t.Context(), []string{"licences", "-write"}))
	says(t, c.run(t.Context(), []string{"licences"}))
	got, err := os.ReadFile(filepath.Join(c.dir, "docs", "licences.md"))
	if want := licencesHead + "| example.test/other | MIT | LICENSE |\n"; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	c.write(t, tree{"an other/LICENSE": bsd3})
	says(t, c.run(t.Context(), []string{"licences"}), "docs/licences.md is stale")
}

func TestLicencesOfPage(t *testing.T) {
	t.Parallel()
	const redoc = "/** \n* @license MIT\n* (c) Copyright 2026 Redocly LLC, all rights reserved.\n* ---\n* Version: 3.0.1\n**/"
	const router = "/**\n * react-router v8.3.0\n *\n * Copyright (c) Remix Software Inc.\n *\n * This is licensed under the MIT license.\n *\n * @license MIT\n */"
	for name, test := range map[string]struct {
		page, rows string
		err        []string
	}{
		"no part":             {"<p>(c) Kodexa</p>", "", nil},
		"some":                {redoc + "f('/*/');" + router + "g();" + router, "| react-router 8.3.0 | MIT |\n| Redoc 3.0.1 | MIT |\n", nil},
		"two versions of one": {router + strings.Replace(router, "v8", "v7", 1), "| react-router 7.3.0 | MIT |\n| react-router 8.3.0 | MIT |\n", nil},
		"no version":          {"/**\n * @license React\n * react.js\n *\n * Copyright (c) Meta.\n * This is licensed under the MIT license found there.\n */", "| React | MIT |\n", nil},
		"a part that is new":  {redoc + "/*! @license lodash 5 */", "", []string{"notice that is not known: /*! @license lodash 5 */"}},
		"without a licence":   {redoc + "/*! lodash 5, Copyright (c) JS Foundation */", "", []string{"notice that is not known: /*! lodash 5, Copyright (c) JS Foundation */"}},
		"under another":       {strings.ReplaceAll(router, "MIT", "GPL"), "", []string{"notice that is not known: "}},
	} {
		got, err := licencesOfPage(test.page)
		says(t, err, test.err...)
		if err == nil && got != licencesPage+test.rows {
			t.Errorf("%s: got %s, want %s", name, got, test.rows)
		}
	}
}

// The licences of the page are a part of those that are held against docs/licences.md.
func TestLicencesHaveThePage(t *testing.T) {
	t.Parallel()
	files := releasable()
	files["docs/contract.html"] = "/*! js-yaml 5.4.1 https://example.test @license MIT */"
	c := newCheckout(t, files)
	says(t, c.run(t.Context(), []string{"licences"}), "docs/licences.md is stale: run make licences")
	says(t, c.run(t.Context(), []string{"licences", "-write"}))
	says(t, c.run(t.Context(), []string{"licences"}))
	got, err := os.ReadFile(filepath.Join(c.dir, "docs", "licences.md"))
	if want := licencesHead + licencesPage + "| js-yaml 5.4.1 | MIT |\n"; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	c.write(t, tree{"docs/contract.html": "/*! js-yaml 5.4.2 https://example.test @license MIT */"})
	says(t, c.run(t.Context(), []string{"licences"}), "docs/licences.md is stale")
	c.write(t, tree{"docs/contract.html": "/*! other, licensed under the GPL */"})
	says(t, c.run(t.Context(), []string{"licences", "-write"}), "docs/contract.html has a notice that is not known")
}
