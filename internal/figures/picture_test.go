package figures

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// hostile has whatever XML gives a meaning to, and what is not text.
const hostile = `</text><script>alert("1")</script>&amp;&#0;]]>{{.}}'µs'` + "\xff\x00"

func TestSVGEscapes(t *testing.T) {
	t.Parallel()
	escaped := strings.NewReplacer("\xff", "�", "\x00", "�").Replace(hostile)
	texts := textsOf(t, allOf(hostile, hostile).SVG())
	for element, most := range map[string]int{"title": 1, "text": 19} {
		if n := len(texts[element]); n < most {
			t.Errorf("%d elements %s, want %d", n, element, most)
		}
		for _, text := range texts[element] {
			if text != escaped {
				t.Errorf("%s is %q, want %q", element, text, escaped)
			}
		}
	}
	if len(texts["script"]) > 0 {
		t.Error("a text became a script")
	}
}

// What a picture shows is told to who does not see it.
func TestSVGDescribes(t *testing.T) {
	t.Parallel()
	desc := textsOf(t, Picture{
		Title:   "title",
		Lead:    []string{"lead"},
		Columns: []Column{{Name: "is it good"}, {Name: "how many"}},
		Rows:    []Row{{Name: "a", Value: "5 µs", Note: "noted", Cells: []Cell{{Text: Yes}, {Text: "1/2"}}}, {Name: "b", Cells: []Cell{{Text: No}, {Text: "–"}}}},
		Notes:   []Note{{Text: "note"}},
	}.SVG())["desc"]
	want := "lead\na: 5 µs noted; is it good: yes; how many: 1/2.\nb: ; is it good: no; how many: –.\nnote"
	if !slices.Equal(desc, []string{want}) {
		t.Errorf("got %q, want %q", desc, want)
	}
}

func TestBarsAreInProportion(t *testing.T) {
	t.Parallel()
	c := Picture{Columns: []Column{{Name: "c"}}, Rows: []Row{
		{Name: "half", Value: "1 µs", Parts: []Part{{0.25, Base}, {0.25, Accent}}},
		{Name: "all", Value: "1000000 µs", Parts: []Part{{1, Base}}},
		{Name: "none", Parts: []Part{{0, Base}}},
	}}.layout()
	var bars []box
	for _, b := range c.Boxes {
		if b.Height == barHeight {
			bars = append(bars, b)
		}
	}
	if len(bars) != 3 || bars[0].Width != bars[1].Width || bars[1].X != bars[0].Width || bars[2].Width != 4*bars[0].Width {
		t.Errorf("bars are %+v, want a quarter, the quarter after it, and the whole", bars)
	}
}

// A colour is read on every background that a page may have, as text of any size is: 4.5 to 1, see WCAG 2.2, 1.4.3.
func TestPaletteIsLegible(t *testing.T) {
	t.Parallel()
	for _, ink := range palette {
		for background, colour := range map[string]string{"#ffffff": ink.Light, "#f6f8fa": ink.Light, "#0d1117": ink.Dark, "#212830": ink.Dark, "#000000": ink.Dark} {
			if got := contrast(t, colour, background); got < 4.5 {
				t.Errorf("%s: %s on %s has %.2f to 1", ink.Colour, colour, background, got)
			}
		}
	}
	if got := contrast(t, "#000000", "#ffffff"); math.Abs(got-21) > 0.01 {
		t.Errorf("black on white has %.2f to 1, want 21", got)
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"bad answers refused":     {"bad", "answers", "refused"},
		"key kept from redirects": {"key kept", "from", "redirects"},
		"unexplained-everywhere":  {"unexplained-everywhere"},
		"":                        nil,
	} {
		if got := wrap(name, 57); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// allOf returns a picture with this text in every place, in cells another.
func allOf(text, cell string) Picture {
	p := Picture{
		Title: text,
		Lead:  []string{text},
		Rows:  []Row{{Name: text, Strong: true, Value: cell, Note: text, Parts: []Part{{0.5, Base}, {0.5, Accent}}}, {Name: text, Value: cell}},
		Notes: []Note{{Text: text}, {Colours: []Colour{Good, Bad}, Text: text}},
	}
	for _, one := range []string{Yes, No, cell, cell, cell} {
		p.Columns = append(p.Columns, Column{Name: cell, Colour: Good})
		for i := range p.Rows {
			p.Rows[i].Cells = append(p.Rows[i].Cells, Cell{Text: one})
		}
	}
	return p
}

// textsOf returns the text within elements, by their name, and fails where svg is not XML.
func textsOf(t *testing.T, svg string) map[string][]string {
	t.Helper()
	texts := map[string][]string{}
	name := ""
	decoder := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			name = token.Name.Local
		case xml.EndElement:
			name = ""
		case xml.CharData:
			if name != "" {
				texts[name] = append(texts[name], string(token))
			}
		}
	}
}

// contrast is that of WCAG between colours such as #1f2328.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	light, dark := max(luminance(t, a), luminance(t, b)), min(luminance(t, a), luminance(t, b))
	return (light + 0.05) / (dark + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(fmt.Errorf("%s: %w", colour, err))
		}
		value := float64(n) / 255
		if value <= 0.04045 {
			sum += weight * value / 12.92
		} else {
			sum += weight * math.Pow((value+0.055)/1.055, 2.4)
		}
	}
	return sum
}
