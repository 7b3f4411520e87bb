package kodexa

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/kodexa-community/kodexa-go/gen"
	"github.com/kodexa-community/kodexa-go/internal/contract"
)

// The contract's schemas. Each keeps the members that the contract does not name in AdditionalProperties, see the methods
// Get and Set. Optional members are pointers, so that absent and zero differ; a nullable one has three states. Clone a model
// before you change a copy of it: a copy by value shares its maps and what its pointers point to.
type (
	// Session is a processing session for document operations.
	Session = gen.Session
	// Organization is what a session belongs to.
	Organization = gen.Organization
	// AuthGroupLink links an organization to its authorization group.
	AuthGroupLink = gen.AuthGroupLink
	// OrganizationMemory is organization-level memory and configuration.
	OrganizationMemory = gen.OrganizationMemory
)

// ModifySession reads the session id, has it changed by change, and stores it with the changeSequence that was read, so that
// no update of somebody else is lost. It returns the session as the platform stored it.
//
// change may run several times, each time on a session as just read; keep nothing of it. If it changes nothing, nothing is
// sent, and the session is returned as read. After a conflict with another update the session is read and changed again,
// with the waits of [WithRetry]. After an unknown outcome it is read to learn what became of the update: it is sent again if
// it was not applied, and counts as a success if each member that change changed has the value that it gave. There are at most
// MaxAttempts rounds of this, and each request in them has MaxAttempts attempts: bound the whole by ctx.
//
// Every error is a [*CallError], and says what it leaves:
//   - the error of change: nothing was sent in that round, and nothing is stored
//   - [ErrConflict]: other updates came first, MaxAttempts times; nothing is stored
//   - [ErrOutcomeUnknown]: the update may be stored or not; read the session to learn it
//   - [*ContractError] in the request: change made something that the contract refuses, or changed id, uuid or
//     changeSequence, or the session was read without a changeSequence, so that it can't be locked; nothing is stored
//   - [ErrNotFound] and all else: as of [Client.GetSession] and [Client.UpdateSession]
//
// editors run for each request of the call.
func (c *Client) ModifySession(
	ctx context.Context, id uuid.UUID, change func(*Session) error, editors ...RequestEditor,
) (*Session, error) {
	m, err := c.begin(id, "updateSession", editors)
	if err != nil {
		return nil, err
	}
	if change == nil {
		return nil, m.failed(errors.New("change is nil: nothing was sent"))
	}
	return resource[Session]{
		method: m,
		read:   func(ctx context.Context) (*Session, *CallError, error) { return c.getSession(ctx, id, editors) },
		store:  func(ctx context.Context, s Session) (*Session, error) { return c.UpdateSession(ctx, id, s, editors...) },
	}.modify(ctx, change)
}

// ParseSession returns the session that data holds, such as a file or a message of a queue, held against the contract. Its
// error is a [*ContractError] in a document with the place of each violation, where json.Unmarshal says nothing: null, a null
// member that may not be null, a member spelled in another case, and an envelope, which is an object with members of which
// none is the contract's.
func ParseSession(data []byte) (*Session, error) {
	document, err := shippedContract()
	if err != nil {
		return nil, fmt.Errorf("kodexa: %w", err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	found, cause := document.Operation("getSession").CheckResponse(http.StatusOK, header, data)
	var session Session
	if len(found) == 0 {
		if err := json.Unmarshal(data, &session); err != nil {
			return nil, fmt.Errorf("kodexa: %w", err)
		}
		if extra := session.AdditionalProperties; len(extra) > 0 && reflect.DeepEqual(session, Session{AdditionalProperties: extra}) {
			found = []contract.Violation{{Pointer: "", Reason: "none of the members is one of a session's"}}
		}
	}
	if len(found) > 0 {
		broken := &ContractError{In: InDocument, Body: bytes.Clone(data), cause: cause}
		for _, v := range found {
			broken.Violations = append(broken.Violations, Violation(v))
		}
		return nil, fmt.Errorf("kodexa: %w", broken)
	}
	return &session, nil
}

// method is one of the client's own methods on its way. It knows the operation and the session that is meant before there is
// a request.
type method struct {
	operation *contract.Operation
	id        uuid.UUID
	policy    RetryPolicy
	editors   []RequestEditor
}

// begin refuses what generated code would panic on.
func (c *Client) begin(id uuid.UUID, operationID string, editors []RequestEditor) (method, error) {
	c.mustBeMade()
	m := method{operation: c.caller.contract.Operation(operationID), id: id, policy: c.caller.retry}
	for i, fn := range editors {
		if fn == nil {
			return m, m.failed(fmt.Errorf("request editor %d is nil", i+1))
		}
		m.editors = append(m.editors, withOwnError(fn))
	}
	return m, nil
}

// failed gives err its place.
func (m method) failed(err error) *CallError {
	path := strings.Replace(m.operation.Path, "{id}", m.id.String(), 1)
	return &CallError{Operation: m.operation.ID, Method: m.operation.Method, Path: path, Err: err}
}

// sent gives an error of the generated client its place, unless it has one.
func (m method) sent(err error) error {
	if e, ok := err.(*CallError); ok {
		return e
	}
	return m.failed(err)
}

// getSession is GetSession. It returns also what the answer breaks the contract with, if report-only left a member out.
func (c *Client) getSession(ctx context.Context, id uuid.UUID, editors []RequestEditor) (*Session, *CallError, error) {
	m, err := c.begin(id, "getSession", editors)
	if err != nil {
		return nil, nil, err
	}
	res, err := c.api.GetSessionWithResponse(ctx, id, m.editors...)
	if err != nil {
		return nil, nil, m.sent(err)
	}
	return ownSession(id, res.HTTPResponse, res.Body, res.JSON200)
}

// otherSession is what a session breaks the contract with that has another id than the path.
func otherSession() []Violation { return []Violation{{"/id", "value must be the id in the path"}} }

// ownSession refuses an answer about another session than id, or none.
func ownSession(id uuid.UUID, res *http.Response, body []byte, s *Session) (*Session, *CallError, error) {
	k := res.Body.(checkedBody).call //nolint:forcetypeassert // caller.Do returns no other
	// An editor may have led to an operation that answers with another thing.
	violations := []Violation{{"", "the operation answers with another thing than a session"}}
	if s != nil {
		violations = otherSession()
	}
	if s == nil || isAnother(id, s.ID) {
		k.inDoubt = true
		broken := &ContractError{In: InResponse, StatusCode: res.StatusCode, Violations: violations, Header: res.Header, Body: body}
		k.log(&answer{Response: res}, broken)
		return nil, nil, k.failed(broken)
	}
	if k.leftOut {
		return s, k.reported, nil
	}
	return s, nil, nil
}

// isAnother reports whether given is a UUID, with or without dashes, and not id. What is no UUID can't be compared.
func isAnother(id uuid.UUID, given *string) bool {
	if given == nil || uuid.Validate(*given) != nil { // Parse takes whatever stands in the place of braces
		return false
	}
	parsed, err := uuid.Parse(*given)
	return err == nil && parsed != id
}

// resource is how a model that has a changeSequence is read and stored.
type resource[T interface{ Clone() T }] struct {
	method

	read  func(context.Context) (value *T, leftOut *CallError, err error) // leftOut: what report-only left a member out for
	store func(context.Context, T) (*T, error)
}

// update is what a change made of a resource.
type update[T any] struct {
	value         T
	before, after map[string]any // its members
	sequence      int64          // that was read
}

// modify reads r, changes it and stores it, as [Client.ModifySession] says.
func (r resource[T]) modify(ctx context.Context, change func(*T) error) (*T, error) {
	for round := 1; ; round++ {
		u, err := r.prepare(ctx, change)
		if err != nil {
			return nil, err
		}
		if reflect.DeepEqual(u.before, u.after) {
			return &u.value, nil
		}
		stored, err := r.store(ctx, u.value)
		if err == nil {
			return stored, nil
		}
		if isInDoubt(err) {
			return r.settle(ctx, u, round, err)
		}
		answer := answerOf(err)
		if !errors.Is(answer, ErrConflict) || round >= r.policy.MaxAttempts {
			return nil, err
		}
		wait, ok := r.policy.next(ctx, round, answer.RetryAfter)
		if !ok {
			return nil, err
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, r.failed(err)
		}
	}
}

// prepare reads r and has it changed.
func (r resource[T]) prepare(ctx context.Context, change func(*T) error) (*update[T], error) {
	value, leftOut, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	if leftOut != nil {
		return nil, leftOut // what was left out would be lost
	}
	u := &update[T]{}
	if u.before, err = membersOf(*value); err == nil {
		u.sequence, err = sequenceOf(u.before)
	}
	if err == nil {
		err = change(value)
	}
	if err == nil {
		u.value = (*value).Clone() // change may have kept value
		u.after, err = membersOf(u.value)
	}
	if err != nil {
		return nil, r.failed(err)
	}
	for _, name := range []string{"id", "uuid", "changeSequence"} { // which resource it is, and which version of it
		if !reflect.DeepEqual(u.before[name], u.after[name]) {
			violation := Violation{"/" + name, "a change must leave the value as it was read"}
			return nil, r.failed(&ContractError{In: InRequest, Violations: []Violation{violation}})
		}
	}
	return u, nil
}

// settle finds out what became of an update whose outcome is unknown. As long as the changeSequence is the one that was
// sent, the update was not applied, and sending it again can't apply it twice.
func (r resource[T]) settle(ctx context.Context, u *update[T], round int, unknown error) (*T, error) {
	for last := unknown; ; round++ {
		stored, leftOut, err := r.read(ctx)
		if err != nil {
			return nil, stillUnknown(unknown, err)
		}
		if leftOut != nil {
			return nil, stillUnknown(unknown, leftOut) // what was left out would pass for removed
		}
		now, err := membersOf(*stored)
		sequence, errSequence := sequenceOf(now)
		switch {
		case err != nil || errSequence != nil:
			return nil, stillUnknown(unknown, cmp.Or(err, errSequence))
		case sequence > u.sequence && isKept(u.before, u.after, now):
			return stored, nil
		case sequence != u.sequence:
			const text = "changeSequence was %d and is %d, which does not show whether the update is in it"
			return nil, stillUnknown(unknown, fmt.Errorf(text, u.sequence, sequence))
		case round >= r.policy.MaxAttempts:
			return nil, stillUnknown(unknown, fmt.Errorf("changeSequence is still %d, but the update may yet arrive", sequence))
		}
		wait, ok := r.policy.next(ctx, round, answerOf(last).RetryAfter)
		if !ok {
			return nil, unknown
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, stillUnknown(unknown, err)
		}
		stored, err = r.store(ctx, u.value)
		if err == nil {
			return stored, nil
		}
		if !errors.Is(answerOf(err), ErrConflict) && !isInDoubt(err) {
			return nil, stillUnknown(unknown, err)
		}
		last = err
	}
}

// isInDoubt reports whether the outcome of this call is unknown, rather than that of another which its error wraps.
func isInDoubt(err error) bool {
	e, ok := err.(*CallError)
	return ok && e.OutcomeUnknown
}

// answerOf returns the answer that this call failed with, rather than another which its error wraps; without a status if there
// was none.
func answerOf(err error) *APIError {
	if e, isCall := err.(*CallError); isCall {
		if answer, ok := e.Err.(*APIError); ok {
			return answer
		}
	}
	return &APIError{}
}

// stillUnknown returns the error of an update of unknown outcome with what was learned of it since.
func stillUnknown(unknown, since error) error {
	e := *unknown.(*CallError) //nolint:forcetypeassert // every error of a call is one
	e.Err = fmt.Errorf("%w; read again: %w", e.Err, since)
	return &e
}
