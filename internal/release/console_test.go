package main

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A command stands after "$ " in a block of a document, above its output. In that "…" stands for any text; alone in a line, for
// any number of lines. A last line "exit status N" says that the command fails.
type command struct {
	line   int // of the document, from 1
	text   string
	want   []string
	status string // "exit status N", or "" for success
}

// consoleBlocks are the commands of each block that is fenced as console.
func consoleBlocks(document string) (blocks [][]command) {
	const fence = "```"
	inBlock := false
	for i, line := range strings.Split(document, "\n") {
		last := len(blocks) - 1
		text, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case line == fence+"console":
			inBlock = true
			blocks = append(blocks, nil)
		case line == fence:
			inBlock = false
		case inBlock && isCommand:
			blocks[last] = append(blocks[last], command{line: i + 1, text: text})
		case inBlock && len(blocks[last]) == 0:
			blocks[last] = []command{{line: i + 1, text: "false # is no command: " + line}}
		case inBlock:
			c := &blocks[last][len(blocks[last])-1]
			c.want = append(c.want, line)
		}
	}
	for _, block := range blocks {
		for i := range block {
			c := &block[i]
			c.want = lines(strings.Join(c.want, "\n"))
			if end := len(c.want) - 1; end >= 0 && strings.HasPrefix(c.want[end], "exit status ") {
				c.want, c.status = c.want[:end], c.want[end]
			}
		}
	}
	return blocks
}

// lines are those of a text without blanks at their ends and without empty lines at its end.
func lines(text string) []string {
	split := strings.Split(strings.TrimRight(text, " \t\r\n"), "\n")
	for i, line := range split {
		split[i] = strings.TrimRight(line, " \t\r")
	}
	if len(split) == 1 && split[0] == "" {
		return nil
	}
	return split
}

// skipped is the line by which a command says that it can't do its work here; "" if it does it or the document has that line.
func (c command) skipped(output string) string {
	for _, line := range lines(output) {
		if strings.HasPrefix(line, "SKIPPED: ") && !slices.ContainsFunc(c.want, func(w string) bool { return strings.HasPrefix(w, "SKIPPED: ") }) {
			return line
		}
	}
	return ""
}

// differs shows where the output leaves what the document has, and where the status is another; "" if all is the same.
func (c command) differs(output, status string) string {
	got := lines(output)
	if taken(c.want, got, `\z`) < 0 {
		fits := len(c.want)
		for taken(c.want[:fits], got, "") < 0 {
			fits--
		}
		same := taken(c.want[:fits], got, "")
		text := prefixed("  ", got[:same])
		if fits < len(c.want) {
			text += fmt.Sprintf("- %s   (line %d)\n", c.want[fits], c.line+1+fits)
		}
		return text + prefixed("+ ", got[same:])
	}
	if status != c.status {
		return prefixed("  ", got) + fmt.Sprintf("- %s\n+ %s\n", cmp.Or(c.status, "exit status 0"), cmp.Or(status, "exit status 0"))
	}
	return ""
}

// taken is the least number of lines of the output that the expected lines fit; -1 if they don't.
func taken(want, got []string, end string) int {
	pattern := `\A`
	for _, line := range want {
		if line == "…" {
			pattern += `(?:.*\n)*?`
			continue
		}
		pattern += strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `\n`
	}
	text := prefixed("", got)
	found := regexp.MustCompile(pattern + end).FindStringIndex(text)
	if found == nil {
		return -1
	}
	return strings.Count(text[:found[1]], "\n")
}

func prefixed(prefix string, lines []string) (text string) {
	for _, line := range lines {
		text += prefix + line + "\n"
	}
	return text
}

func TestConsoleBlocks(t *testing.T) {
	t.Parallel()
	const document = "# Title\n\n```sh\n$ not this\n```\n\n```console\n$ one\nout\n\n$ two  # why\n```\n$ nor this\n```console\n$ three\nfirst\n…\nexit status 2\n```\n"
	want := [][]command{
		{{8, "one", []string{"out"}, ""}, {11, "two  # why", nil, ""}},
		{{15, "three", []string{"first", "…"}, "exit status 2"}},
	}
	if got := consoleBlocks(document); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, broken := range []string{"```console\nno command\n```", "```console\n\n$ one\n```"} {
		if first := consoleBlocks(broken)[0][0]; !strings.HasPrefix(first.text, "false # ") {
			t.Errorf("%q: %q is taken for a command", broken, first.text)
		}
	}
}

func TestDiffers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		want, status, output, gotStatus string
		diff                            string
	}{
		"the same":                {"one\ntwo\n", "", "one\ntwo\n", "", ""},
		"blanks at the end":       {"one\n\n", "", "one \r\n", "", ""},
		"no output":               {"", "", "", "", ""},
		"any lines":               {"one\n…\nfour", "", "one\ntwo\nthree\nfour\n", "", ""},
		"any lines are none":      {"one\n…\ntwo", "", "one\ntwo\n", "", ""},
		"any lines are all":       {"…", "", "one\ntwo\n", "", ""},
		"any text":                {"took … s, … runs", "", "took 1.5 s, 3 runs", "", ""},
		"a pattern is none":       {"a.c", "", "abc", "", "- a.c   (line 8)\n+ abc\n"},
		"it fails as expected":    {"one", "exit status 2", "one\n", "exit status 2", ""},
		"another line":            {"one\ntwo\nthree", "", "one\n2\nthree", "", "  one\n- two   (line 9)\n+ 2\n+ three\n"},
		"a line is missing":       {"one\ntwo", "", "one", "", "  one\n- two   (line 9)\n"},
		"a line too many":         {"one", "", "one\ntwo", "", "  one\n+ two\n"},
		"output where none is":    {"", "", "one", "", "+ one\n"},
		"any text is in one line": {"a … c", "", "a\nc", "", "- a … c   (line 8)\n+ a\n+ c\n"},
		"after any lines":         {"…\ntwo\nfive", "", "one\ntwo\nthree\n", "", "  one\n  two\n- five   (line 10)\n+ three\n"},
		"it fails":                {"one", "", "one", "exit status 1", "  one\n- exit status 0\n+ exit status 1\n"},
		"it does not fail":        {"", "exit status 1", "", "", "- exit status 1\n+ exit status 0\n"},
		"it fails otherwise":      {"", "exit status 1", "", "exit status 2", "- exit status 1\n+ exit status 2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := command{line: 7, want: lines(test.want), status: test.status}
			if got := c.differs(test.output, test.gotStatus); got != test.diff {
				t.Errorf("got\n%s\nwant\n%s", got, test.diff)
			}
		})
	}
}

func TestSkipped(t *testing.T) {
	t.Parallel()
	const line = "SKIPPED: no such tool"
	if got := (command{want: []string{"done"}}).skipped("== x\n" + line + "\n"); got != line {
		t.Errorf("got %q", got)
	}
	if got := (command{want: []string{"SKIPPED: …"}}).skipped(line + "\n"); got != "" {
		t.Errorf("what is expected is taken for skipped: %q", got)
	}
	if got := (command{}).skipped("nothing is SKIPPED: here\n"); got != "" {
		t.Errorf("got %q", got)
	}
}
