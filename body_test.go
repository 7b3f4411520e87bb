package kodexa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// TestBodiesBelongToTheirCall has many calls at a time whose bodies differ, and looks at all that they left when all of them
// are done: buffers are used again, and no result may stand in one.
func TestBodiesBelongToTheirCall(t *testing.T) {
	t.Parallel()
	c := bounded(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		switch {
		case bytes.Contains(body, []byte(`"refuse"`)):
			w.WriteHeader(http.StatusTeapot)
		case bytes.Contains(body, []byte(`"break"`)):
			body = bytes.Replace(body, []byte(`"state":"break"`), []byte(`"state":7`), 1)
		case bytes.Contains(body, []byte(`"in chunks"`)):
			_, _ = w.Write(body[:1])
			w.(http.Flusher).Flush() //nolint:forcetypeassert // net/http's can
			body = body[1:]
		}
		_, _ = w.Write(body)
	})
	type result struct{ got, want []byte }
	var mu sync.Mutex
	var results []result
	add := func(got, want []byte) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, result{got, want})
	}
	var sessions []*kodexa.Session
	var sent []string
	var group sync.WaitGroup
	for i, letter := range "abcdefgh" {
		group.Go(func() {
			for k, size := range []int{0, 10, 100, 5_000, 70_000, 10} {
				for _, state := range []string{"accept", "in chunks", "refuse", "break", "api"} {
					text := fmt.Sprintf("%d %d %s", i, k, strings.Repeat(string(letter), size))
					session := kodexa.Session{State: new(state), Token: &text}
					session.Set("text", json.RawMessage(`{"a":"`+text+`"}`))
					want := encode(t, &session)
					if state == "api" {
						res, err := c.API().UpdateSessionWithResponse(t.Context(), uuid.Nil, session)
						if err != nil {
							t.Error(err)
							continue
						}
						add(res.Body, want)
						continue
					}
					got, err := c.UpdateSession(t.Context(), uuid.Nil, session)
					if apiErr, ok := errors.AsType[*kodexa.APIError](err); ok && state == "refuse" {
						add(apiErr.Body, want)
					} else if contractErr, ok := errors.AsType[*kodexa.ContractError](err); ok && state == "break" {
						add(contractErr.Body, bytes.Replace(want, []byte(`"state":"break"`), []byte(`"state":7`), 1))
					} else if err != nil {
						t.Errorf("%s: %v", state, err)
					} else {
						mu.Lock()
						sessions, sent = append(sessions, got), append(sent, string(want))
						mu.Unlock()
					}
				}
			}
		})
	}
	group.Wait()
	if len(results) != 8*6*3 || len(sessions) != 8*6*2 {
		t.Errorf("%d bodies and %d sessions", len(results), len(sessions))
	}
	for _, r := range results {
		if !bytes.Equal(r.got, r.want) {
			t.Errorf("the body is %.99q, want %.99q", r.got, r.want)
		}
	}
	for i, session := range sessions {
		if got := encode(t, session); string(got) != sent[i] {
			t.Errorf("the session is %.99q, want %.99q", got, sent[i])
		}
	}
}

// TestATransportMayReadARequestAfterItsCall has a transport that answers first and reads later, as net/http's may.
func TestATransportMayReadARequestAfterItsCall(t *testing.T) {
	t.Parallel()
	var bodies []io.Reader
	c, err := kodexa.New(kodexa.WithAPIKey("key"), kodexa.WithHTTPClient(&http.Client{Transport: roundTrip(func(req *http.Request) (*http.Response, error) {
		bodies = append(bodies, req.Body)
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{}`)),
		}, nil
	})}))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for i, letter := range "abcdefghijklmnopqrst" {
		session := kodexa.Session{Token: new(strings.Repeat(string(letter), 10+i))}
		want = append(want, string(encode(t, &session)))
		if _, err := c.UpdateSession(t.Context(), uuid.Nil, session); err != nil {
			t.Fatal(err)
		}
	}
	for i, body := range bodies {
		if got, err := io.ReadAll(body); err != nil || string(got) != want[i] {
			t.Errorf("request %d is read as %s, %v; want %s", i, got, err, want[i])
		}
	}
}

// TestAnEditorMayChangeTheBody has editors that read, wrap and replace what the client would send.
func TestAnEditorMayChangeTheBody(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.SetSession(kodexa.Session{ID: new(sessionID.String())})
	for name, test := range map[string]struct {
		edit func(*http.Request) error
		want string
	}{
		"read to its end": {func(req *http.Request) error {
			_, err := io.Copy(io.Discard, req.Body)
			return err
		}, `{"state":"a"}`},
		"wrapped": {func(req *http.Request) error {
			req.Body = io.NopCloser(io.LimitReader(req.Body, 1<<20))
			return nil
		}, `{"state":"a"}`},
		"replaced": {func(req *http.Request) error {
			req.Body = io.NopCloser(strings.NewReader(`{ "state": "b" }`))
			return nil
		}, `{ "state": "b" }`},
		"removed": {func(req *http.Request) error {
			req.Body = nil
			return nil
		}, ``},
		"read from the beginning": {func(req *http.Request) error {
			if req.ContentLength != int64(len(`{"state":"a"}`)) {
				t.Errorf("the body is announced with %d bytes", req.ContentLength)
			}
			body, err := req.GetBody()
			if err != nil {
				return err
			}
			text, err := io.ReadAll(body)
			req.Body = io.NopCloser(bytes.NewReader(bytes.Replace(text, []byte("a"), []byte("c"), 1)))
			return err
		}, `{"stcte":"a"}`},
	} {
		_, err := server.Client().UpdateSession(t.Context(), sessionID, kodexa.Session{State: new("a")}, func(_ context.Context, req *http.Request) error { return test.edit(req) })
		arrived := server.Requests()
		if got := string(arrived[len(arrived)-1].Body); got != test.want || err != nil && test.want != "" {
			t.Errorf("%s: %q arrived, want %q: %v", name, got, test.want, err)
		}
	}
}

// TestASmallRequestIsSentAgainAsItWas has answers in between that are read into buffers as well.
func TestASmallRequestIsSentAgainAsItWas(t *testing.T) {
	t.Parallel()
	const body = `{ "token": "a" }`
	server := startServer(t)
	refuse := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, strings.Repeat("#", 100))
	}
	server.Enqueue(refuse, refuse, answerWith(http.StatusOK, "application/json", []byte(strings.Repeat(" ", 100)+`{}`)))
	client := server.Client(kodexa.WithRetry(kodexa.RetryPolicy{BaseDelay: 1, MaxDelay: 1}))
	res, err := client.API().UpdateSessionWithBodyWithResponse(t.Context(), sessionID, "application/json", io.MultiReader(strings.NewReader(body)))
	if err != nil || res.JSON200 == nil {
		t.Fatal(res, err)
	}
	for i, arrived := range server.Requests() {
		if string(arrived.Body) != body {
			t.Errorf("attempt %d sent %q", i+1, arrived.Body)
		}
	}
}

func TestWhatCannotBeEncodedIsNamed(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	features := map[string]json.RawMessage{"a/b": json.RawMessage("canary")}
	for want, session := range map[string]kodexa.Session{
		`kodexa: UpdateSession: the request can't be encoded at "/state"`:                      {AdditionalProperties: map[string]json.RawMessage{"state": json.RawMessage(`"canary"`)}},
		`kodexa: UpdateSession: the request can't be encoded at "/x"`:                          {AdditionalProperties: map[string]json.RawMessage{"x": json.RawMessage("canary")}},
		`kodexa: UpdateSession: the request can't be encoded at "/y/1"`:                        {AdditionalProperties: map[string]json.RawMessage{"y": json.RawMessage(`[1,canary]`)}},
		`kodexa: UpdateSession: the request can't be encoded at "/z"`:                          {AdditionalProperties: map[string]json.RawMessage{"z": json.RawMessage(`1,"id":"canary"`)}},
		`kodexa: UpdateSession: the request can't be encoded at "/r/a"`:                        {AdditionalProperties: map[string]json.RawMessage{"r": json.RawMessage(`{"a":1,"a":2}`)}},
		`kodexa: UpdateSession: the request can't be encoded at "/s"`:                          {AdditionalProperties: map[string]json.RawMessage{"s": json.RawMessage("\"\xff\"")}},
		`kodexa: UpdateSession: the request can't be encoded at "/t/1"`:                        {AdditionalProperties: map[string]json.RawMessage{"t": json.RawMessage(`[1,]`)}},
		`kodexa: UpdateSession: the request can't be encoded at "/token"`:                      {Token: new("canary\xff")},
		`kodexa: UpdateSession: the request can't be encoded at "/organization/features/a~1b"`: {Organization: &kodexa.Organization{Features: &features}},
	} {
		_, err := server.Client().UpdateSession(t.Context(), sessionID, session)
		if err == nil || err.Error() != want || errors.Is(err, kodexa.ErrOutcomeUnknown) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if n := len(server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}
