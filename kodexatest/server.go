// Package kodexatest provides a server that keeps the contract of the Kodexa Platform's sessions API, for tests. It is
// shaped like net/http/httptest:
//
//	server := kodexatest.NewServer()
//	defer server.Close()
//	server.SetSession(kodexa.Session{ID: new(id.String()), ChangeSequence: new(int32(7)), State: new("OPEN")})
//	updated, err := server.Client().ModifySession(ctx, id, func(s *kodexa.Session) error {
//		s.State = new("CLOSED")
//		return nil
//	})
//
// The server reads and updates sessions. It holds every request, and every answer but those of [Server.Enqueue], against the
// contract, exactly as strictly as the client does. Its refusals are JSON, {"message": "why"}:
//
//	401  the API key is missing or another one
//	404  the contract has no such operation, or the server no such session
//	400  the request breaks the contract, or the session has another id than the path
//	409  the changeSequence that is sent is not the stored one
//	501  an operation that the server can't do and that Handle gave no handler
//	500  the answer would break the contract; the message says where
//
// An update replaces the stored session. It keeps the id, and createdOn unless another is sent, increments changeSequence and
// sets updatedOn.
package kodexatest

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/internal/contract"
)

// basePath is below the host so that a client which forgets its base URL's path does not reach the server.
const basePath = "/kodexatest"

const apiKeyHeader = "X-Api-Key"

// Server is a Kodexa Platform on a loopback address. Its methods may be called concurrently, also while it serves.
type Server struct {
	URL    string // base URL, with a path and without a slash at its end; not to be changed
	APIKey string `json:"-"` // what requests must send as x-api-key: random, unless it is set before the first request

	server   *httptest.Server
	contract *contract.Contract

	mu       sync.Mutex
	handlers map[string]http.HandlerFunc // by operationId
	sessions map[uuid.UUID]kodexa.Session
	requests []Request
	queue    []http.HandlerFunc
}

// Request is a request as it arrived.
type Request struct {
	Method string
	Path   string      // as sent, below the server's URL: /api/sessions/550e8400-e29b-41d4-a716-446655440000
	Query  string      `json:"-"` // as sent, without the question mark
	Header http.Header `json:"-"`
	Body   []byte      `json:"-"`
}

// Format prints method and path alone, whatever the verb: header and body hold secrets.
func (r Request) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.Method+" "+r.Path) }

// NewServer starts a server that knows no session. The caller should call Close when finished. It panics if it can't listen.
func NewServer() *Server {
	s := newServer(shippedContract())
	s.server.Start()
	s.URL = s.server.URL + basePath
	return s
}

// NewTLSServer is NewServer over TLS and HTTP/2, with a certificate that [Server.Client] trusts.
func NewTLSServer() *Server {
	s := newServer(shippedContract())
	s.server.EnableHTTP2 = true
	s.server.StartTLS()
	s.URL = s.server.URL + basePath
	return s
}

var shippedContract = sync.OnceValue(func() *contract.Contract {
	c, err := contract.Parse(kodexa.Spec())
	if err != nil {
		panic(fmt.Sprintf("kodexatest: %v", err))
	}
	return c
})

func newServer(c *contract.Contract) *Server {
	s := &Server{APIKey: rand.Text(), contract: c, sessions: map[uuid.UUID]kodexa.Session{}}
	s.handlers = map[string]http.HandlerFunc{"getSession": s.getSession, "updateSession": s.updateSession}
	s.server = httptest.NewUnstartedServer(http.StripPrefix(basePath, http.HandlerFunc(s.serve)))
	return s
}

// Close shuts the server down and waits until its requests are answered.
func (s *Server) Close() { s.server.Close() }

// Format prints the URL alone, whatever the verb.
func (s *Server) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "kodexatest.Server "+s.URL) }

// Client returns a new client that has the server's URL and API key and trusts its certificate; opts follow these. It panics
// if New refuses opts.
func (s *Server) Client(opts ...kodexa.Option) *kodexa.Client {
	own := []kodexa.Option{kodexa.WithBaseURL(s.URL), kodexa.WithAPIKey(s.APIKey)}
	if certificate := s.server.Certificate(); certificate != nil {
		t := kodexa.DefaultTransport()
		t.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
		t.TLSClientConfig.RootCAs.AddCert(certificate)
		own = append(own, kodexa.WithHTTPClient(&http.Client{Transport: t}))
	}
	c, err := kodexa.New(append(own, opts...)...)
	if err != nil {
		panic(err)
	}
	return c
}

// Requests returns the requests that arrived, in order. The server keeps all of them until it is dropped; what their header
// and body hold is not to be changed.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Enqueue makes the next requests be answered by h, one each and in order, in place of the server; nil leaves a request to the
// server. A client that sends a request again gets the next one. Neither the requests that h answers nor the answers are held
// against the contract.
func (s *Server) Enqueue(h ...http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, h...)
}

// Handle makes h serve the operation with this operationId, be it one that the server can't do or one that it can. h gets
// requests that have the API key and keep the contract; a parameter that fills a segment of the path is in r.PathValue. An
// answer of h that breaks the contract becomes a 500 that says where. Handle panics if the contract has no such operation, and
// if h is nil.
func (s *Server) Handle(operationID string, h http.HandlerFunc) {
	if h == nil || s.contract.Operation(operationID) == nil {
		panic(fmt.Sprintf("kodexatest: Handle: the handler is nil, or the contract has no operation %q", operationID))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[operationID] = h
}

// ServeHTTP answers a request as the server does at its URL, but below no path, for a program that listens elsewhere. It keeps
// nothing for Requests, and takes nothing that Enqueue left.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serveBody(w, r, bodyOf(r)) }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	body := bodyOf(r)
	if h := s.record(r, body); h != nil {
		h(w, r)
		return
	}
	s.serveBody(w, r, body)
}

func (s *Server) serveBody(w http.ResponseWriter, r *http.Request, body []byte) {
	answer := s.answer(r, body)
	maps.Copy(w.Header(), answer.Result().Header)
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// bodyOf reads the body of r, and leaves it to be read again.
func bodyOf(r *http.Request) []byte {
	if r.Body == nil { // as a request that no server read may have
		r.Body = http.NoBody
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client went away, and its request never arrived
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}

// record notes a request and returns the enqueued handler that is to answer it, if there is one.
func (s *Server) record(r *http.Request, body []byte) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, Request{r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Clone(), body})
	if len(s.queue) == 0 {
		return nil
	}
	h := s.queue[0]
	s.queue = s.queue[1:]
	return h
}

// answer lets the operation's handler answer, and holds both messages against the contract.
func (s *Server) answer(r *http.Request, body []byte) *httptest.ResponseRecorder {
	path := r.URL.EscapedPath()
	operation := s.contract.Find(r.Method, path)
	if operation == nil {
		return refused(http.StatusNotFound, "the contract has no such operation")
	}
	if keys := r.Header.Values(apiKeyHeader); operation.WantsKey(apiKeyHeader) && (len(keys) != 1 || keys[0] != s.APIKey) {
		return refused(http.StatusUnauthorized, "the API key is missing or not known")
	}
	if found, _ := operation.CheckRequest(path, r.URL.RawQuery, r.Header, body); len(found) > 0 {
		return refused(http.StatusBadRequest, broken(kodexa.InRequest, 0, found))
	}
	s.mu.Lock()
	h := s.handlers[operation.ID]
	s.mu.Unlock()
	if h == nil {
		return refused(http.StatusNotImplemented, "the test server can't do this operation: give it a handler by Handle")
	}
	setPathValues(r, operation.Path)
	answer := httptest.NewRecorder()
	h(answer, r)
	if found, _ := operation.CheckResponse(answer.Code, answer.Result().Header, answer.Body.Bytes()); len(found) > 0 {
		return refused(http.StatusInternalServerError, "the answer to "+operation.ID+": "+broken(kodexa.InResponse, answer.Code, found))
	}
	return answer
}

// broken says how a message breaks the contract, in the client's words.
func broken(in kodexa.Part, status int, found []contract.Violation) string {
	e := kodexa.ContractError{In: in, StatusCode: status}
	for _, v := range found {
		e.Violations = append(e.Violations, kodexa.Violation(v))
	}
	return e.Error()
}

// setPathValues gives r the values of the parameters that fill a segment of the path template.
func setPathValues(r *http.Request, template string) {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	for i, segment := range strings.Split(template, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok && i < len(segments) {
			if value, err := url.PathUnescape(segments[i]); err == nil {
				r.SetPathValue(strings.TrimSuffix(name, "}"), value)
			}
		}
	}
}

func refused(status int, message string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	refuse(w, status, message)
	return w
}
