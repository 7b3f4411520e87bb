package figures

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"strings"
	"text/template"
	"unicode"
)

// Picture is a chart: rows of a name over a bar, and cells beside them.
type Picture struct {
	Title   string
	Lead    []string // lines below the title
	Columns []Column
	Rows    []Row
	Notes   []Note // lines at the end
}

// Column is the head over cells.
type Column struct {
	Name   string
	Colour Colour // of the parts of bars that the cells tell of; default none
}

// Row is a name, a bar, and what is told of them.
type Row struct {
	Name   string
	Strong bool
	Parts  []Part // of the bar, from its left
	Value  string // beside the bar
	Note   string // below the bar
	Cells  []Cell // a column each
}

// Part is a piece of a bar.
type Part struct {
	Share  float64 // of the width that there is for a bar; together at most 1
	Colour Colour
}

// Cell is text, or one of the marks Yes and No.
type Cell struct {
	Text   string
	Colour Colour // default Text
}

// Note is a line at the end, after patches of the colours that it explains.
type Note struct {
	Colours []Colour
	Text    string
}

// The texts of cells that are drawn as marks.
const (
	Yes = "yes"
	No  = "no"
)

// SVG returns the picture. Its font is the reader's, so that the length of a text is an estimate; what may be too long for its place is
// squeezed into it.
func (p Picture) SVG() string {
	var out bytes.Buffer
	if err := drawing.Execute(&out, p.layout()); err != nil {
		panic(err) // the template and what it draws are both this package's
	}
	return out.String()
}

// What the template draws. Lengths are units of the view box, which are pixels where the picture is as wide as Width.
type (
	canvas struct {
		Width, Height, Shown float64
		Title, Description   escaped
		Palette              []ink
		Boxes                []box
		Marks                []mark
		Texts                []line
	}
	box struct {
		Colour                      Colour
		X, Y, Width, Height, Radius float64
	}
	mark struct {
		Colour Colour
		X, Y   float64
		Path   string
	}
	line struct {
		Size, Anchor string
		Colour       Colour
		X, Y         float64
		Squeezed     float64 // into this width, if not 0
		Text         escaped
	}
)

//go:embed picture.svg.tmpl
var pictureTemplate string

var drawing = template.Must(template.New("picture").Parse(pictureTemplate))

// The sizes of text, as the template names them.
const (
	large  = "large"
	strong = "strong"
	plain  = "plain"
	small  = "small"
)

// The places of things. The picture is narrow, so that it can be read on a phone.
const (
	width     = 520.0
	shown     = 720.0 // pixels, where there is room
	barWidth  = 212.0 // of a name, too
	cellsFrom = 220.0
	cellGap   = 3.0
	lineStep  = 18.0
	headStep  = 15.0
	barHeight = 13.0

	patchWidth, patchHeight = 14.0, 8.0
)

func (p Picture) layout() canvas {
	c := canvas{Width: width, Shown: shown, Title: escape(p.Title), Palette: palette}
	y := 20.0
	c.text(line{Size: large, Colour: Text, Y: y}, p.Title, width)
	for _, text := range p.Lead {
		y += lineStep
		c.text(line{Size: small, Colour: Muted, Y: y}, text, width)
	}
	y = c.head(y+lineStep, p.Columns)
	longest := barWidth
	for _, row := range p.Rows {
		longest = min(longest, barWidth-lengthOf(small, row.Value))
	}
	for _, row := range p.Rows {
		y = c.row(y, row, longest, len(p.Columns))
	}
	c.rule(y)
	y += 6
	for _, note := range p.Notes {
		y += lineStep
		x := 0.0
		for _, colour := range note.Colours {
			c.Boxes = append(c.Boxes, box{colour, x, y - patchHeight, patchWidth, patchHeight, 2})
			x += patchWidth + 6
		}
		c.text(line{Size: small, Colour: Muted, X: x, Y: y}, note.Text, width-x)
	}
	c.Height = y + 8
	c.Description = escape(p.describe())
	return c
}

// head draws the heads of columns, which end on one line, and returns where the rows begin.
func (c *canvas) head(y float64, columns []Column) float64 {
	room := roomOf(len(columns)) + cellGap // the words of few heads fill it
	most, heads := 0, make([][]string, len(columns))
	for i, column := range columns {
		heads[i] = wrap(column.Name, room)
		most = max(most, len(heads[i]))
	}
	bottom := y + float64(most)*headStep
	end := bottom + 10
	for i, column := range columns {
		middle := cellsFrom + (float64(i)+0.5)*room
		top := bottom - float64(len(heads[i]))*headStep
		for n, words := range heads[i] {
			c.text(line{Size: small, Anchor: "middle", Colour: Muted, X: middle, Y: top + float64(n+1)*headStep}, words, room)
		}
		if column.Colour != "" {
			end = bottom + patchHeight + 16
			c.Boxes = append(c.Boxes, box{column.Colour, middle - patchWidth/2, bottom + 8, patchWidth, patchHeight, 2})
		}
	}
	return end
}

// row draws a row, whose bar has room for what is longest, and returns where the next begins.
func (c *canvas) row(y float64, row Row, longest float64, columns int) float64 {
	c.rule(y)
	size := plain
	if row.Strong {
		size = strong
	}
	c.text(line{Size: size, Colour: Text, Y: y + 19}, row.Name, barWidth)
	x := 0.0
	for _, part := range row.Parts {
		if length := part.Share * longest; length > 0 {
			c.Boxes = append(c.Boxes, box{part.Colour, x, y + 27, length, barHeight, 1})
			x += length
		}
	}
	c.text(line{Size: small, Colour: Text, X: x + 6, Y: y + 38}, row.Value, barWidth)
	end := y + 48
	if row.Note != "" {
		c.text(line{Size: small, Colour: Muted, Y: y + 56}, row.Note, barWidth)
		end += 16
	}
	room := roomOf(columns)
	for i, cell := range row.Cells {
		c.cell(cellsFrom+(float64(i)+0.5)*(room+cellGap), (y+end)/2, cell, room)
	}
	return end
}

// roomOf returns how wide each of so many columns is.
func roomOf(columns int) float64 { return (width-cellsFrom)/float64(columns) - cellGap }

func (c *canvas) cell(x, y float64, cell Cell, room float64) {
	colour := cell.Colour
	if colour == "" {
		colour = Text
	}
	switch cell.Text {
	case Yes:
		c.Marks = append(c.Marks, mark{Good, x - 6, y, "l4 5 8 -10"})
	case No:
		c.Marks = append(c.Marks, mark{Bad, x - 4.5, y - 4.5, "l9 9m0 -9l-9 9"})
	default:
		c.text(line{Size: small, Anchor: "middle", Colour: colour, X: x, Y: y + 4.5}, cell.Text, room)
	}
}

func (c *canvas) rule(y float64) {
	c.Boxes = append(c.Boxes, box{Colour: "rule", Y: y, Width: width, Height: 1})
}

func (c *canvas) text(l line, text string, room float64) {
	if text == "" {
		return
	}
	if lengthOf(l.Size, text) > room {
		l.Squeezed = room
	}
	l.Text = escape(text)
	c.Texts = append(c.Texts, l)
}

// wrap breaks a name between words, so that its lines have room.
func wrap(name string, room float64) []string {
	var lines []string
	for word := range strings.FieldsSeq(name) {
		if last := len(lines) - 1; last >= 0 && lengthOf(small, lines[last]+" "+word) <= room {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// lengthOf returns about what a text takes in DejaVu Sans. Few systems have a wider font.
func lengthOf(size, text string) float64 {
	ems := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune(" ,.:;'/ijlI-ftr()|", r):
			ems += 0.36
		case strings.ContainsRune("czksvxyEFJLPT", r):
			ems += 0.58
		case strings.ContainsRune("mwMW+%@", r) || r > unicode.MaxLatin1:
			ems += 0.96
		case unicode.IsUpper(r):
			ems += 0.76
		default:
			ems += 0.63
		}
	}
	return ems * map[string]float64{large: 17.6 * 1.1, strong: 13.7 * 1.1, plain: 13.7, small: 12.25}[size]
}

// describe returns what the picture shows, for who does not see it.
func (p Picture) describe() string {
	var b strings.Builder
	for _, text := range p.Lead {
		b.WriteString(text + "\n")
	}
	for _, row := range p.Rows {
		b.WriteString(row.Name + ": " + strings.Join(strings.Fields(row.Value+" "+row.Note), " "))
		for i, cell := range row.Cells {
			b.WriteString("; " + p.Columns[i].Name + ": " + cell.Text)
		}
		b.WriteString(".\n")
	}
	for _, note := range p.Notes {
		b.WriteString(note.Text + "\n")
	}
	return strings.TrimSpace(b.String())
}

// escaped is text that may stand in XML.
type escaped string

func escape(text string) escaped {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(text))                          // a Buffer takes all
	return escaped(strings.ReplaceAll(b.String(), "&#xA;", "\n")) // lines stay lines, for who reads a change
}
