package judges_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// suite is what one judge judges.
type suite struct {
	judge     judge
	good, bad []document
}

func suites(t *testing.T) []suite {
	t.Helper()
	schemas, good, bad := growth(t)
	return []suite{{newJudge(t, contract(t)), examples(t), violations(t)}, {newJudge(t, schemas), good, bad}}
}

func TestGoodDocumentsAreAccepted(t *testing.T) {
	t.Parallel()
	for _, s := range suites(t) {
		for _, d := range s.good {
			if got := s.judge.judge(t, d); !got.accepted {
				t.Errorf("%s: %s is refused at %q", d.place, d.body, got.places)
			}
		}
	}
}

func TestBadDocumentsAreRefusedOrExplained(t *testing.T) {
	t.Parallel()
	all := suites(t)
	counts := [5][]int{} // by suite: good, bad, not JSON, refused, accepted
	for i := range counts {
		counts[i] = make([]int, len(all))
	}
	explained := make([][]document, len(rules))
	for i, s := range all {
		counts[0][i], counts[1][i] = len(s.good), len(s.bad)
		for _, d := range s.bad {
			got := s.judge.judge(t, d)
			switch {
			case !got.isJSON:
				counts[2][i]++
			case got.accepted:
				counts[4][i]++
				explain(t, explained, s, d)
			default:
				counts[3][i]++
				if d.pointer != "*" && !slices.Contains(got.places, d.pointer) {
					t.Errorf("%s: %s is refused at %q, and not at %q", d.place, d.body, got.places, d.pointer)
				}
			}
		}
	}
	if !t.Failed() {
		checkTables(t, verdictTable(counts)+"\n"+ruleTable(t, explained))
	}
}

// explain adds a document that is accepted to those of the rule that says why.
func explain(t *testing.T, explained [][]document, s suite, d document) {
	t.Helper()
	var by []string
	for i, rule := range rules {
		if rule.explains(d, s.judge.schemas[d.schema]) {
			by = append(by, rule.refused)
			explained[i] = append(explained[i], d)
		}
	}
	if len(by) != 1 {
		t.Errorf("%s: %s is accepted, and %d rules say why: %q", d.place, d.body, len(by), by)
	}
}

func verdictTable(counts [5][]int) string {
	table := "| documents | of the contract | of what it may become |\n| --- | ---: | ---: |\n"
	for i, name := range []string{"good, and accepted", "bad", "… not JSON", "… refused where the table says", "… accepted, by a rule below"} {
		table += fmt.Sprintf("| %s | %d | %d |\n", name, counts[i][0], counts[i][1])
	}
	return table
}

func ruleTable(t *testing.T, explained [][]document) string {
	t.Helper()
	table := "| the contract refuses | JSON Schema accepts, since | documents | one of them |\n| --- | --- | ---: | --- |\n"
	for i, rule := range rules {
		if len(explained[i]) == 0 {
			t.Fatalf("no document needs the rule of %s", rule.refused)
		}
		d := explained[i][0]
		text := string(d.body)
		if !utf8.ValidString(text) {
			text = fmt.Sprintf("%q", text)
		}
		table += fmt.Sprintf("| %s | %s | %d | %s: `%s` |\n", rule.refused, rule.why, len(explained[i]), d.place, text)
	}
	return table
}

// checkTables compares the tables with those in README.md. With KODEXA_TABLES=1 it writes them there.
func checkTables(t *testing.T, tables string) {
	t.Helper()
	const file, begin, end = "README.md", "<!-- tables:begin -->\n", "<!-- tables:end -->"
	before, rest, begins := strings.Cut(string(readFile(t, file)), begin)
	old, after, ends := strings.Cut(rest, end)
	tables = "\n" + tables + "\n"
	switch {
	case !begins || !ends:
		t.Fatalf("%s has no %s", file, begin)
	case old == tables:
	case os.Getenv("KODEXA_TABLES") == "1":
		if err := os.WriteFile(file, []byte(before+begin+tables+end+after), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has other tables; KODEXA_TABLES=1 writes these:%s", file, tables)
	}
}

// TestTranslation has what neither the contract nor api/growth uses.
func TestTranslation(t *testing.T) {
	t.Parallel()
	all := map[string]any{}
	decode(t, []byte(`{
		"Least":     {"type": "integer", "minimum": 1},
		"Above":     {"type": "integer", "minimum": 1, "exclusiveMinimum": true},
		"Most":      {"type": "integer", "maximum": 1, "exclusiveMaximum": false},
		"Below":     {"type": "integer", "maximum": 1, "exclusiveMaximum": true},
		"Natural":   {"type": "integer", "format": "int8", "minimum": 1},
		"Null":      {"type": "string", "nullable": true},
		"NotNull":   {"type": "string", "nullable": false},
		"Siblings":  {"$ref": "#/components/schemas/Least", "nullable": true, "maximum": 1},
		"Answered":  {"type": "object", "required": ["a", "b"], "properties": {"a": {"readOnly": true}, "b": {"type": "string"}}}
	}`), &all)
	j := newJudge(t, all)
	for _, tt := range []struct {
		schema, body string
		accepted     bool
	}{
		{"Least", `1`, true}, {"Least", `0`, false},
		{"Above", `2`, true}, {"Above", `1`, false},
		{"Most", `1`, true}, {"Most", `2`, false},
		{"Below", `0`, true}, {"Below", `1`, false},
		{"Natural", `127`, true}, {"Natural", `128`, false}, {"Natural", `0`, false},
		{"Null", `null`, true}, {"Null", `1`, false}, {"NotNull", `null`, false},
		{"Siblings", `2`, true}, {"Siblings", `null`, false},
		{"Answered", `{"b":""}`, true}, {"Answered", `{"a":1}`, false},
	} {
		if got := j.judge(t, document{schema: tt.schema, body: []byte(tt.body)}); got.accepted != tt.accepted {
			t.Errorf("%s: %s: accepted is %t", tt.schema, tt.body, got.accepted)
		}
	}
}
