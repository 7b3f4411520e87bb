package faults_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// checkTable compares a table with the one that stands in README.md between the markers of this name. With KODEXA_TABLES=1 it
// writes it there.
func checkTable(t *testing.T, name, table string) {
	t.Helper()
	const file = "README.md"
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), begin)
	old, after, ends := strings.Cut(rest, end)
	table = "\n" + table + "\n\n"
	switch {
	case !begins || !ends:
		t.Fatalf("%s has no markers of %q", file, name)
	case old == table:
	case writesTables():
		if err := os.WriteFile(file, []byte(before+begin+table+end+after), 0o600); err != nil { //nolint:gosec // the name is a constant
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has another table; KODEXA_TABLES=1 writes this one:%s", file, table)
	}
}

func writesTables() bool { return os.Getenv("KODEXA_TABLES") == "1" }

// soakTable has a column of figures for each protocol.
type soakTable struct {
	ran  []protocol
	rows [][]string
}

type soakRow struct {
	name  string
	value int64
}

func newSoakTable() *soakTable { return &soakTable{rows: [][]string{{""}, {"---"}}} }

func (s *soakTable) add(speaks protocol, rows []soakRow) {
	s.ran = append(s.ran, speaks)
	s.rows[0] = append(s.rows[0], speaks.String())
	s.rows[1] = append(s.rows[1], "---:")
	for i, row := range rows {
		if len(s.ran) == 1 {
			s.rows = append(s.rows, []string{row.name})
		}
		s.rows[i+2] = append(s.rows[i+2], fmt.Sprint(row.value))
	}
}

// write prints the table if the test is verbose, and has it stand in README.md if that is asked for and the long run went well.
func (s *soakTable) write(t *testing.T, name string) {
	t.Helper()
	var lines []string
	for _, row := range s.rows {
		lines = append(lines, "| "+strings.Join(row, " | ")+" |")
	}
	table := strings.Join(lines, "\n")
	if testing.Verbose() {
		_, _ = fmt.Fprintln(t.Output(), table)
	}
	if writesTables() && isLongSoak() && len(s.ran) == len(protocols) && !t.Failed() {
		checkTable(t, name, table)
	}
}
