package browser

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// limit of a test is generous: what is waited for takes milliseconds, and seconds on a machine that is busy. A program may be
// compiled meanwhile.
const limit = 5 * time.Minute

// browser runs while the tests do; nil without Chromium.
var browser context.Context

func TestMain(m *testing.M) {
	options := []chromedp.ExecAllocatorOption{
		chromedp.NoSandbox, // it has none for root, and sees pages of our own alone
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"), // no name leads out
	}
	if path := os.Getenv("CHROME"); path != "" {
		options = append(options, chromedp.ExecPath(path))
	}
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(options...))
	err := chromedp.Do(ctx, chromedp.Navigate("about:blank"))
	switch {
	case err == nil:
		browser = ctx //nolint:fatcontext // it is that of all tests
	case errors.Is(err, exec.ErrNotFound):
		fmt.Println("SKIPPED: the tests of pages: no Chromium, and CHROME names none") //nolint:forbidigo // go test shows it with -v
	default:
		log.Fatal(err)
	}
	status := m.Run()
	cancel()
	os.Exit(status)
}

// tab is a page of the browser.
type tab struct {
	t         *testing.T
	ctx       context.Context //nolint:containedctx // it is what chromedp calls a tab
	mu        sync.Mutex
	requested []string // the URLs
}

// open opens a tab.
func open(t *testing.T) *tab {
	t.Helper()
	if browser == nil {
		t.Skip("SKIPPED: no Chromium")
	}
	p := &tab{t: t}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithListener(func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.requested = append(p.requested, e.Request.URL)
		}
	}))
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // which a limit would end
		t.Fatal(err)
	}
	p.ctx, cancel = context.WithTimeout(ctx, limit)
	t.Cleanup(cancel)
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// eval runs JavaScript that makes a text.
func (p *tab) eval(script string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		p.t.Fatal(err)
	}
	return text
}

// see waits until what a CSS selector selects can be seen, and returns its text.
func (p *tab) see(selector string) string {
	p.t.Helper()
	text, err := chromedp.Run(p.ctx, chromedp.Text(chromedp.CSS(selector), chromedp.NodeVisible))
	if err != nil {
		p.t.Fatalf("%s: %v", selector, err)
	}
	return text
}

// loadsNothingBut fails for what was requested from another place than the page's own.
func (p *tab) loadsNothingBut(own string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.ContainsFunc(p.requested, func(u string) bool { return strings.HasPrefix(u, own) }) {
		p.t.Errorf("nothing of %s was requested, so requests are not seen", own)
	}
	for _, requested := range p.requested {
		u, err := url.Parse(requested)
		if err != nil || u.Scheme != "data" && u.Scheme != "blob" && u.Scheme != "about" && !strings.HasPrefix(requested, own) {
			p.t.Errorf("the page requested %s", requested)
		}
	}
}
