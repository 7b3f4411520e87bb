package figures

// Colour is a colour by what it is for.
type Colour string

// The colours. Each is read on white as well as on what is dark, see palette.
const (
	Text   Colour = "text"
	Muted  Colour = "muted"
	Base   Colour = "base"   // what all have in common
	Other  Colour = "other"  // who is compared
	Accent Colour = "accent" // who is spoken of
	Good   Colour = "good"
	Warn   Colour = "warn"
	Bad    Colour = "bad"
)

type ink struct {
	Colour      Colour
	Light, Dark string // on a page that is light, dark
}

var palette = []ink{
	{Text, "#1f2328", "#e6edf3"},
	{Muted, "#59636e", "#9ea7b3"},
	{Base, "#68717b", "#8b949e"},
	{Other, "#2f353d", "#d1d7e0"},
	{Accent, "#0969da", "#58a6ff"},
	{Good, "#1a7f37", "#3fb950"},
	{Warn, "#9a6700", "#d9a520"},
	{Bad, "#c62834", "#ff7b72"},
}
