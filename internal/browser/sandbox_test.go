package browser

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

const (
	id   = "3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90"
	key  = "canary-key"
	seed = `{"id": "` + id + `", "changeSequence": 7, "state": "OPEN", "token": "canary-token", "more": [{"accessToken": "canary-deep"}]}`
)

// startSandbox builds the program and runs it until the test ends, by the signal of Ctrl-C.
func startSandbox(t *testing.T) (url string) {
	t.Helper()
	dir := t.TempDir()
	program, sessions := filepath.Join(dir, "kodexa-sandbox"), filepath.Join(dir, "sessions.json")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/kodexa-sandbox") //nolint:gosec // a path of its own
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.WriteFile(sessions, []byte(seed), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-addr", ":0", "-key", key, "-seed", sessions) //nolint:gosec // what was built
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it is that of the context
		if !cmd.ProcessState.Success() {
			t.Errorf("the sandbox ended with %v", cmd.ProcessState)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(line, "Page")), "/")
}

// put updates the session by curl, or without it by net/http.
func put(t *testing.T, url, body string) {
	t.Helper()
	url += "/api/sessions/" + id
	if curl, err := exec.LookPath("curl"); err == nil {
		// A proxy of the environment can't reach the sandbox, and curl would take it even for loopback.
		cmd := exec.CommandContext(t.Context(), curl, "--silent", "--show-error", "--noproxy", "*", "--request", "PUT", //nolint:gosec // the path has it
			"--header", "x-api-key: "+key, "--header", "Content-Type: application/json", "--data", body, url)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
}

func TestThePageOfTheSandboxIsLive(t *testing.T) {
	t.Parallel()
	page := open(t)
	url := startSandbox(t)
	page.do(chromedp.Navigate(url+"/"), chromedp.Click(chromedp.CSS("summary")))
	page.see(".live.on")
	page.see(".empty")

	start := time.Now()
	put(t, url, `{"changeSequence": 7, "state": "CLOSED", "token": "canary-new"}`)
	entry := page.see("#entry-1")
	t.Logf("from the start of curl to the page: %v", time.Since(start).Round(time.Millisecond))
	for _, want := range []string{"PUT", "200 OK", `"OPEN" → "CLOSED"`, "[masked] → [masked]", "/more", "absent"} {
		if !strings.Contains(entry, want) {
			t.Errorf("no %s in %s", want, entry)
		}
	}
	if session := page.see("#session-" + id); !strings.Contains(session, "changeSequence 8") || !strings.Contains(session, `"state": "CLOSED"`) {
		t.Errorf("the session is not the updated one, or was closed: %s", session)
	}

	put(t, url, `{"changeSequence": "seven"}`)
	if entry := page.see("#entry-2 .broken"); entry != "/changeSequence value must be an integer" {
		t.Error(entry)
	}

	put(t, url, `{"state": "<script>document.title = 'ran'</script><img src=/ran onerror=\"document.title = 'ran'\">`+key+`"}`)
	if entry := page.see("#entry-3"); !strings.Contains(entry, "<script>document.title = 'ran'</script>") {
		t.Error(entry)
	}
	const order = `[...document.querySelectorAll('.entry')].map(e => e.id).join()`
	for _, when := range []string{"as it came", "reloaded"} {
		if got := page.eval(order); got != "entry-3,entry-2,entry-1" {
			t.Errorf("%s: %s", when, got)
		}
		if title := page.eval("document.title + document.querySelectorAll('img').length"); title != "Kodexa sandbox0" {
			t.Errorf("%s: a script in a value ran: %s", when, title)
		}
		if text := page.eval("document.documentElement.outerHTML"); strings.Contains(text, "canary") {
			t.Errorf("%s: %s", when, text)
		}
		page.do(chromedp.Reload())
	}
	page.loadsNothingBut(url + "/")
}

func TestThePageKeepsTheLastRequests(t *testing.T) {
	t.Parallel()
	page := open(t)
	url := startSandbox(t)
	page.do(chromedp.Navigate(url + "/"))
	page.see(".live.on")
	const n = 203
	for i := range n {
		res, err := http.Get(fmt.Sprintf("%s/api/sessions/%d", url, i)) // without the key
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	page.see(fmt.Sprintf("#entry-%d", n))
	if got := page.eval("document.querySelectorAll('.entry').length + document.querySelector('.entry:last-child').id"); got != "200entry-4" {
		t.Error(got)
	}
}
