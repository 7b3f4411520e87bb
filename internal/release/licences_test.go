package main

import (
	"os"
	"path/filepath"
	"slices"
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
	files["go.mod"] += "\nrequire example.test/other v0.0.0\n\nreplace example.test/other => ./other\n"
	files["kodexa.go"] = "package kodexa\n\nimport _ \"example.test/other\"\n"
	files["other/go.mod"] = "module example.test/other\n"
	files["other/other.go"] = "package other\n"
	c := newCheckout(t, files)
	says(t, c.run(t.Context(), []string{"licences", "-write"}), "example.test/other: no licence file")
	c.write(t, tree{"other/LICENSE": mit})
	says(t, c.run(t.Context(), []string{"licences"}), "docs/licences.md is stale: run make licences")
	says(t, c.run(t.Context(), []string{"licences", "-write"}))
	says(t, c.run(t.Context(), []string{"licences"}))
	got, err := os.ReadFile(filepath.Join(c.dir, "docs", "licences.md"))
	if want := licencesHead + "| example.test/other | MIT | LICENSE |\n"; err != nil || string(got) != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
	c.write(t, tree{"other/LICENSE": bsd3})
	says(t, c.run(t.Context(), []string{"licences"}), "docs/licences.md is stale")
}
