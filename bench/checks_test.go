package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/kodexa-community/kodexa-go/bench/gen/stock"
	"github.com/kodexa-community/kodexa-go/bench/peers"
	"github.com/kodexa-community/kodexa-go/internal/figures"
)

const badAnswersColumn = "bad answers refused"

// checks are what each peer is tried on, and what is told of it.
var checks = []struct {
	column string
	try    func(t *testing.T, peer int) string
}{
	{"bad requests refused", badRequests},
	{badAnswersColumn, badAnswersRefused},
	{"unknown members kept", keeps(`"note":"of later"`, `"plan":"gold"`)},
	{"large numbers kept", keeps(`9007199254740993`)},
	{"key kept from redirects", redirects},
}

// TestChecks tries each peer, so that nothing is told of one that was not seen. What it finds stands in README.md.
func TestChecks(t *testing.T) {
	t.Parallel()
	kinds := make([]string, len(badAnswers))
	for i, bad := range badAnswers {
		kinds[i] = bad.kind
	}
	head := []string{"peer"}
	for _, check := range checks {
		head = append(head, check.column)
	}
	table := newTable(head...)
	for i, name := range peerNames(t) {
		row := []string{name}
		for _, check := range checks {
			row = append(row, check.try(t, i))
		}
		table.add(row...)
	}
	figures.Check(t, "README.md", "checks", "The bad answers: "+strings.Join(kinds, "; ")+".\n"+table.String())
}

// badRequests has a peer send a body that breaks the contract, if it takes bodies.
func badRequests(t *testing.T, i int) string {
	t.Helper()
	server, peer := peerOf(t, i)
	senders, err := peers.Senders(targetOf(server.URL, usualSession()))
	if err != nil {
		t.Fatal(err)
	}
	send, ok := senders[peer.Name]
	if !ok {
		return "–"
	}
	if err := send(t.Context(), usualSession()); len(server.Requests()) != 1 {
		t.Errorf("%s does not send a session: %v", peer.Name, err)
	}
	_ = send(t.Context(), []byte(`{"state":5}`))
	return mark(len(server.Requests()) == 1)
}

// badAnswers are answers to an update that the contract does not permit, one of each kind, and of those kinds on which no peer changes its
// mind with the Go version: openapi3filter refuses a member that comes twice from Go 1.27 on. %s stands for the session's id.
var badAnswers = []struct {
	kind   string
	answer http.HandlerFunc
}{
	{"a null member", answerWith(http.StatusOK, `{%s,"state":null}`)},
	{"a member of another type", answerWith(http.StatusOK, `{%s,"state":5}`)},
	{"a date-time that is none", answerWith(http.StatusOK, `{%s,"createdOn":"yesterday"}`)},
	{"an integer beyond int32", answerWith(http.StatusOK, `{%s,"changeSequence":2147483648}`)},
	{"an integer with a fraction", answerWith(http.StatusOK, `{%s,"changeSequence":7.5}`)},
	{"a member's name in another case", answerWith(http.StatusOK, `{%s,"State":"OPEN"}`)},
	{"text that is not UTF-8", answerWith(http.StatusOK, `{%s,"state":"`+"\xff"+`"}`)},
	{"a body that is cut short", answerWith(http.StatusOK, `{%s,"state":"CLOSED"`)},
	{"a second value after the first", answerWith(http.StatusOK, `{%s}{}`)},
	{"null as the body", answerWith(http.StatusOK, `null`)},
	{"no body", answerWith(http.StatusOK, ``)},
	{"an HTML page", typed(http.StatusOK, "text/html", `<!doctype html><title>Sign in</title>`)},
	{"JSON that is called text", typed(http.StatusOK, "text/plain", `{%s}`)},
	{"another 2xx", answerWith(http.StatusAccepted, `{%s}`)},
}

// badAnswersRefused counts the kinds of bad answers for which a peer returns an error.
func badAnswersRefused(t *testing.T, i int) string {
	t.Helper()
	refused := 0
	for _, bad := range badAnswers {
		if _, err := update(t, i, bad.answer); err != nil {
			refused++
		}
	}
	return fmt.Sprintf("%d of %d", refused, len(badAnswers))
}

// keeps looks for pieces of an answer in what a peer's result is encoded as.
func keeps(pieces ...string) func(*testing.T, int) string {
	return func(t *testing.T, i int) string {
		t.Helper()
		answer, err := update(t, i, answerWith(http.StatusOK, `{%s,"note":"of later","organization":{"plan":"gold","features":{"limit":9007199254740993}}}`))
		if err != nil {
			t.Fatal(err)
		}
		encoded := string(toJSON(t, answer))
		return mark(!slices.ContainsFunc(pieces, func(piece string) bool { return !strings.Contains(encoded, piece) }))
	}
}

// redirects sends a peer to another host, and looks whether the key arrives there.
func redirects(t *testing.T, i int) string {
	t.Helper()
	var keys atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("X-Api-Key") != "" {
			keys.Add(1)
		}
		answerWith(http.StatusOK, `{%s}`)(w, req)
	}))
	t.Cleanup(other.Close)
	for _, status := range []int{
		http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect,
	} {
		_, _ = update(t, i, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", strings.Replace(other.URL, "127.0.0.1", "localhost", 1))
			w.WriteHeader(status)
		})
	}
	return mark(keys.Load() == 0)
}

// TestStockOfPage shows why package peers looks at the stock client's result: a page gives neither a result nor an error.
func TestStockOfPage(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(typed(http.StatusOK, "text/html", `<!doctype html><title>Sign in</title>`))
	t.Cleanup(server.Close)
	client, err := stock.NewClientWithResponses(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := client.UpdateSessionWithResponse(t.Context(), peers.SessionID, stock.Session{}); err != nil || res.JSON200 != nil {
		t.Errorf("got %v, %v, want neither a result nor an error", res.JSON200, err)
	}
}

// update has a peer do its update, to which the server answers this.
func update(t *testing.T, i int, answer http.HandlerFunc) (any, error) {
	t.Helper()
	server, peer := peerOf(t, i)
	server.Enqueue(answer)
	return peer.Run(t.Context())
}

func mark(is bool) string {
	if is {
		return figures.Yes
	}
	return figures.No
}
