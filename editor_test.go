package kodexa_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func TestRequestEditorsRunInOrderAfterTheModulesOwn(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	var order []string
	editor := func(name string) kodexa.RequestEditor {
		return func(_ context.Context, req *http.Request) error {
			if req.Header.Get("X-Api-Key") == "" || req.Header.Get("User-Agent") == "" {
				t.Errorf("%s came before the module's own", name)
			}
			order = append(order, name)
			req.Header.Set("X-Last", name)
			return nil
		}
	}
	client := server.Client(kodexa.WithRequestEditor(editor("client 1")), kodexa.WithRequestEditor(editor("client 2")))
	_, err := client.UpdateSession(t.Context(), sessionID, kodexa.Session{}, editor("call 1"), editor("call 2"))
	if want := []string{"client 1", "client 2", "call 1", "call 2"}; err != nil || !slices.Equal(order, want) {
		t.Errorf("%v, %q", err, order)
	}
	if got := server.Requests()[0].Header.Get("X-Last"); got != "call 2" {
		t.Errorf("%q was sent", got)
	}
	order = nil
	if _, err = client.UpdateSession(t.Context(), sessionID, kodexa.Session{}); err != nil || len(order) != 2 {
		t.Errorf("the next call: %v, %q", err, order)
	}
}

func TestRequestEditorsErrorIsReturnedAndNothingIsSent(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	client := server.Client()
	own := errors.New("own")
	refuses := func(context.Context, *http.Request) error { return own }
	for name, tt := range map[string]struct {
		operationID, method string
		call                func() (*kodexa.Session, error)
	}{
		"UpdateSession": {"updateSession", "PUT", func() (*kodexa.Session, error) {
			return client.UpdateSession(t.Context(), sessionID, kodexa.Session{}, refuses)
		}},
		"GetSession": {"getSession", "GET", func() (*kodexa.Session, error) { return client.GetSession(t.Context(), sessionID, refuses) }},
		"ModifySession": {"getSession", "GET", func() (*kodexa.Session, error) {
			return client.ModifySession(t.Context(), sessionID, func(*kodexa.Session) error { return nil }, refuses)
		}},
	} {
		got, err := tt.call()
		failed := callError(t, name, err)
		if got != nil || !errors.Is(failed.Err, own) || failed.Err.Error() != "request editor: own" || failed.OutcomeUnknown || failed.Attempts != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
		if failed.Operation != tt.operationID || failed.Method != tt.method || failed.Path != sessionPath {
			t.Errorf("%s: the call is %s %s %s", name, failed.Operation, failed.Method, failed.Path)
		}
	}
	if res, err := client.API().UpdateSessionWithResponse(t.Context(), sessionID, kodexa.Session{}, refuses); res != nil || err != own {
		t.Errorf("through API: %v, %v, which is not the editor's error as it came", res, err)
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestNilRequestEditorOfACallIsAnError(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	client := server.Client()
	fine := func(context.Context, *http.Request) error { return nil }
	for name, call := range map[string]func(...kodexa.RequestEditor) (*kodexa.Session, error){
		"GET": func(e ...kodexa.RequestEditor) (*kodexa.Session, error) {
			return client.GetSession(t.Context(), sessionID, e...)
		},
		"PUT": func(e ...kodexa.RequestEditor) (*kodexa.Session, error) {
			return client.UpdateSession(t.Context(), sessionID, kodexa.Session{}, e...)
		},
		"PUT by ModifySession": func(e ...kodexa.RequestEditor) (*kodexa.Session, error) {
			return client.ModifySession(t.Context(), sessionID, func(*kodexa.Session) error { return nil }, e...)
		},
	} {
		method, _, _ := strings.Cut(name, " ")
		got, err := call(fine, nil)
		if want := "kodexa: " + method + " " + sessionPath + ": request editor 2 is nil"; got != nil || callError(t, name, err).Error() != want {
			t.Errorf("%s: got %v, %v, want %s", name, got, err, want)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
}

func TestRequestEditorThatRemovesTheURLIsAnError(t *testing.T) {
	t.Parallel()
	_, err := startServer(t).Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}, func(_ context.Context, req *http.Request) error {
		req.URL = nil
		return nil
	})
	if failed := callError(t, "no URL", err); failed.Err.Error() != "a request editor removed the URL" || failed.OutcomeUnknown {
		t.Error(err)
	}
}

// TestQueryThatCannotBeSentIsRefused: net/http would find it at every attempt, and over HTTP/2 not at all, so that the server
// closes the connection under all other calls.
func TestQueryThatCannotBeSentIsRefused(t *testing.T) {
	t.Parallel()
	server := kodexatest.NewTLSServer()
	t.Cleanup(server.Close)
	setQuery := func(query string) kodexa.RequestEditor {
		return func(_ context.Context, req *http.Request) error {
			req.URL.RawQuery = query
			return nil
		}
	}
	for _, query := range []string{"why=canary\n", "why=canary\x7f", "why=\x00", "why=too late", "why=a HTTP/1.1\r\nX-Api-Key: b"} {
		_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}, setQuery(query))
		const want = "the query has a character that must be escaped"
		if failed := callError(t, query, err); failed.Err.Error() != want || failed.Attempts != 0 || failed.OutcomeUnknown {
			t.Errorf("%q: got %v", query, err)
		}
	}
	_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}, setQuery("why=too+late%20%0A&größe=[1]"))
	if sent := server.Requests(); !errors.Is(err, kodexa.ErrNotFound) || len(sent) != 1 || sent[0].Query != "why=too+late%20%0A&größe=[1]" {
		t.Errorf("%v, sent %v", err, sent)
	}
}

// TestHeaderThatCannotBeSentIsNamed finds it before anything is sent, so that no retry is spent on it.
func TestHeaderThatCannotBeSentIsNamed(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	for want, edit := range map[string]func(http.Header){
		"the header X-Tenant has a control character in its value":   func(h http.Header) { h.Set("X-Tenant", "canary\n") },
		"the header X-Tenant-B has a control character in its value": func(h http.Header) { h["X-Tenant-B"] = []string{"fine", "canary\x7f"} },
		"the header x-raw has a control character in its value":      func(h http.Header) { h["x-raw"] = []string{"canary\x00"} },
		"the header X-Api-Key has a control character in its value":  func(h http.Header) { h.Set("X-Api-Key", "canary\r\nX-A: b") },
		`the header name "X Tenant" is not a token`:                  func(h http.Header) { h["X Tenant"] = []string{"canary"} },
		`the header name "X-Tenant:" is not a token`:                 func(h http.Header) { h["X-Tenant:"] = []string{"canary"} },
		`the header name "X-Größe" is not a token`:                   func(h http.Header) { h["X-Größe"] = []string{"canary"} },
		`the header name "" is not a token`:                          func(h http.Header) { h[""] = []string{"canary"} },
	} {
		edits := 0
		_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}, func(_ context.Context, req *http.Request) error {
			edits++
			edit(req.Header)
			return nil
		})
		failed := callError(t, want, err)
		if text := "kodexa: " + operation + ": " + want; failed.Error() != text || failed.Attempts != 0 || failed.OutcomeUnknown || edits != 1 {
			t.Errorf("got %v after %d attempts, want %s", err, failed.Attempts, text)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests arrived", n)
	}
	_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}, func(_ context.Context, req *http.Request) error {
		req.Header.Set("X-Tab", "a\tb")
		req.Header.Set("X-Beyond-Ascii", "Größe")
		return nil
	})
	if !errors.Is(err, kodexa.ErrNotFound) {
		t.Errorf("what can be sent is not: %v", err)
	}
}

func TestRequestThatAnEditorBrokeIsNotSent(t *testing.T) {
	t.Parallel()
	const (
		elsewhere = "the URL does not lie below the base URL"
		unknown   = "the contract has no such operation"
		noKey     = "security requirements failed: header x-api-key is missing"
	)
	tests := []struct {
		testCase
		edit            func(*http.Request)
		pointer, reason string
	}{
		{at("the key is removed"), func(r *http.Request) { r.Header.Del("X-Api-Key") }, "", noKey},
		{at("the key is emptied"), func(r *http.Request) { r.Header.Set("X-Api-Key", "") }, "", noKey},
		{at("the header is removed"), func(r *http.Request) { r.Header = nil }, "", noKey},
		{at("the header is replaced"), func(r *http.Request) { r.Header = http.Header{"Content-Type": {jsonMedia}} }, "", noKey},
		{at("another host"), func(r *http.Request) { r.URL.Host = "kodexa.example" }, "", elsewhere},
		{at("another Host"), func(r *http.Request) { r.Host = "kodexa.example" }, "", elsewhere},
		{at("another port"), func(r *http.Request) { r.URL.Host = "127.0.0.1:1" }, "", elsewhere},
		{at("another scheme"), func(r *http.Request) { r.URL.Scheme = "https" }, "", elsewhere},
		{at("a path beside the base URL's"), func(r *http.Request) { r.URL.Path = "/api/sessions/" + sessionID.String() }, "", elsewhere},
		{at("another path"), func(r *http.Request) { r.URL.Path = "/kodexatest/api/organizations/" + sessionID.String() }, "", unknown},
		{at("a longer path"), func(r *http.Request) { r.URL.Path += "/steps" }, "", unknown},
		{at("a shorter path"), func(r *http.Request) { r.URL.Path = "/kodexatest/api/sessions" }, "", unknown},
		{at("a path out of the operation"), func(r *http.Request) { r.URL.Path += "/../../organizations" }, "", unknown},
		{at("another method"), func(r *http.Request) { r.Method = "LINK" }, "", unknown},
		{at("a method without a body"), func(r *http.Request) { r.Method, r.Body = "UNLINK", nil }, "", unknown},
		{at("an id that is no UUID"), func(r *http.Request) { r.URL.Path = "/kodexatest/api/sessions/7" }, "",
			`parameter "id" in path: string doesn't match the format "uuid" (value must be a UUID with dashes)`},
		{at("an id without dashes"), func(r *http.Request) { r.URL.Path = strings.ReplaceAll(r.URL.Path, "-", "") }, "",
			`parameter "id" in path: string doesn't match the format "uuid" (value must be a UUID with dashes)`},
		{at("an id that leads upwards"), func(r *http.Request) { r.URL.Path = "/kodexatest/api/sessions/.." }, "",
			`parameter "id" in path: string doesn't match the format "uuid" (value must be a UUID with dashes)`},
		{at("no Content-Type"), func(r *http.Request) { r.Header.Del("Content-Type") }, "", "Content-Type must be application/json"},
		{at("another Content-Type"), func(r *http.Request) { r.Header.Set("Content-Type", "text/json") }, "", "Content-Type must be application/json, not text/json"},
		{at("another body"), func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"state":1}`)) }, "/state", "value must be a string"},
		{at("a body that is not JSON"), func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`state=1`)) }, "",
			"the body is not JSON in UTF-8, at byte 0"},
	}
	server := startServer(t)
	for _, tt := range tests {
		before := len(server.Requests())
		editor := func(_ context.Context, req *http.Request) error { tt.edit(req); return nil }
		for name, call := range map[string]func() (*kodexa.Session, error){
			"of the client": func() (*kodexa.Session, error) {
				return server.Client(kodexa.WithRequestEditor(editor)).UpdateSession(t.Context(), sessionID, kodexa.Session{})
			},
			"of the call": func() (*kodexa.Session, error) {
				return server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{}, editor)
			},
		} {
			place := tt.place + ": " + name
			got, err := call()
			broken := contractError(t, place, err)
			if got != nil || broken.In != kodexa.InRequest || broken.StatusCode != 0 || errors.Is(err, kodexa.ErrOutcomeUnknown) {
				t.Errorf("%s: %v, %v %d", place, got, broken.In, broken.StatusCode)
			}
			if want := (kodexa.Violation{Pointer: tt.pointer, Reason: tt.reason}); broken.Violations[0] != want {
				t.Errorf("%s: got %+v, want %+v", place, broken.Violations[0], want)
			}
			if n := len(server.Requests()) - before; n != 0 {
				t.Errorf("%s: %d requests arrived", place, n)
			}
		}
	}
}

// TestAnEditorsErrorIsNotTheCalls has an editor that makes a call of its own, such as one for a token, and returns its error.
func TestAnEditorsErrorIsNotTheCalls(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String()), ChangeSequence: new(int32(7))})
	others := &kodexa.CallError{
		Method: http.MethodPost, Path: "/token", Attempts: 1, OutcomeUnknown: true, Err: &kodexa.APIError{StatusCode: http.StatusConflict},
	}
	runs := 0
	_, err := server.Client().ModifySession(t.Context(), sessionID, func(s *kodexa.Session) error {
		runs++
		s.State = new("CLOSED")
		return nil
	}, func(_ context.Context, req *http.Request) error {
		if req.Method == http.MethodPut {
			return others
		}
		return nil
	})
	failed := callError(t, "ModifySession", err)
	if failed.Path != sessionPath || failed.Attempts != 0 || failed.OutcomeUnknown || !errors.Is(err, others) {
		t.Errorf("%+v", failed)
	}
	if runs != 1 || len(server.Requests()) != 1 {
		t.Errorf("change ran %d times, %d requests arrived", runs, len(server.Requests()))
	}
}
