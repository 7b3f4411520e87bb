package main

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// table is written as Markdown that reads as well unrendered. Its first column is text, the others are numbers.
type table struct{ rows [][]string }

func newTable(head ...string) *table { return &table{rows: [][]string{head}} }

// String returns the table with an empty line before it.
func (t *table) String() string {
	widths := make([]int, len(t.rows[0]))
	for _, row := range t.rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range t.rows {
		b.WriteString("\n|")
		for i, cell := range row {
			padding := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i == 0 {
				b.WriteString(" " + cell + padding + " |")
			} else {
				b.WriteString(" " + padding + cell + " |")
			}
		}
		if n > 0 {
			continue
		}
		b.WriteString("\n| " + strings.Repeat("-", widths[0]) + " |")
		for _, width := range widths[1:] {
			b.WriteString(" " + strings.Repeat("-", width-1) + ": |")
		}
	}
	return b.String() + "\n"
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// show returns least, median and greatest value, or just one where they look the same.
func show(list []float64, scale float64) string {
	s := spreadOf(list)
	low, middle, high := number(s.lowest*scale), number(s.median*scale), number(s.highest*scale)
	if low == high {
		return middle
	}
	return low + "–" + middle + "–" + high
}

// number returns f in three digits or, beyond 100, as an integer.
func number(f float64) string {
	switch size := math.Abs(f); {
	case size >= 100:
		return fmt.Sprintf("%.0f", f)
	case size >= 10:
		return fmt.Sprintf("%.1f", f)
	default:
		return fmt.Sprintf("%.2f", f)
	}
}
