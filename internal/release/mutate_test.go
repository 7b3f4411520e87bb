package main

import (
	"io/fs"
	"strings"
	"testing"
)

// What tools/mutate.sh mends of the score: a case's condition counts, what does not compile doesn't, nor does another package.
func TestMutate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds gremlins")
	}
	files := tree{
		"go.mod":        "module example.test/x\n\ngo 1.26\n",
		"x.go":          "package x\n\nfunc Max(a, b int) int {\n\tswitch {\n\tcase a > b:\n\t\treturn a\n\t}\n\treturn b\n}\n\nfunc Join(a, b string) string { return a + b }\n",
		"x_test.go":     "package x\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {\n\tif Max(1, 2) != 2 || Join(\"a\", \"b\") != \"ab\" {\n\t\tt.Error()\n\t}\n}\n",
		"sub/sub.go":    "package sub\n\nfunc Positive(a int) bool { return a > 0 }\n",
		"sub/s_test.go": "package sub\n\nimport \"testing\"\n\nfunc TestPositive(t *testing.T) {\n\tif !Positive(1) {\n\t\tt.Error()\n\t}\n}\n",
	}
	for _, name := range []string{"tools/go.mod", "tools/go.sum", "tools/mutate.sh", "tools/gremlins.yaml"} {
		content, err := fs.ReadFile(repositoryFiles, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(content)
	}
	// A mutant that takes too long counts neither way, which is not to depend on how busy this machine is.
	c := newCheckout(t, files.with(t, "tools/gremlins.yaml", "timeout-coefficient: 15", "timeout-coefficient: 1000"))
	output, status := c.shell(t, "sh tools/mutate.sh . ./sub")
	for _, want := range []string{
		"LIVED CONDITIONALS_BOUNDARY at x.go:5:9\n", "Killed: 1, Lived: 1, Not covered: 0\n", "Timed out: 0, Not viable: 1, Skipped: 0\n",
		"ERROR: below efficacy-threshold\n", "-- ./sub\n", "LIVED CONDITIONALS_BOUNDARY at sub.go:3:38\n",
	} {
		if !strings.Contains(output, want) {
			t.Errorf("printed %s\nwithout %q", output, want)
		}
	}
	if status != "exit status 1" {
		t.Errorf("got %q, want exit status 1", status)
	}
}
