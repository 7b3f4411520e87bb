package faults_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/figures"
)

// TestSentence holds what the module's README says of reliability to the tables of the soaks in README.md here.
func TestSentence(t *testing.T) {
	t.Parallel()
	const file, name = "../../README.md", "reliability"
	text, err := reliabilitySentence(readSoaks(t))
	if err != nil {
		t.Fatal(err)
	}
	figures.Check(t, file, name, text)
}

func reliabilitySentence(told *soaks) (string, error) {
	var updates, faulted, modifications int
	for _, speaks := range protocols {
		for _, row := range []struct {
			total *int
			table figures.Table
			name  string
		}{{&updates, told.updates, "updates"}, {&faulted, told.updates, "faulted updates"}, {&modifications, told.modifications, "modifications"}} {
			n, err := sum(row.table, speaks, row.name)
			if err != nil {
				return "", err
			}
			*row.total += n
		}
		for _, table := range []figures.Table{told.updates, told.modifications} {
			n, err := sum(table, speaks, "unexplained")
			if err != nil {
				return "", err
			}
			if n != 0 {
				return "", fmt.Errorf("%d unexplained over %v", n, speaks)
			}
		}
	}
	return fmt.Sprintf("What callers were told was held against what the server stored, over HTTP/1.1 and HTTP/2: in %s updates, of which\n"+
		"%s met a fault, and in %s contended modifications nobody was told something untrue.\n(%s)\n",
		thousands(updates), thousands(faulted), thousands(modifications), told.ran), nil
}

const madeUp = `
<!-- soak:begin -->

2026-01-02, go1.99 linux/amd64, 9 CPUs.

|  | HTTP/1.1 | HTTP/2 |
| --- | ---: | ---: |
| updates | 1000 | 2000 |
| faulted updates | 30 | 400 |
| successes | 900 | 500 |
| conflicts explained as own writes | 60 | 700 |
| other unknown outcomes explained as own writes | 40 | 800 |
| unexplained | 0 | 0 |

<!-- soak:end -->
<!-- modify-soak:begin -->

|  | HTTP/1.1 | HTTP/2 |
| --- | ---: | ---: |
| modifications | 100 | 1000000 |
| successes | 50 | 1000000 |
| conflicts | 20 | 0 |
| other known failures | 10 | 0 |
| unknown outcomes, stored | 5 | 0 |
| unknown outcomes, not stored | 15 | 0 |
| unexplained | 0 | 0 |
`

func TestWhatIsToldOfSoaks(t *testing.T) {
	t.Parallel()
	if !ranLine.MatchString("<!-- soak:begin -->\n\n" + environment() + "\n") {
		t.Errorf("%q does not say when and on what", environment())
	}
	told, err := parseSoaks(madeUp)
	if err != nil {
		t.Fatal(err)
	}
	sentence, err := reliabilitySentence(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, figure := range []string{"3,000 updates", "430 met a fault", "1,000,100 contended", "(2026-01-02, go1.99 linux/amd64, 9 CPUs)"} {
		if !strings.Contains(strings.ReplaceAll(sentence, "\n", " "), figure) {
			t.Errorf("no %q in %q", figure, sentence)
		}
	}
	picture, err := reliabilityPicture(told)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range picture.Rows {
		text := row.Name + " | " + row.Note
		for _, cell := range row.Cells {
			text += " | " + cell.Text
		}
		for _, part := range row.Parts {
			text += fmt.Sprintf(" | %.2f", part.Share)
		}
		got = append(got, text)
	}
	if want := []string{
		"1,000 updates | HTTP/1.1, 30 met a fault | 900 | – | 100 | 0 | 0.90 | 0.10 | 0.00",
		"2,000 updates | HTTP/2, 400 met a fault | 500 | – | 1,500 | 0 | 0.25 | 0.75 | 0.00",
		"100 modifications | HTTP/1.1, 64 on one session | 50 | 30 | 20 | 0 | 0.50 | 0.30 | 0.20 | 0.00",
		"1,000,000 modifications | HTTP/2, 64 on one session | 1,000,000 | 0 | 0 | 0 | 1.00 | 0.00 | 0.00 | 0.00",
	}; !slices.Equal(got, want) {
		t.Errorf("rows are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatIsNotToldOfSoaks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, other string }{
		{"without a date", "2026-01-02, ", ""},
		{"without a table", "<!-- modify-soak:begin -->", ""},
		{"without a row", "| successes | 50 | 1000000 |\n", ""},
		{"with an update that is not accounted for", "| 900 |", "| 899 |"},
		{"with a modification that is counted twice", "| 20 | 0 |", "| 20 | 1 |"},
		{"with something unexplained", "| unexplained | 0 | 0 |", "| unexplained | 0 | 1 |"},
		{"with what is no number", "| 30 |", "| – |"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(madeUp, c.old, c.other, 1)
			told, err := parseSoaks(text)
			if err == nil {
				_, err = reliabilityPicture(told)
			}
			if err == nil {
				t.Error("a picture is drawn")
			}
		})
	}
}
