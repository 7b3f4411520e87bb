package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kodexa-community/kodexa-go/bench/peers"
	"github.com/kodexa-community/kodexa-go/internal/figures"
)

// drawn are the peers of the picture, each with its name there.
var drawn = map[string]string{
	peers.KodexaName:      "this client",
	peers.StockName:       "oapi-codegen",
	peers.StockExtraName:  "oapi-codegen, extra members",
	peers.FilterName:      "oapi-codegen + kin-openapi",
	peers.OgenName:        "ogen",
	peers.RestyName:       "resty, checks by hand",
	peers.HandwrittenName: "net/http by hand",
}

// TestPicture holds docs/speed.svg to the tables in README.md, of which it is drawn.
func TestPicture(t *testing.T) {
	t.Parallel()
	picture, err := speedPicture(readTables(t))
	if err != nil {
		t.Fatal(err)
	}
	figures.CheckFile(t, "../docs/speed.svg", picture.SVG())
}

// speedPicture draws what the tables tell of one update.
func speedPicture(told *tables) (*figures.Picture, error) {
	floor, floorText, err := told.median(peers.FloorName, "wall µs")
	if err != nil {
		return nil, err
	}
	p := &figures.Picture{
		Title: "One update: what it costs, what it checks",
		Lead:  []string{fmt.Sprintf("Time of a call with %s bytes each way: median of %s rounds of %s calls", told.bytes, told.rounds, told.calls)},
		Notes: []figures.Note{
			{Colours: []figures.Colour{figures.Base}, Text: "the bare exchange of the same bytes by net/http: " + floorText + " µs"},
			{Colours: []figures.Colour{figures.Other, figures.Accent}, Text: "what the client adds"},
			{Text: "–: takes Go values alone, no bytes of the caller's own"},
			{Text: told.ran},
			{Text: "Tables and trials: bench/README.md"},
		},
	}
	for _, check := range checks {
		p.Columns = append(p.Columns, figures.Column{Name: check.column})
	}
	took := map[string]float64{}
	for name, shown := range drawn {
		row := figures.Row{Name: shown, Strong: name == peers.KodexaName}
		var text string
		if took[shown], text, err = told.median(name, "wall µs"); err != nil {
			return nil, err
		}
		row.Value = text + " µs"
		for _, check := range checks {
			cell, err := told.tried.Cell(name, check.column)
			if err != nil {
				return nil, err
			}
			row.Cells = append(row.Cells, cellOf(cell))
		}
		p.Rows = append(p.Rows, row)
	}
	slices.SortFunc(p.Rows, func(a, b figures.Row) int {
		return cmp.Or(cmp.Compare(took[a.Name], took[b.Name]), cmp.Compare(a.Name, b.Name))
	})
	slowest := took[p.Rows[len(p.Rows)-1].Name]
	for i, row := range p.Rows {
		colour := figures.Other
		if row.Strong {
			colour = figures.Accent
		}
		p.Rows[i].Parts = []figures.Part{
			{Share: min(floor, took[row.Name]) / slowest, Colour: figures.Base},
			{Share: max(0, took[row.Name]-floor) / slowest, Colour: colour},
		}
	}
	return p, nil
}

// cellOf shows a cell of the table of checks: a count stands out when it is all.
func cellOf(text string) figures.Cell {
	some, all, isCount := strings.Cut(text, " of ")
	switch {
	case !isCount:
		return figures.Cell{Text: text}
	case some == all:
		return figures.Cell{Text: some + "/" + all, Colour: figures.Good}
	default:
		return figures.Cell{Text: some + "/" + all, Colour: figures.Bad}
	}
}
