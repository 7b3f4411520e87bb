// Package kodexatest provides a server that keeps the contract of the Kodexa Platform's sessions API, for tests. It is
// shaped like net/http/httptest:
//
//	server := kodexatest.NewServer()
//	defer server.Close()
//	server.SetSession(kodexa.Session{ID: new(id.String()), State: new("OPEN")})
//	updated, err := server.Client().UpdateSession(ctx, id, kodexa.Session{State: new("CLOSED")})
//
// The server checks every request and every answer of its own against the contract. It wants its API key (else 401),
// a request that keeps the contract (else 400) and a session that it knows (else 404), and it locks optimistically: a
// changeSequence that is sent and is not the stored one gets 409. An update replaces the stored session, keeps its id,
// and its createdOn unless another is sent, increments changeSequence and sets updatedOn.
package kodexatest

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// basePath is below the host so that a client which forgets its base URL's path does not reach the server.
const basePath = "/kodexatest"

// Server is a Kodexa Platform on a loopback address. Its methods may be called concurrently, also while it serves.
type Server struct {
	URL    string // base URL, with a path and without a slash at its end; not to be changed
	APIKey string `json:"-"` // what requests must send as x-api-key, random for each server; not to be changed

	server     *httptest.Server
	operations routers.Router

	mu       sync.Mutex
	sessions map[uuid.UUID]kodexa.Session
	requests []Request
	queue    []http.HandlerFunc
}

// Request is a request as it arrived.
type Request struct {
	Method string
	Path   string      // below the server's URL, such as /api/sessions/550e8400-e29b-41d4-a716-446655440000
	Header http.Header `json:"-"`
	Body   []byte      `json:"-"`
}

// Format prints method and path alone, whatever the verb: header and body hold secrets.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.Method+" "+r.Path) }

// NewServer starts a server that knows no session. The caller should call Close when finished.
func NewServer() *Server {
	doc, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		panic(fmt.Sprintf("kodexatest: contract: %v", err))
	}
	doc.Servers = nil
	operations, err := legacy.NewRouter(doc)
	if err != nil {
		panic(fmt.Sprintf("kodexatest: contract: %v", err))
	}
	s := &Server{APIKey: rand.Text(), operations: operations, sessions: map[uuid.UUID]kodexa.Session{}}
	s.server = httptest.NewServer(http.StripPrefix(basePath, http.HandlerFunc(s.serve)))
	s.URL = s.server.URL + basePath
	return s
}

// Close shuts the server down and waits until its requests are answered.
func (s *Server) Close() { s.server.Close() }

// Format prints the URL alone, whatever the verb.
func (s *Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "kodexatest.Server "+s.URL) }

// Client returns a client of the server that has its URL and API key; opts follow these. It panics if New refuses opts.
func (s *Server) Client(opts ...kodexa.Option) *kodexa.Client {
	c, err := kodexa.New(append([]kodexa.Option{kodexa.WithBaseURL(s.URL), kodexa.WithAPIKey(s.APIKey)}, opts...)...)
	if err != nil {
		panic(err)
	}
	return c
}

// SetSession stores a copy of v, in place of the one with its id. It panics if v.ID is not a UUID.
func (s *Server) SetSession(v kodexa.Session) {
	if v.ID == nil {
		panic("kodexatest: SetSession: the session has no id")
	}
	id, err := uuid.Parse(*v.ID)
	if err != nil {
		panic("kodexatest: SetSession: the session's id is not a UUID")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[id] = clone(v)
}

// Session returns a copy of the stored session with this id, and whether there is one.
func (s *Server) Session(id uuid.UUID) (kodexa.Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.sessions[id]
	return clone(v), ok
}

// Requests returns the requests that arrived, in order. The server keeps all of them until it is dropped.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Enqueue makes the next requests be answered by h, one each and in order, in place of the server. What h answers is not
// checked against the contract.
func (s *Server) Enqueue(h ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, h...)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client went away, and its request never arrived
	}
	if h := s.record(r, body); h != nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
		return
	}
	status, answer := s.answer(r, body)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

// record notes a request and returns the handler that is to answer it in place of the server, if there is one.
func (s *Server) record(r *http.Request, body []byte) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{r.Method, r.URL.Path, r.Header.Clone(), body})
	if len(s.queue) == 0 {
		return nil
	}
	h := s.queue[0]
	s.queue = s.queue[1:]
	return h
}

// answer does what the contract says, and checks the request and the answer against it.
func (s *Server) answer(r *http.Request, body []byte) (status int, answer []byte) {
	route, params, err := s.operations.FindRoute(&http.Request{Method: r.Method, URL: &url.URL{Path: r.URL.Path}})
	if err != nil {
		return refuse(http.StatusNotFound, "no such operation")
	}
	if keys := r.Header.Values("X-Api-Key"); len(keys) != 1 || keys[0] != s.APIKey {
		return refuse(http.StatusUnauthorized, "the API key is missing or not known")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
		return refuse(http.StatusBadRequest, err.Error())
	}
	if route.Operation.OperationID != "updateSession" {
		return refuse(http.StatusNotImplemented, "the test server does not know this operation")
	}
	status, answer = s.updateSession(params["id"], body)
	if status != http.StatusOK {
		return status, answer
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in,
		Status:                 status,
		Header:                 http.Header{"Content-Type": {"application/json"}},
		Body:                   io.NopCloser(bytes.NewReader(answer)),
		Options:                options,
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		return refuse(http.StatusInternalServerError, "the stored session breaks the contract: "+err.Error())
	}
	return status, answer
}

func (s *Server) updateSession(pathID string, body []byte) (status int, answer []byte) {
	var sent kodexa.Session
	if err := json.Unmarshal(body, &sent); err != nil {
		return refuse(http.StatusBadRequest, "the body is not a session")
	}
	id, err := uuid.Parse(pathID)
	if err != nil {
		return refuse(http.StatusBadRequest, "the id is not a UUID")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.sessions[id]
	if !ok {
		return refuse(http.StatusNotFound, "no such session")
	}
	var sequence int32
	if stored.ChangeSequence != nil {
		sequence = *stored.ChangeSequence
	}
	if sent.ChangeSequence != nil && *sent.ChangeSequence != sequence {
		return refuse(http.StatusConflict, "the session was updated since it was read")
	}
	if sequence == math.MaxInt32 {
		return refuse(http.StatusInternalServerError, "changeSequence is exhausted")
	}
	sent.ID = stored.ID
	if sent.CreatedOn == nil {
		sent.CreatedOn = stored.CreatedOn
	}
	sent.ChangeSequence = new(sequence + 1)
	sent.UpdatedOn = new(time.Now().UTC())
	answer, err = json.Marshal(sent)
	if err != nil {
		return refuse(http.StatusInternalServerError, "the stored session can't be encoded")
	}
	s.sessions[id] = sent
	return http.StatusOK, answer
}

// options are strict: a status that the contract does not name is an error.
var options = &openapi3filter.Options{
	AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc, // the key was compared before
	IncludeResponseStatus: true,
	SkipSettingDefaults:   true,
	SchemaValidationOptions: []openapi3.SchemaValidationOption{
		openapi3.DisableSchemaErrorDetails(),
		openapi3.WithStringFormatValidator("uuid", openapi3.NewCallbackValidator(uuid.Validate)),
	},
}

func refuse(status int, message string) (int, []byte) {
	body, err := json.Marshal(map[string]string{"message": message})
	if err != nil {
		panic(err) // a map of strings is always JSON, unless it is not UTF-8
	}
	return status, body
}

func clone(v kodexa.Session) kodexa.Session {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("kodexatest: the session can't be encoded: %v", err))
	}
	var c kodexa.Session
	if err := json.Unmarshal(data, &c); err != nil {
		panic(fmt.Sprintf("kodexatest: the session can't be decoded: %v", err))
	}
	return c
}
