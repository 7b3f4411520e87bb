package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/figures"
)

// tables are what README.md tells, to be told elsewhere.
type tables struct {
	ran                  string // when and on what
	bytes, rounds, calls string // of one update
	times, tried, starts figures.Table
}

var (
	ranLine  = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d, go\S+ \S+, \d+ CPUs`)
	sizeLine = regexp.MustCompile(`A session of (\d+) bytes.* of (\d+) rounds of (\d+) calls each`)
)

func readTables(t *testing.T) *tables {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	told, err := parseTables(string(readme))
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// parseTables refuses those of a short run.
func parseTables(readme string) (*tables, error) {
	ran, sent := ranLine.FindString(readme), sizeLine.FindStringSubmatch(readme)
	if ran == "" || sent == nil {
		return nil, fmt.Errorf("no lines as %v and %v", ranLine, sizeLine)
	}
	told := &tables{ran: ran, bytes: sent[1], rounds: sent[2], calls: sent[3]}
	if rounds, err := strconv.Atoi(told.rounds); err != nil || rounds < fullRounds {
		return nil, fmt.Errorf("tables of %s rounds, want those of %d: run make bench", told.rounds, fullRounds)
	}
	for mark, table := range map[string]*figures.Table{
		sent[0]: &told.times, "<!-- checks:begin -->": &told.tried, "\nPrograms that update a session": &told.starts,
	} {
		var err error
		if *table, err = figures.TableAfter(readme, mark); err != nil {
			return nil, err
		}
	}
	return told, nil
}

// median returns what stands between the least and the greatest, of an update.
func (t *tables) median(row, column string) (value float64, text string, err error) {
	text, err = t.times.Cell(row, column)
	if err != nil {
		return 0, "", err
	}
	text = middle(text)
	value, err = strconv.ParseFloat(text, 64)
	return value, text, err
}

// middle returns the second of three values, or the only one.
func middle(cell string) string {
	if spread := strings.Split(cell, "–"); len(spread) == 3 {
		return spread[1]
	}
	return cell
}

const madeUp = `
2026-01-02, go1.99 linux/amd64, 9 CPUs; example.com/a v1.

A session of 77 bytes, sent and answered. Least–median–greatest of 50 rounds of 4 calls each.

| one update | wall µs | × stock | CPU µs | × stock | wall × **this client** |
| --- | ---: | ---: | ---: | ---: | ---: |
| bare exchange of the same bytes | 10.0 | 0.5 | 1 | 9 | 0 |
| hand-written net/http + encoding/json | 1–50.0–99 | 1 | 1 | 9 | 1 |
| stock oapi-codegen | 20.0–40.0–60.0 | 1 | 1 | 9 | 1 |
| stock, keeping extra members | 80.0 | 1 | 1 | 9 | 1 |
| stock + openapi3filter, both ways | 70.0 | 1 | 1 | 9 | 1.5–1.6–1.7 |
| ogen | 5.00 | 1 | 1 | 9 | 1 |
| resty, checks by hand | 60.0 | 1 | 1 | 9 | 1 |
| **this client** | 30.0 | 0.7–0.8–0.9 | 1 | 9 | 1 |

Programs that update a session, and one that loads the contract.

| program | stripped MB | process start ms | New ms |
| --- | ---: | ---: | ---: |
| **this client** | 9 | 7 | 1–2.5–3 |
| **this client** − hand-written | 3.21 | 4–4.5–5 | – |

<!-- checks:begin -->
| peer | bad requests refused | bad answers refused | unknown members kept | large numbers kept | key kept from redirects |
| --- | ---: | ---: | ---: | ---: | ---: |
| hand-written net/http + encoding/json | – | 1 of 5 | no | no | no |
| stock oapi-codegen | no | 2 of 5 | no | no | no |
| stock, keeping extra members | no | 3 of 5 | yes | no | no |
| stock + openapi3filter, both ways | yes | 4 of 5 | no | no | no |
| ogen | – | 4 of 5 | yes | yes | no |
| resty, checks by hand | no | 4 of 5 | no | no | no |
| **this client** | yes | 5 of 5 | yes | yes | yes |
`

func TestWhatIsTold(t *testing.T) {
	t.Parallel()
	if !ranLine.MatchString(environment()) {
		t.Errorf("%q does not say when and on what", environment())
	}
	told, err := parseTables(madeUp)
	if err != nil {
		t.Fatal(err)
	}
	sentence, err := speedSentence(told)
	if err != nil {
		t.Fatal(err)
	}
	for _, figure := range []string{
		"takes 0.8 times", "0.62 times", "starts 4.5 ms", "refuses 5 of 5", "stock 2 of 5", "filter 4 of 5", "by 3.21 MB", "takes 2.5 ms",
		"(2026-01-02, go1.99 linux/amd64, 9 CPUs)",
	} {
		if !strings.Contains(strings.ReplaceAll(sentence, "\n", " "), figure) {
			t.Errorf("no %q in %q", figure, sentence)
		}
	}
	picture, err := speedPicture(told)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range picture.Rows {
		text := row.Name + " | " + row.Value
		for _, cell := range row.Cells {
			text += " | " + cell.Text
		}
		for _, part := range row.Parts {
			text += fmt.Sprintf(" | %.4f", part.Share)
		}
		got = append(got, text)
	}
	if want := []string{
		"ogen | 5.00 µs | – | 4/5 | yes | yes | no | 0.0625 | 0.0000",
		"this client | 30.0 µs | yes | 5/5 | yes | yes | yes | 0.1250 | 0.2500",
		"oapi-codegen | 40.0 µs | no | 2/5 | no | no | no | 0.1250 | 0.3750",
		"net/http by hand | 50.0 µs | – | 1/5 | no | no | no | 0.1250 | 0.5000",
		"resty, checks by hand | 60.0 µs | no | 4/5 | no | no | no | 0.1250 | 0.6250",
		"oapi-codegen + kin-openapi | 70.0 µs | yes | 4/5 | no | no | no | 0.1250 | 0.7500",
		"oapi-codegen, extra members | 80.0 µs | no | 3/5 | yes | no | no | 0.1250 | 0.8750",
	}; !slices.Equal(got, want) {
		t.Errorf("rows are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatIsNotTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, other string }{
		{"of a short run", "50 rounds", "2 rounds"},
		{"without a date", "2026-01-02, ", ""},
		{"without a table", "<!-- checks:begin -->", ""},
		{"without a peer's time", "| ogen | 5", "| other | 5"},
		{"without a peer's checks", "| ogen | –", "| other | –"},
		{"without a column", "| bad answers refused |", "| good answers |"},
		{"of what is no number", "| 5.00 |", "| fast |"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			told, err := parseTables(strings.Replace(madeUp, c.old, c.other, 1))
			if err == nil {
				_, err = speedPicture(told)
			}
			if err == nil {
				t.Error("a picture is drawn")
			}
		})
	}
}
