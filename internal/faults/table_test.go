package faults_test

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kodexa-community/kodexa-go/internal/figures"
)

const readme = "README.md"

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
	if figures.Writes() && isLongSoak() && len(s.ran) == len(protocols) && !t.Failed() {
		figures.Check(t, readme, name, "\n"+environment()+"\n\n"+table+"\n\n")
	}
}

// environment says when and with what the soak ran.
func environment() string {
	text := fmt.Sprintf("%s, %s %s/%s, %d CPUs", time.Now().UTC().Format(time.DateOnly), runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		text += ", race detector on"
	}
	return text + "."
}
