package kodexa_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/kodexa-community/kodexa-go"
)

// The session that a lockingPlatform has, and another one.
var (
	acmeID  = uuid.MustParse("3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90")
	otherID = uuid.MustParse("9d1c5b3a-0e2f-4c6d-8b7a-5f4e3d2c1b0a")
)

const acmeSession = `{
	"changeSequence": 7,
	"createdOn": "2023-11-07T05:31:56Z",
	"id": "3f2b8c1e-6d4a-4f0b-9a57-1c8e2d7b6a90",
	"organization": {
		"name": "Acme Corp",
		"slug": "acme-corp",
		"memory": {"orderedDashboards": ["invoices", "contracts"]},
		"properties": {"region": "eu-central-1"}
	},
	"organizationId": null,
	"state": "PROCESSING",
	"token": "st_5Jq2m8ZrVw1xKc",
	"uuid": "3f2b8c1e6d4a4f0b9a571c8e2d7b6a90",
	"pages": 12345678901234567890
}`

// lockingPlatform is a platform with one session, which it locks optimistically. It serves HTTP, and it is a transport for
// tests in which time must not pass.
type lockingPlatform struct {
	normalise func(body string) string // what is stored of a body

	mu       sync.Mutex
	session  map[string]json.RawMessage // nil if it was deleted
	requests []platformRequest
	next     map[string][]platformReply // by method: what answers the next requests in place of the platform itself
}

type platformRequest struct {
	method, path string
	body         string
	at           time.Time
}

type platformReply = func(w http.ResponseWriter, body []byte)

func newLockingPlatform() *lockingPlatform {
	p := &lockingPlatform{next: map[string][]platformReply{}}
	p.write(acmeSession)
	return p
}

func (p *lockingPlatform) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	p.mu.Lock()
	p.requests = append(p.requests, platformRequest{r.Method, r.URL.Path, string(body), time.Now()})
	reply := map[string]platformReply{http.MethodGet: p.read, http.MethodPut: p.update}[r.Method]
	if next := p.next[r.Method]; len(next) > 0 {
		reply, p.next[r.Method] = next[0], next[1:]
	}
	p.mu.Unlock()
	reply(w, body)
}

// RoundTrip answers as ServeHTTP does, unless the context has ended meanwhile.
func (p *lockingPlatform) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

// start serves p on loopback and returns a client for it, whose waits are short.
func (p *lockingPlatform) start(t *testing.T, opts ...kodexa.Option) *kodexa.Client {
	t.Helper()
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p.client(t, append([]kodexa.Option{kodexa.WithBaseURL(server.URL)}, opts...)...)
}

// direct returns a client for p without a network.
func (p *lockingPlatform) direct(t *testing.T, opts ...kodexa.Option) *kodexa.Client {
	t.Helper()
	return p.client(t, append([]kodexa.Option{kodexa.WithHTTPClient(&http.Client{Transport: p})}, opts...)...)
}

func (*lockingPlatform) client(t *testing.T, opts ...kodexa.Option) *kodexa.Client {
	t.Helper()
	quick := kodexa.RetryPolicy{BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}
	client, err := kodexa.New(append([]kodexa.Option{kodexa.WithAPIKey("kdxa_4Yt9"), kodexa.WithRetry(quick)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// onGet has the next reads answered in another way, onPut the next updates.
func (p *lockingPlatform) onGet(next ...platformReply) { p.then(http.MethodGet, next) }
func (p *lockingPlatform) onPut(next ...platformReply) { p.then(http.MethodPut, next) }

func (p *lockingPlatform) then(method string, next []platformReply) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next[method] = next
}

// read and update answer as the platform does.
func (p *lockingPlatform) read(w http.ResponseWriter, _ []byte) {
	if session := p.stored(); session == "" {
		w.WriteHeader(http.StatusNotFound)
	} else {
		answerJSON(session)(w, nil)
	}
}

func (p *lockingPlatform) update(w http.ResponseWriter, body []byte) {
	if p.apply(body) {
		p.read(w, nil)
	} else {
		w.WriteHeader(http.StatusConflict)
	}
}

// loses applies an update and says nothing of it.
func (p *lockingPlatform) loses(w http.ResponseWriter, body []byte) {
	p.apply(body)
	w.WriteHeader(http.StatusInternalServerError)
}

// before has another writer store members before the platform answers.
func (p *lockingPlatform) before(members string, reply platformReply) platformReply {
	return func(w http.ResponseWriter, body []byte) {
		p.write(members)
		reply(w, body)
	}
}

// after has another writer store members after the platform answered.
func (p *lockingPlatform) after(members string, reply platformReply) platformReply {
	return func(w http.ResponseWriter, body []byte) {
		reply(w, body)
		p.write(members)
	}
}

func answerStatus(status int) platformReply {
	return func(w http.ResponseWriter, _ []byte) { w.WriteHeader(status) }
}

func answerJSON(body string) platformReply {
	return func(w http.ResponseWriter, _ []byte) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

// reset closes the connection without a word.
func reset(http.ResponseWriter, []byte) { panic(http.ErrAbortHandler) }

// answerCut closes the connection within the body.
func answerCut(w http.ResponseWriter, _ []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(acmeSession)))
	_, _ = io.WriteString(w, acmeSession[:20])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// apply stores an update if it is locked by the stored changeSequence.
func (p *lockingPlatform) apply(body []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.normalise != nil {
		body = []byte(p.normalise(string(body)))
	}
	var sent map[string]json.RawMessage
	if json.Unmarshal(body, &sent) != nil || !bytes.Equal(sent["changeSequence"], p.session["changeSequence"]) {
		return false
	}
	p.session = sent
	p.count()
	return true
}

// count increments the changeSequence.
func (p *lockingPlatform) count() {
	if n, err := strconv.Atoi(string(p.session["changeSequence"])); err == nil {
		p.session["changeSequence"] = json.RawMessage(strconv.Itoa(n + 1))
	}
}

// write stores members of another writer. One that is null is removed; "null" as a whole deletes the session.
func (p *lockingPlatform) write(members string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var written map[string]json.RawMessage
	if err := json.Unmarshal([]byte(members), &written); err != nil {
		panic(err)
	}
	if written == nil || p.session == nil {
		p.session = written
		return
	}
	p.session = maps.Clone(p.session)
	if _, ok := written["changeSequence"]; !ok {
		p.count()
	}
	maps.Copy(p.session, written)
	maps.DeleteFunc(p.session, func(name string, value json.RawMessage) bool {
		_, isWritten := written[name]
		return isWritten && string(value) == "null"
	})
}

// stored returns the session as JSON, or "" if there is none.
func (p *lockingPlatform) stored() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil {
		return ""
	}
	text, err := json.Marshal(p.session)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// sent returns the requests of a method.
func (p *lockingPlatform) sent(method string) (requests []platformRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if r.method == method {
			requests = append(requests, r)
		}
	}
	return requests
}

func (p *lockingPlatform) wantRequests(t *testing.T, gets, puts int) {
	t.Helper()
	if g, u := len(p.sent(http.MethodGet)), len(p.sent(http.MethodPut)); g != gets || u != puts {
		t.Errorf("GET was sent %d times and PUT %d times, want %d and %d", g, u, gets, puts)
	}
}

// wantCallError returns the CallError that err is, of this operation and this knowledge of the outcome.
func wantCallError(t *testing.T, err error, operation string, isUnknown bool) kodexa.CallError {
	t.Helper()
	e, ok := err.(*kodexa.CallError)
	if !ok {
		t.Fatalf("error is %T %v, want a CallError", err, err)
	}
	method := map[string]string{"getSession": http.MethodGet, "updateSession": http.MethodPut}[operation]
	if path := "/api/sessions/" + acmeID.String(); e.Operation != operation || e.Method != method || e.Path != path {
		t.Errorf("error is of %s, %s %s, want %s, %s %s", e.Operation, e.Method, e.Path, operation, method, path)
	}
	if e.OutcomeUnknown != isUnknown || errors.Is(err, kodexa.ErrOutcomeUnknown) != isUnknown {
		t.Errorf("%v: is its outcome unknown? %v", err, !isUnknown)
	}
	return *e
}

// wantBroken returns the ContractError in err, whose one violation has this place.
func wantBroken(t *testing.T, err error, in kodexa.Part, pointer string) kodexa.ContractError {
	t.Helper()
	e, ok := errors.AsType[*kodexa.ContractError](err)
	if !ok {
		t.Fatalf("error is %v, want a ContractError", err)
	}
	if e.In != in || len(e.Violations) != 1 || e.Violations[0].Pointer != pointer || e.Violations[0].Reason == "" {
		t.Errorf("%v: broken is the %s at %v, want the %s at %q", err, e.In, e.Violations, in, pointer)
	}
	return *e
}

func TestGetSessionReturnsTheSessionWithAllOfItsMembers(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	session, err := p.start(t).GetSession(t.Context(), acmeID)
	if err != nil {
		t.Fatal(err)
	}
	if pages, _ := session.Get("pages"); *session.State != "PROCESSING" || *session.ChangeSequence != 7 || string(pages) != "12345678901234567890" {
		t.Errorf("session has state %s, changeSequence %d and pages %s", *session.State, *session.ChangeSequence, pages)
	}
	requests := p.sent(http.MethodGet)
	if path := "/api/sessions/" + acmeID.String(); len(requests) != 1 || requests[0].path != path || requests[0].body != "" {
		t.Errorf("requests are %v, want one for %s without a body", requests, path)
	}
}

func TestReadingIsNeverOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, reply := range map[string]platformReply{
		"status 500":              answerStatus(http.StatusInternalServerError),
		"status 503":              answerStatus(http.StatusServiceUnavailable),
		"status 404":              answerStatus(http.StatusNotFound),
		"status 408":              answerStatus(http.StatusRequestTimeout),
		"status 303":              answerStatus(http.StatusSeeOther),
		"connection reset":        reset,
		"body cut short":          answerCut,
		"body that is no session": answerJSON(`{"state": 5}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			p.onGet(reply, reply, reply, reply)
			session, err := p.start(t).GetSession(t.Context(), acmeID)
			if session != nil {
				t.Error("there is a session beside the error")
			}
			e := wantCallError(t, err, "getSession", false)
			if sent := len(p.sent(http.MethodGet)); e.Attempts != sent {
				t.Errorf("error says %d attempts, there were %d", e.Attempts, sent)
			}
		})
	}
}

func TestReadingThatTakesTooLongIsNotOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := newLockingPlatform()
		hang := func(http.ResponseWriter, []byte) { time.Sleep(time.Minute) }
		p.onGet(hang, hang)
		client := p.direct(t, kodexa.WithTimeout(time.Second), kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 2}))
		_, err := client.GetSession(t.Context(), acmeID)
		wantCallError(t, err, "getSession", false)
		if timeout, ok := errors.AsType[interface {
			error
			Timeout() bool
		}](err); !ok || !timeout.Timeout() {
			t.Errorf("error is %v, want a timeout", err)
		}
		p.wantRequests(t, 2, 0)
	})
}

func TestReadIsSentAgainWhenItsBodyBreaksOffAndAnUpdateIsNot(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	client := p.start(t)
	p.onGet(answerCut, answerCut)
	session, err := client.GetSession(t.Context(), acmeID)
	if err != nil || *session.State != "PROCESSING" {
		t.Fatalf("session is %v, error %v", session, err)
	}
	p.wantRequests(t, 3, 0)

	p.onPut(answerCut)
	_, err = client.UpdateSession(t.Context(), acmeID, *session)
	wantCallError(t, err, "updateSession", true)
	wantBroken(t, err, kodexa.InResponse, "")
	p.wantRequests(t, 3, 1)
}

func TestSessionOfAnotherIDIsNotSent(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		otherID.String(), strings.ToUpper(otherID.String()), strings.ReplaceAll(otherID.String(), "-", ""),
		"{" + otherID.String() + "}", "urn:uuid:" + otherID.String(), uuid.Nil.String(),
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			client := p.start(t, kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) { t.Error("a request is reported") }))
			session, err := client.UpdateSession(t.Context(), acmeID, kodexa.Session{ID: &id, State: new("CLOSED")})
			if session != nil {
				t.Error("there is a session beside the error")
			}
			if e := wantCallError(t, err, "updateSession", false); e.Attempts != 0 || strings.Contains(err.Error(), id) {
				t.Errorf("error says %d attempts: %v", e.Attempts, err)
			}
			wantBroken(t, err, kodexa.InRequest, "/id")
			p.wantRequests(t, 0, 0)
		})
	}
}

func TestIDsThatAreTheSameOrNoUUIDsAreNotRefused(t *testing.T) {
	t.Parallel()
	for _, id := range []*string{
		nil, new(acmeID.String()), new(strings.ToUpper(acmeID.String())), new(strings.ReplaceAll(acmeID.String(), "-", "")),
		new("{" + acmeID.String() + "}"), new(""), new("session-1"), new(otherID.String()[1:]),
		new("a" + otherID.String() + "b"), // as long as a UUID in braces
	} {
		p := newLockingPlatform()
		client := p.start(t)
		stored, err := client.UpdateSession(t.Context(), acmeID, kodexa.Session{ID: id, ChangeSequence: new(int32(7))})
		if err != nil {
			t.Errorf("updating a session: %v", err)
		} else if id != nil && *stored.ID != *id {
			t.Errorf("id %s is stored as %s", *id, *stored.ID)
		}
		if _, err := client.GetSession(t.Context(), acmeID); err != nil {
			t.Errorf("reading it: %v", err)
		}
	}
}

func TestAnswerAboutAnotherSessionIsRefused(t *testing.T) {
	t.Parallel()
	body := `{"id": "` + strings.ReplaceAll(otherID.String(), "-", "") + `", "changeSequence": 8}`
	for name, opts := range map[string][]kodexa.Option{
		"strict":      nil,
		"report-only": {kodexa.WithReportOnly(func(context.Context, *kodexa.CallError) {})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newLockingPlatform()
			client := p.start(t, opts...)
			want := func(operation string, session *kodexa.Session, err error) {
				t.Helper()
				if session != nil {
					t.Error("there is a session beside the error")
				}
				if e := wantCallError(t, err, operation, operation == "updateSession"); e.Attempts != 1 {
					t.Errorf("error says %d attempts", e.Attempts)
				}
				e := wantBroken(t, err, kodexa.InResponse, "/id")
				if e.StatusCode != http.StatusOK || e.Header.Get("Content-Length") == "" || string(e.Body) != body {
					t.Errorf("error has status %d, header %v and body %q", e.StatusCode, e.Header, e.Body)
				}
			}
			p.onGet(answerJSON(body))
			session, err := client.GetSession(t.Context(), acmeID)
			want("getSession", session, err)
			p.onPut(answerJSON(body))
			session, err = client.UpdateSession(t.Context(), acmeID, kodexa.Session{})
			want("updateSession", session, err)
		})
	}
}

func TestGeneratedClientComparesNoIDs(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	client := p.start(t)
	body := kodexa.Session{ID: new(otherID.String()), ChangeSequence: new(int32(7))}
	if res, err := client.API().UpdateSessionWithResponse(t.Context(), acmeID, body); err != nil || *res.JSON200.ID != otherID.String() {
		t.Errorf("updating: %v", err)
	}
	if res, err := client.API().GetSessionWithResponse(t.Context(), acmeID); err != nil || *res.JSON200.ID != otherID.String() {
		t.Errorf("reading: %v", err)
	}
}

func TestNilRequestEditorIsAnErrorThatSaysWhich(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	client := p.start(t)
	pass := func(context.Context, *http.Request) error { return nil }
	for operation, call := range map[string]func() (*kodexa.Session, error){
		"getSession": func() (*kodexa.Session, error) { return client.GetSession(t.Context(), acmeID, pass, nil) },
		"updateSession": func() (*kodexa.Session, error) {
			return client.UpdateSession(t.Context(), acmeID, kodexa.Session{}, pass, nil)
		},
		"updateSession of ModifySession": func() (*kodexa.Session, error) {
			return client.ModifySession(t.Context(), acmeID, func(*kodexa.Session) error { return nil }, pass, nil)
		},
	} {
		operation, _, _ = strings.Cut(operation, " ")
		session, err := call()
		if e := wantCallError(t, err, operation, false); session != nil || e.Attempts != 0 || !strings.Contains(err.Error(), "editor 2 is nil") {
			t.Errorf("%s: session %v, error %v", operation, session, err)
		}
	}
	p.wantRequests(t, 0, 0)
}

func TestCloneOfASessionSharesNothing(t *testing.T) {
	t.Parallel()
	p := newLockingPlatform()
	session, err := p.start(t).GetSession(t.Context(), acmeID)
	if err != nil {
		t.Fatal(err)
	}
	before, err := json.Marshal(session)
	if err != nil {
		t.Fatal(err)
	}
	clone := session.Clone()
	if text, err := json.Marshal(clone); err != nil || !bytes.Equal(text, before) {
		t.Fatalf("clone is %s, error %v, want %s", text, err, before)
	}
	*clone.State, *clone.ChangeSequence, *clone.CreatedOn = "CLOSED", 8, time.Time{}
	clone.OrganizationID.Set("7f9c")
	clone.Set("added", json.RawMessage("1"))
	copy(clone.AdditionalProperties["pages"], "999")
	*clone.Organization.Name = "Other"
	(*clone.Organization.Memory.OrderedDashboards)[0] = "other"
	(*clone.Organization.Properties)["region"] = json.RawMessage("null")
	if text, err := json.Marshal(session); err != nil || !bytes.Equal(text, before) {
		t.Errorf("session is %s after its clone was changed, error %v, want %s", text, err, before)
	}
}

func TestParsedSessionKeepsAllThatTheDocumentHolds(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		acmeSession, ` {} `, `{"state": "CLOSED", "pages": 12345678901234567890, "data": {"state": null}}`,
		`{"organizationId": null}`, `{"organization": {}}`, `{"organization": {"x": 1}}`, `{"changeSequence": 0}`, `{"state": "", "x": []}`,
	} {
		data := []byte(document)
		session, err := kodexa.ParseSession(data)
		if err != nil {
			t.Errorf("%s: %v", document, err)
			continue
		}
		for i := range data {
			data[i] = '!' // which is the caller's to do
		}
		if text, err := json.Marshal(session); err != nil || !sameJSON(t, string(text), document) {
			t.Errorf("%s is encoded as %s, error %v", document, text, err)
		}
	}
}

func TestDocumentThatIsNoSessionIsRefusedAtItsPlace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		document string
		pointer  string
		reason   string // part of it
	}{
		"empty":                         {``, "", "empty"},
		"white space":                   {" \n", "", "cut short"},
		"null":                          {`null`, "", ""},
		"array":                         {`[{"state": "st_secret"}]`, "", "object"},
		"string":                        {`"st_secret"`, "", "object"},
		"null member":                   {`{"state": null, "token": "st_secret"}`, "/state", ""},
		"null model":                    {`{"organization": null}`, "/organization", ""},
		"null within a model":           {`{"organization": {"memory": {"orderedDashboards": [null]}}}`, "/organization/memory/orderedDashboards/0", ""},
		"envelope":                      {`{"data": {"state": "st_secret"}}`, "", "none of the members"},
		"envelope of an error":          {`{"error": "st_secret", "status": 404}`, "", "none of the members"},
		"another case":                  {`{"State": "st_secret"}`, "/State", `"state"`},
		"another case within a model":   {`{"organization": {"Slug": "st_secret"}}`, "/organization/Slug", `"slug"`},
		"repeated member":               {`{"token": "st_secret", "token": "st_secret"}`, "/token", "repeated"},
		"repeated unnamed member":       {`{"state": "A", "x": {"y": "st_secret", "y": 1}}`, "/x/y", "repeated"},
		"data after the value":          {`{"token": "st_secret"}{}`, "", "more after the value, at byte 22"},
		"a comma after the value":       {`{"token": "st_secret"},`, "", "more after the value"},
		"cut short":                     {`{"token": "st_secret"`, "", "cut short after 21 bytes"},
		"not JSON":                      {`{"token": st_secret}`, "/token", "not JSON in UTF-8, at byte 10"},
		"not UTF-8":                     {"{\"token\": \"st_secret\xff\"}", "/token", "not JSON in UTF-8"},
		"byte-order mark":               {"\ufeff{}", "", "not JSON"},
		"date-time without zone":        {`{"updatedOn": "2023-11-07T05:31:56"}`, "/updatedOn", "must be a date-time, such as 2023-11-07T05:31:56Z"},
		"date-time that is st_secret":   {`{"updatedOn": "st_secret"}`, "/updatedOn", "must be a date-time, such as 2023-11-07T05:31:56Z"},
		"integer as text":               {`{"changeSequence": "7"}`, "/changeSequence", "integer"},
		"integer with a fraction":       {`{"changeSequence": 7.0}`, "/changeSequence", "integer"},
		"integer beyond its format":     {`{"changeSequence": 2147483648}`, "/changeSequence", ""},
		"another type in a model":       {`{"organization": {"name": ["st_secret"]}}`, "/organization/name", "string"},
		"another type in place of list": {`{"organization": {"memory": {"orderedDashboards": "st_secret"}}}`, "/organization/memory/orderedDashboards", "array"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, err := kodexa.ParseSession([]byte(test.document))
			if session != nil {
				t.Error("there is a session beside the error")
			}
			e := wantBroken(t, err, kodexa.InDocument, test.pointer)
			if e.StatusCode != 0 || e.Header != nil || string(e.Body) != test.document {
				t.Errorf("error has status %d, header %v and body %s", e.StatusCode, e.Header, e.Body)
			}
			if !strings.Contains(e.Violations[0].Reason, test.reason) {
				t.Errorf("reason is %q, want it to say %q", e.Violations[0].Reason, test.reason)
			}
			if errors.Is(err, kodexa.ErrOutcomeUnknown) || !strings.HasPrefix(err.Error(), "kodexa: document breaks the contract") {
				t.Errorf("error is %v", err)
			}
			for _, err := range errorsIn(err) {
				if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, "st_secret") {
					t.Errorf("a value of the document is in %s", text)
				}
			}
		})
	}
}

// errorsIn returns an error and what it wraps.
func errorsIn(err error) []error {
	if err == nil {
		return nil
	}
	return append([]error{err}, errorsIn(errors.Unwrap(err))...)
}

func TestEachViolationOfADocumentIsListed(t *testing.T) {
	t.Parallel()
	_, err := kodexa.ParseSession([]byte(`{"state": 5, "changeSequence": null, "organization": {"slug": true}}`))
	e, ok := errors.AsType[*kodexa.ContractError](err)
	if !ok {
		t.Fatalf("error is %v", err)
	}
	var places []string
	for _, v := range e.Violations {
		places = append(places, v.Pointer)
	}
	if got := strings.Join(places, " "); got != "/changeSequence /organization/slug /state" {
		t.Errorf("violations are at %s", got)
	}
}

func TestAnAnswerAboutAnotherSessionIsLoggedAsAWarning(t *testing.T) {
	t.Parallel()
	var log records
	client := newClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(`{"id":"` + otherID.String() + `"}`)),
		}, nil
	}), kodexa.WithLogger(slog.New(&log)))
	if _, err := client.UpdateSession(t.Context(), acmeID, kodexa.Session{}); !errors.Is(err, kodexa.ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	if last := log[len(log)-1]; !strings.Contains(last, "WARN") || !strings.Contains(last, "at /id") || !strings.Contains(last, "outcome_unknown=true") {
		t.Error(last)
	}
}

func TestWhoeverWrapsTheGeneratedClientWrapsItForHimself(t *testing.T) {
	t.Parallel()
	client := newClient(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(`{}`)),
		}, nil
	}))
	client.API().ClientInterface = nil
	if _, err := client.GetSession(t.Context(), acmeID); err != nil {
		t.Error(err)
	}
}
