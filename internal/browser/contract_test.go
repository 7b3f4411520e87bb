package browser

import (
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"go.yaml.in/yaml/v4"
)

// document is what the page has to show of openapi.yaml.
type document struct {
	Info  described
	Paths map[string]map[string]struct {
		described   `yaml:",inline"`
		Summary     string
		OperationID string `yaml:"operationId"`
	}
	Components struct {
		Schemas map[string]struct {
			described  `yaml:",inline"`
			Properties map[string]described
		}
	}
}

type described struct{ Title, Description string }

func TestTheContractAsAPage(t *testing.T) {
	t.Parallel()
	page := open(t)
	text, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var contract document
	if err := yaml.Unmarshal(text, &contract); err != nil {
		t.Fatal(err)
	}
	file, err := filepath.Abs("../../docs/contract.html")
	if err != nil {
		t.Fatal(err)
	}
	own := (&url.URL{Scheme: "file", Path: filepath.ToSlash(file)}).String()
	page.do(chromedp.EmulateViewport(1280, 40000), chromedp.Navigate(own)) // what is below the window is not there yet

	overview := page.see("main")
	for _, want := range []string{contract.Info.Title, contract.Info.Description} {
		hasText(t, "the overview", overview, want)
	}

	page.show("sessions")
	for path, operations := range contract.Paths {
		for method, o := range operations {
			shown := page.section("/sessions/" + strings.ToLower(o.OperationID))
			for _, want := range append(strings.Split(o.Description, "\n"), o.Summary, strings.ToUpper(method), path) {
				hasText(t, o.OperationID, shown, want)
			}
			for name := range contract.Components.Schemas["Session"].Properties {
				hasText(t, "the example of "+o.OperationID, shown, `"`+name+`": `)
			}
		}
	}

	page.show("schemas")
	for name, schema := range contract.Components.Schemas {
		shown := page.section("/schemas/" + strings.ToLower(name))
		hasText(t, name, shown, name)
		hasText(t, name, shown, schema.Description)
		lines := strings.Split(shown, "\n")
		for member, m := range schema.Properties {
			if !slices.Contains(lines, member) {
				t.Errorf("%s has no member %s: %s", name, member, shown)
			}
			hasText(t, name, shown, m.Description)
			hasText(t, "the example of "+name, shown, `"`+member+`": `)
		}
	}
	page.loadsNothingBut(own)
}

// show opens a group of sections. The page closes the others.
func (p *tab) show(group string) {
	p.t.Helper()
	p.see("#" + group + " button")
	p.eval(`[...document.querySelectorAll('#` + group + ` button')].find(b => b.innerText === '+ Show').click(); ''`)
}

// section waits until a section is there, and returns its text.
func (p *tab) section(id string) string {
	p.t.Helper()
	selector := `[data-section-id="` + id + `"]`
	p.see(selector + ` [data-testid="middle-panel"]`)
	return p.see(selector)
}

func hasText(t *testing.T, where, shown, want string) {
	t.Helper()
	if !strings.Contains(shown, want) {
		t.Errorf("%s does not show %q: %s", where, want, shown)
	}
}
