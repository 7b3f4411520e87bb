package faults_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/figures"
)

// TestPicture holds docs/reliability.svg to the tables of the soaks in README.md, of which it is drawn.
func TestPicture(t *testing.T) {
	t.Parallel()
	picture, err := reliabilityPicture(readSoaks(t))
	if err != nil {
		t.Fatal(err)
	}
	figures.CheckFile(t, "../../docs/reliability.svg", picture.SVG())
}

// soaks are the tables of README.md, to be told elsewhere.
type soaks struct {
	ran                    string // when and on what
	updates, modifications figures.Table
}

var ranLine = regexp.MustCompile(`<!-- soak:begin -->\s+(\d{4}-\d\d-\d\d, go.*)\.\n`)

func readSoaks(t *testing.T) *soaks {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	told, err := parseSoaks(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return told
}

func parseSoaks(text string) (*soaks, error) {
	ran := ranLine.FindStringSubmatch(text)
	if ran == nil {
		return nil, fmt.Errorf("no line as %v", ranLine)
	}
	updates, err := figures.TableAfter(text, "<!-- soak:begin -->")
	if err != nil {
		return nil, err
	}
	modifications, err := figures.TableAfter(text, "<!-- modify-soak:begin -->")
	return &soaks{ran[1], updates, modifications}, err
}

// What the columns of the picture sum up: rows of a table.
var (
	ofUpdates = [][]string{
		{"successes"},
		nil, // who fails tries again until the update is applied
		{"conflicts explained as own writes", "other unknown outcomes explained as own writes"},
		{"unexplained"},
	}
	ofModifications = [][]string{
		{"successes"},
		{"conflicts", "other known failures"},
		{"unknown outcomes, stored", "unknown outcomes, not stored"},
		{"unexplained"},
	}
	soakColumns = []figures.Column{
		{Name: "success", Colour: figures.Good},
		{Name: "known failure", Colour: figures.Base},
		{Name: "unknown outcome", Colour: figures.Warn},
		{Name: "not explained", Colour: figures.Bad},
	}
)

// reliabilityPicture draws what the tables tell of the soaks.
func reliabilityPicture(told *soaks) (*figures.Picture, error) {
	p := &figures.Picture{
		Title: "What callers were told, and what was stored",
		Lead: []string{
			"Many goroutines share a client while connections and answers break.",
			"In the end, what each was told is held against what is stored.",
		},
		Columns: soakColumns,
		Notes: []figures.Note{
			{Text: "Success: it is stored."},
			{Text: "Known failure: nothing is stored. An update is tried again until it is."},
			{Text: "Unknown outcome: ErrOutcomeUnknown, it may be stored. So read it."},
			{Text: "Not explained: told something untrue, or failed without a fault."},
			{Text: told.ran},
			{Text: "Tables: internal/faults/README.md"},
		},
	}
	for _, speaks := range protocols {
		faulted, err := sum(told.updates, speaks, "faulted updates")
		if err != nil {
			return nil, err
		}
		row, err := soakRowOf(told.updates, speaks, "updates", ofUpdates)
		if err != nil {
			return nil, err
		}
		row.Note = fmt.Sprintf("%v, %s met a fault", speaks, thousands(faulted))
		p.Rows = append(p.Rows, row)
	}
	for _, speaks := range protocols {
		row, err := soakRowOf(told.modifications, speaks, "modifications", ofModifications)
		if err != nil {
			return nil, err
		}
		row.Note = fmt.Sprintf("%v, %d on one session", speaks, modifiers)
		p.Rows = append(p.Rows, row)
	}
	return p, nil
}

// soakRowOf sums up what callers were told of all that a soak did.
func soakRowOf(table figures.Table, speaks protocol, all string, columns [][]string) (figures.Row, error) {
	number, err := sum(table, speaks, all)
	if err != nil {
		return figures.Row{}, err
	}
	row := figures.Row{Name: thousands(number) + " " + all}
	rest := number
	for i, rows := range columns {
		if rows == nil {
			row.Cells = append(row.Cells, figures.Cell{Text: "–"})
			continue
		}
		n, err := sum(table, speaks, rows...)
		if err != nil {
			return figures.Row{}, err
		}
		rest -= n
		row.Parts = append(row.Parts, figures.Part{Share: float64(n) / float64(number), Colour: soakColumns[i].Colour})
		cell := figures.Cell{Text: thousands(n)}
		if soakColumns[i].Colour == figures.Bad && n == 0 {
			cell.Colour = figures.Good
		}
		row.Cells = append(row.Cells, cell)
	}
	if rest != 0 {
		return figures.Row{}, fmt.Errorf("%s: %d are not accounted for over %v", row.Name, rest, speaks)
	}
	return row, nil
}

// sum adds up rows of the column of a protocol.
func sum(table figures.Table, speaks protocol, rows ...string) (int, error) {
	total := 0
	for _, row := range rows {
		cell, err := table.Cell(row, speaks.String())
		if err != nil {
			return 0, err
		}
		n, err := strconv.Atoi(cell)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// thousands returns n with commas.
func thousands(n int) string {
	digits := []byte(strconv.Itoa(n))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}
