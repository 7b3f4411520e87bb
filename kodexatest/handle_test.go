package kodexatest_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

// laterOperations are what a contract may have one day.
const laterOperations = `
paths:
  /api/health:
    get:
      operationId: getHealth
      security: []
      responses:
        "204": {description: It is well.}
  /api/projects/{project}/stores/{name}:
    post:
      operationId: createStore
      parameters:
        - {name: project, in: path, required: true, schema: {type: integer, format: int32}}
        - {name: name, in: path, required: true, schema: {type: string}}
        - {name: dryRun, in: query, schema: {type: boolean}}
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: "#/components/schemas/Store"}}
      responses:
        "201":
          description: The store.
          content:
            application/json: {schema: {$ref: "#/components/schemas/Store"}}
        "422":
          description: Why not.
          content:
            application/json: {schema: {type: object, required: [code], properties: {code: {type: integer}}}}
`

func startLaterServer(t *testing.T) *kodexatest.Server {
	t.Helper()
	spec := string(kodexa.Spec())
	spec = strings.Replace(spec, "\npaths:\n", laterOperations, 1)
	spec = strings.Replace(spec, "\n  schemas:\n", "\n  schemas:\n    Store: {type: object, required: [size], properties: {size: {type: integer}}}\n", 1)
	server := kodexatest.NewServerOf([]byte(spec))
	t.Cleanup(server.Close)
	return server
}

// send sends a request without the client, which knows no later contract. The key is the server's.
func send(t *testing.T, server *kodexatest.Server, method, target, key, contentType, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Api-Key", key)
	req.Header.Set("Content-Type", contentType)
	// A connection for each request: one of http.DefaultTransport's may be closed by another test that closes its server.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return res, string(answer)
}

func messageOf(t *testing.T, body string) string {
	t.Helper()
	var refusal struct {
		Message string `json:"message"`
	}
	if err := json.Unmarshal([]byte(body), &refusal); err != nil {
		t.Errorf("%v: %s", err, body)
	}
	return refusal.Message
}

func answerWith(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	storePath = "/api/projects/7/stores/in%2Fbox"
	media     = "application/json"
)

func TestHandlerServesAnOperationOfALaterContract(t *testing.T) {
	t.Parallel()
	server := startLaterServer(t)
	server.Handle("createStore", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || string(body) != `{"size":3}` || r.PathValue("project") != "7" || r.PathValue("name") != "in/box" || r.FormValue("dryRun") != "true" {
			t.Errorf("the handler got %s, %v, of project %q, store %q", body, err, r.PathValue("project"), r.PathValue("name"))
		}
		w.Header().Set("Location", "/here")
		answerWith(http.StatusCreated, media, `{"size":4}`)(w, r)
	})
	res, body := send(t, server, "POST", storePath+"?dryRun=true", server.APIKey, media, `{"size":3}`)
	if res.StatusCode != http.StatusCreated || body != `{"size":4}` || res.Header.Get("Location") != "/here" || res.Header.Get("Content-Type") != media {
		t.Errorf("%d %v: %s", res.StatusCode, res.Header, body)
	}
	got := server.Requests()
	if len(got) != 1 || got[0].Path != storePath || got[0].Query != "dryRun=true" {
		t.Errorf("requests %v, query %q", got, got[0].Query)
	}
}

func TestRequestThatBreaksTheLaterContractDoesNotReachTheHandler(t *testing.T) {
	t.Parallel()
	server := startLaterServer(t)
	server.Handle("createStore", func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") })
	for name, tt := range map[string]struct {
		target, key, body string
		status            int
		message           string
	}{
		"no key":             {storePath, "", `{"size":3}`, 401, "the API key is missing"},
		"no body":            {storePath, server.APIKey, ``, 400, "the body is empty"},
		"a member missing":   {storePath, server.APIKey, `{}`, 400, `at /size: property "size" is missing`},
		"a bad path":         {"/api/projects/x/stores/a", server.APIKey, `{"size":3}`, 400, `parameter "project" in path`},
		"a bad query":        {storePath + "?dryRun=7", server.APIKey, `{"size":3}`, 400, `parameter "dryRun" in query`},
		"a path beside both": {storePath + "/more", server.APIKey, `{"size":3}`, 404, "no such operation"},
	} {
		res, body := send(t, server, "POST", tt.target, tt.key, media, tt.body)
		if message := messageOf(t, body); res.StatusCode != tt.status || !strings.Contains(message, tt.message) {
			t.Errorf("%s: %d %s", name, res.StatusCode, message)
		}
	}
}

func TestAnswerOfAHandlerIsHeldAgainstTheContract(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer  http.HandlerFunc
		status  int
		message string // of a 500
	}{
		"a member missing":           {answerWith(201, media, `{}`), 500, `the answer to createStore: 201 Created: response breaks the contract at /size: `},
		"another type":               {answerWith(201, media, `{"size":"canary"}`), 500, "at /size: value must be an integer"},
		"letter case":                {answerWith(201, media, `{"size":1,"Size":2}`), 500, "at /Size: "},
		"HTML":                       {answerWith(201, "text/html", `<p>canary`), 500, "Content-Type must be application/json, not text/html"},
		"nothing":                    {func(http.ResponseWriter, *http.Request) {}, 500, "200 OK: response breaks the contract: status is not supported"},
		"no Content-Type":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, 500, "Content-Type must be application/json"},
		"a 2xx of no contract":       {answerWith(202, media, `{"size":1}`), 500, "202 Accepted: response breaks the contract: status is not supported"},
		"an error of the contract":   {answerWith(422, media, `{"code":"canary"}`), 500, "422 Unprocessable Entity: response breaks the contract at /code: "},
		"a good error":               {answerWith(422, media, `{"code":1}`), 422, ""},
		"an error of no contract":    {answerWith(403, "text/plain", `canary`), 403, ""},
		"a redirect":                 {answerWith(302, "text/plain", ``), 302, ""},
		"a Content-Type in capitals": {answerWith(201, "Application/JSON; charset=UTF-8", `{"size":1}`), 201, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startLaterServer(t)
			server.Handle("createStore", tt.answer)
			res, body := send(t, server, "POST", storePath, server.APIKey, media, `{"size":3}`)
			if res.StatusCode != tt.status {
				t.Fatalf("%d: %s", res.StatusCode, body)
			}
			if tt.status != http.StatusInternalServerError {
				return
			}
			if message := messageOf(t, body); !strings.Contains(message, tt.message) || strings.Contains(message, "canary") {
				t.Errorf("the message is %s", message)
			}
		})
	}
}

func TestOperationWithoutAHandlerIsNotImplemented(t *testing.T) {
	t.Parallel()
	server := startLaterServer(t)
	res, body := send(t, server, "POST", storePath, server.APIKey, media, `{"size":3}`)
	if res.StatusCode != http.StatusNotImplemented || !strings.Contains(messageOf(t, body), "Handle") {
		t.Errorf("%d: %s", res.StatusCode, body)
	}
}

func TestOperationThatWantsNoKeyNeedsNone(t *testing.T) {
	t.Parallel()
	server := startLaterServer(t)
	server.Handle("getHealth", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	if res, body := send(t, server, "GET", "/api/health", "", "", ""); res.StatusCode != http.StatusNoContent {
		t.Errorf("%d: %s", res.StatusCode, body)
	}
}

func TestHandlerReplacesWhatTheServerCanDo(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	client := server.Client()
	server.Handle("getSession", func(w http.ResponseWriter, r *http.Request) {
		answerWith(http.StatusOK, media, `{"id":"`+r.PathValue("id")+`","state":"HELD"}`)(w, r)
	})
	if got, err := client.GetSession(t.Context(), knownID); err != nil || *got.State != "HELD" {
		t.Errorf("got %v", err)
	}
	server.Handle("getSession", answerWith(http.StatusOK, media, `{"state":8675309}`))
	_, err := client.GetSession(t.Context(), knownID)
	answer, ok := errors.AsType[*kodexa.APIError](err)
	if !ok || answer.StatusCode != http.StatusInternalServerError || !strings.Contains(answer.Message, "at /state: value must be a string") {
		t.Errorf("got %v", err)
	}
}

func TestHandlerMayDropTheConnection(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	server.Handle("updateSession", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := server.Client(kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1})).UpdateSession(t.Context(), knownID, kodexa.Session{})
	if _, answered := errors.AsType[*kodexa.APIError](err); answered || !errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
}
