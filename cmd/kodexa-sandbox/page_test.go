package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// stream are the events of the page.
type stream struct{ lines *bufio.Scanner }

func (p *running) listen(t *testing.T, query string, change ...func(*http.Request)) stream {
	t.Helper()
	_, page, err := p.send(t, "GET", "/", "")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(page, `data-run="`)
	run, _, _ := strings.Cut(after, `"`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+"/events?run="+run+"&"+query, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for _, fn := range change {
		fn(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(res, err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return stream{bufio.NewScanner(res.Body)}
}

// next returns the id and the parts of the next event.
func (s stream) next(t *testing.T) (id, parts string) {
	t.Helper()
	for s.lines.Scan() && s.lines.Text() != "" {
		id += strings.TrimPrefix(s.lines.Text(), "id: ")
		if data, ok := strings.CutPrefix(s.lines.Text(), "data: "); ok {
			id = strings.TrimSuffix(id, s.lines.Text())
			if err := json.Unmarshal([]byte(data), &parts); err != nil {
				t.Fatal(err)
			}
		}
	}
	return id, parts
}

func TestThePageShowsWhatCame(t *testing.T) {
	t.Parallel()
	p := start(t, "-fault", "429:0")
	for _, body := range []string{
		`{"changeSequence":7,"state":"<script>alert(1)</script>","token":"canary-new","note":"` + key + `","tokens":{"a":["canary"]}}`,
		`{"changeSequence":"canary"}`,
	} {
		if _, _, err := p.send(t, "PUT", known, body); err != nil {
			t.Fatal(err)
		}
	}
	res, page, err := p.send(t, "GET", "/", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<article class="card" id="session-` + knownID + `">`, "changeSequence 8", "<code>429:0</code>",
		`<li class="entry good" id="entry-1">`, `<li class="entry bad" id="entry-2">`, "200 OK", "400 Bad Request",
		`<code>/changeSequence</code> value must be an integer`,
		`<dt>/state</dt><dd><del>&#34;OPEN&#34;</del> → <ins>&#34;&lt;script&gt;alert(1)&lt;/script&gt;&#34;</ins></dd>`,
		`<dt>/token</dt><dd><del>[masked]</del> → <ins>[masked]</ins></dd>`,
		`<dt>/tokens/a</dt><dd><i>absent</i> → <ins>[masked]</ins></dd>`,
		`<dt>/note</dt><dd><i>absent</i> → <ins>&#34;[masked]&#34;</ins></dd>`,
		`<dt>/organization/features/apiToken</dt><dd><del>[masked]</del> → <i>absent</i></dd>`,
		`&#34;tokens&#34;: &#34;[masked]&#34;`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s in %s", want, page)
		}
	}
	if strings.Contains(page, "canary") || strings.Contains(page, "<script>") || strings.Index(page, "entry-2") > strings.Index(page, "entry-1") {
		t.Error(page)
	}
	policy := res.Header.Get("Content-Security-Policy")
	_, after, _ := strings.Cut(policy, "script-src 'nonce-")
	nonce, _, _ := strings.Cut(after, "'")
	if len(nonce) < 20 || strings.Count(page, nonce) != 2 || !strings.HasPrefix(policy, "default-src 'none'; ") {
		t.Errorf("%s: %s", policy, page)
	}
}

func TestEventsAreThePartsOfThePageThatAreNew(t *testing.T) {
	t.Parallel()
	p := start(t)
	live := p.listen(t, "after=0")
	for i := range 3 {
		if _, _, err := p.send(t, "PUT", known, fmt.Sprintf(`{"state":"STATE %d"}`, i)); err != nil {
			t.Fatal(err)
		}
		id, parts := live.next(t)
		entry, session := fmt.Sprintf(`id="entry-%d"`, i+1), fmt.Sprintf(`<span class="state">STATE %d</span>`, i)
		if id != fmt.Sprint(i+1) || !strings.Contains(parts, entry) || !strings.Contains(parts, session) {
			t.Errorf("event %s: %s", id, parts)
		}
	}
	if id, _ := p.listen(t, "after=2").next(t); id != "3" {
		t.Errorf("after 2 comes %s", id)
	}
	if id, _ := p.listen(t, "after=0", func(r *http.Request) { r.Header.Set("Last-Event-ID", "1") }).next(t); id != "2" {
		t.Errorf("a browser that had 1 gets %s", id)
	}
	if _, text, err := p.send(t, "GET", "/events?run=earlier&after=0", ""); err != nil || text != "event: stale\ndata:\n\n" {
		t.Errorf("a page of an earlier run gets %s, %v", text, err)
	}
}

func TestThePageHasTheLastRequests(t *testing.T) {
	t.Parallel()
	p := start(t)
	var done sync.WaitGroup
	for who := range 4 {
		done.Go(func() {
			for i := range mostEntries/4 + 1 {
				state := fmt.Sprintf("%d %3d %s", who, i, strings.Repeat("ä", mostShown))
				if _, _, err := p.send(t, "PUT", known, `{"state":"`+state+`"}`); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	_, page, err := p.send(t, "GET", "/", "")
	if n := strings.Count(page, `<li class="entry`); err != nil || n != mostEntries || strings.Contains(page, `id="entry-4"`) {
		t.Errorf("%d requests, %v", n, err)
	}
	if strings.Contains(page, "\ufffd") || !strings.Contains(page, "…") {
		t.Error("a value that is cut")
	}
}

func TestWhoMaySeeThePage(t *testing.T) {
	t.Parallel()
	local, public := start(t), start(t, "-public")
	for name, tt := range map[string]struct {
		p              *running
		host, password string
		want           int
	}{
		"loopback":                   {local, "", "", 200},
		"localhost":                  {local, "localhost:8080", "", 200},
		"IPv6":                       {local, "[::1]:8080", "", 200},
		"IPv6 without a port":        {local, "[::1]", "", 200},
		"another name":               {local, "evil.example:8080", "", 421},
		"a name that begins alike":   {local, "localhost.evil.example", "", 421},
		"public":                     {public, "192.0.2.1:8080", "", 401},
		"public with a bad password": {public, "", "canary", 401},
		"public with the key":        {public, "", key, 200},
		"public, another name":       {public, "evil.example", key, 421},
	} {
		for _, path := range []string{"/", "/events?run=earlier"} {
			res, text, err := tt.p.send(t, "GET", path, "", func(r *http.Request) {
				r.Host = tt.host
				if tt.password != "" {
					r.SetBasicAuth("anybody", tt.password)
				}
			})
			if err != nil || res.StatusCode != tt.want || tt.want != 200 && strings.Contains(text, knownID) {
				t.Errorf("%s: %s: %v, %s", name, path, err, text)
			}
		}
	}
	if res, _, err := local.send(t, "GET", known, "", func(r *http.Request) { r.Host = "sandbox.test" }); err != nil || res.StatusCode != http.StatusOK {
		t.Error("the API has a key, and is served under any name", err)
	}
}
