package figures

import (
	"testing"
)

const page = "# Title\n\n| not | this |\n| --- | --- |\n\n<!-- a:begin -->\nText.\n\n| peer | µs | µs |\n| ---- | -: | -: |\n| **a** | 1–2–3 | 4 |\n| b | – |\n<!-- a:end -->\nafter\n"

func TestTableAfter(t *testing.T) {
	t.Parallel()
	table, err := TableAfter(page, "<!-- a:begin -->")
	if err != nil {
		t.Fatal(err)
	}
	if len(table) != 3 {
		t.Errorf("%d rows, want the head and 2: %q", len(table), table)
	}
	for _, c := range []struct{ row, column, want string }{{"**a**", "µs", "1–2–3"}, {"b", "µs", "–"}} {
		if got, err := table.Cell(c.row, c.column); err != nil || got != c.want {
			t.Errorf("%s, %s: %q, %v, want %q", c.row, c.column, got, err, c.want)
		}
	}
	for _, c := range []struct{ row, column string }{{"c", "µs"}, {"b", "ms"}, {"b", "peer"}} {
		if got, err := table.Cell(c.row, c.column); err == nil {
			t.Errorf("%s, %s: %q, want an error", c.row, c.column, got)
		}
	}
}

func TestTableAfterRefuses(t *testing.T) {
	t.Parallel()
	for _, mark := range []string{"<!-- b:begin -->", "after"} {
		if table, err := TableAfter(page, mark); err == nil {
			t.Errorf("after %q: %q, want an error", mark, table)
		}
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	const whole = "before\n<!-- a:begin -->\nold\n<!-- a:end -->\nafter"
	got, err := replace(whole, "a", "new\n")
	if want := "before\n<!-- a:begin -->\nnew\n<!-- a:end -->\nafter"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, text := range []string{"", "<!-- a:begin -->\n", "<!-- a:end -->\n<!-- a:begin -->\n"} {
		if got, err := replace(text, "a", "new"); err == nil {
			t.Errorf("%q: %q, want an error", text, got)
		}
	}
}
