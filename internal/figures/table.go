package figures

import (
	"fmt"
	"slices"
	"strings"
)

// Table is a table of Markdown: the head, and the rows below it.
type Table [][]string

// TableAfter returns the first table after the mark in text.
func TableAfter(text, mark string) (Table, error) {
	_, rest, found := strings.Cut(text, mark)
	if !found {
		return nil, fmt.Errorf("no %q to find a table after", mark)
	}
	var table Table
	for line := range strings.Lines(rest) {
		inner, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
		if !isRow {
			if table != nil {
				break
			}
			continue
		}
		cells := strings.Split(strings.TrimSuffix(inner, "|"), "|")
		for i, cell := range cells {
			cells[i] = strings.TrimSpace(cell)
		}
		table = append(table, cells)
	}
	if len(table) < 2 {
		return nil, fmt.Errorf("no table after %q", mark)
	}
	return slices.Delete(table, 1, 2), nil // the rule below the head
}

// Cell returns what the row of this name has in the column of this name, the first such one.
func (t Table) Cell(row, column string) (string, error) {
	at := slices.Index(t[0], column)
	for _, cells := range t[1:] {
		if at > 0 && at < len(cells) && cells[0] == row {
			return cells[at], nil
		}
	}
	return "", fmt.Errorf("no row %q with a column %q", row, column)
}
