package figures

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestPicturesInBrowser renders the pictures as a phone and a desktop do, on light and dark pages: no text leaves its picture or lies
// on another, and all colours are those of the page.
func TestPicturesInBrowser(t *testing.T) {
	t.Parallel()
	browser := browserOf(t)
	pictures := map[string]string{
		"extremes": allOf(strings.Repeat("WMW 1,000,000,000 ", 12), "1,000,000,000,000").SVG(),
		"empty":    Picture{Title: "Nothing was measured"}.SVG(),
	}
	files, err := filepath.Glob("../../docs/*.svg")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 2 {
		t.Errorf("%d pictures in docs, want 2 at least", len(files))
	}
	for _, file := range files {
		text, err := os.ReadFile(file) //nolint:gosec // see above
		if err != nil {
			t.Fatal(err)
		}
		pictures[filepath.Base(file)] = string(text)
	}
	for scheme, of := range map[string]func(ink) string{
		"0": func(i ink) string { return i.Dark }, // as Chromium counts them
		"1": func(i ink) string { return i.Light },
	} {
		for _, picture := range browser.render(t, scheme, pictures) {
			if picture.Texts == 0 || len(picture.Wrong) > 0 {
				t.Errorf("%s: %d texts, wrong: %q", picture.Name, picture.Texts, picture.Wrong)
			}
			for _, ink := range palette {
				if got, want := picture.Colours[string(ink.Colour)], rgb(t, of(ink)); got != "" && got != want {
					t.Errorf("%s, scheme %s: %s is %s, want %s", picture.Name, scheme, ink.Colour, got, want)
				}
			}
		}
	}
}

// seen is what the script finds of a picture.
type seen struct {
	Name    string // with its width in pixels
	Texts   int
	Wrong   []string
	Colours map[string]string
}

//go:embed testdata/look.js
var look string

type browser string

// browserOf returns a Chromium, the one that CHROME names or one of the usual ones, or skips the test.
func browserOf(t *testing.T) browser {
	t.Helper()
	if path := os.Getenv("CHROME"); path != "" {
		return browser(path)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return browser(path)
		}
	}
	_, _ = fmt.Fprintln(os.Stdout, "SKIPPED: "+t.Name()+": no Chromium, and CHROME names none") // a reason is shown with -v alone
	t.SkipNow()
	return ""
}

// render shows each picture, by name, in frames of two widths.
func (b browser) render(t *testing.T, scheme string, pictures map[string]string) []seen {
	t.Helper()
	page := `<!doctype html><meta charset="utf-8"><body>`
	for name, svg := range pictures {
		for _, width := range []int{358, 880} { // of a page of 390 pixels and of 1280
			page += fmt.Sprintf(`<iframe title="%s, %d wide" width="%d" height="2000" srcdoc="%s"></iframe>`, name, width, width,
				html.EscapeString(`<!doctype html><style>body{margin:0}svg{max-width:100%;height:auto;display:block}</style>`+svg))
		}
	}
	file := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(file, []byte(page+"<script>"+look+"</script>"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: processes of the browser may write there a moment longer than it runs, and then the folder can't be removed.
	profile, err := os.MkdirTemp("", "profile") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // which is for a hang
	defer cancel()
	//nolint:gosec // the browser of this machine
	out, err := exec.CommandContext(ctx, string(b), "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+profile,
		"--blink-settings=preferredColorScheme="+scheme, "--dump-dom", "file://"+file).Output()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(out), `<pre id="seen">`)
	text, _, _ := strings.Cut(rest, "</pre>")
	var found []seen
	if err := json.Unmarshal([]byte(html.UnescapeString(text)), &found); err != nil || len(found) != 2*len(pictures) {
		t.Fatalf("%v in what the browser shows: %.2000s", err, out)
	}
	return found
}

// rgb returns a colour such as #1f2328 as a browser tells it.
func rgb(t *testing.T, colour string) string {
	t.Helper()
	n, err := strconv.ParseUint(colour[1:], 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("rgb(%d, %d, %d)", n>>16, n>>8&0xff, n&0xff)
}
