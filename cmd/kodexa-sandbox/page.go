package main

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// card is a session as the page shows it.
type card struct {
	ID       uuid.UUID
	State    string
	Sequence int32
	Text     string
}

// guard lets those see the page who may. It holds data of sessions, so a page of another site must not read it under a name
// that leads to this address, and what others can reach wants the API key.
func (s *sandbox) guard(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	_, password, _ := r.BasicAuth()
	switch {
	case !isOwnHost(r.Host):
		http.Error(w, "the sandbox shows its page under localhost, the machine's name or an IP address", http.StatusMisdirectedRequest)
	case s.isPublic && subtle.ConstantTimeCompare([]byte(password), []byte(s.key)) == 0:
		w.Header().Set("WWW-Authenticate", `Basic realm="the API key is the password"`)
		http.Error(w, "the API key is the password", http.StatusUnauthorized)
	default:
		next(w, r)
	}
}

func isOwnHost(hostport string) bool {
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	own, _ := os.Hostname()
	return strings.EqualFold(host, "localhost") || strings.EqualFold(host, own) || net.ParseIP(strings.Trim(host, "[]")) != nil
}

func (s *sandbox) page(w http.ResponseWriter, r *http.Request) {
	entries, _ := s.since(0)
	slices.Reverse(entries)
	nonce := rand.Text()
	h := w.Header()
	h.Set("Content-Security-Policy", fmt.Sprintf("default-src 'none'; script-src 'nonce-%[1]s'; style-src 'nonce-%[1]s'; "+
		"img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", nonce))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	last := 0
	if len(entries) > 0 {
		last = entries[0].Number
	}
	var cards []card
	for _, id := range s.ids {
		cards = append(cards, s.card(id))
	}
	_, _ = w.Write(render("page", map[string]any{
		"Host": r.Host, "Nonce": nonce, "Run": s.run, "Last": last, "Most": mostEntries,
		"Faults": s.faults, "Sessions": cards, "Entries": entries,
	}))
}

// events sends each entry from a number on, and the session that it changed, as parts of the page. They replace the parts that
// have the same id.
func (s *sandbox) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if r.URL.Query().Get("run") != s.run {
		_, _ = fmt.Fprint(w, "event: stale\ndata:\n\n") // the page is of an earlier run
		return
	}
	last, err := strconv.Atoi(r.Header.Get("Last-Event-ID")) // what the browser had when it lost the connection
	if err != nil {
		last, _ = strconv.Atoi(r.URL.Query().Get("after"))
	}
	for {
		entries, changed := s.since(last)
		for _, e := range entries {
			parts := render("entry", e)
			if len(e.Changes) > 0 {
				parts = append(parts, render("session", s.card(e.ID))...)
			}
			text, _ := json.Marshal(string(parts)) // on one line
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", e.Number, text); err != nil {
				return
			}
			last = e.Number
		}
		if http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

// since returns the entries after a number, and what is closed when there is another.
func (s *sandbox) since(number int) (entries []entry, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		if e.Number > number {
			entries = append(entries, e)
		}
	}
	return entries, s.changed
}

func (s *sandbox) card(id uuid.UUID) card {
	session, _ := s.platform.Session(id)
	text, _ := json.Marshal(session)
	c := card{ID: id, Sequence: *session.ChangeSequence, Text: s.text(text, jsontext.WithIndent("  "))}
	if session.State != nil {
		c.State = s.masked(*session.State)
	}
	return c
}

func render(name string, data any) []byte {
	var text bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&text, name, data); err != nil {
		return []byte(template.HTMLEscapeString(err.Error()))
	}
	return text.Bytes()
}
