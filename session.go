package kodexa

import (
	"bytes"
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

// The contract's schemas; package gen has their fields and methods, see [gen.Session]. Each keeps the members that the contract
// does not name in AdditionalProperties, see the methods Get and Set. Optional members are pointers, so that absent and zero
// differ; a nullable one has three states. Clone a model before you change a copy of it: a copy by value shares its maps and
// what its pointers point to.
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

// ModifySession reads the session with this id, calls change to change it, and stores it. The changeSequence that was read goes
// along, so that no update of somebody else is lost. It returns the session as the platform stored it.
//
// change may run several times, each time on a session that was just read. It must not keep the session, nor do anything that
// must not happen twice. If it changes nothing, nothing is sent, and the session is returned as it was read. After a conflict
// with another update the session is read and changed again, with the waits of [WithRetry]. After an unknown outcome the
// session is read to learn what became of the update. If it was not applied, it is sent again. If each member that change
// changed has the value that change gave it, the call succeeds. There are at most MaxAttempts rounds, and at most MaxAttempts
// attempts of each request in them: bound the whole by ctx.
//
// Every error is a [*CallError], and says what it leaves:
//   - the error of change: nothing was sent in that round, and nothing is stored
//   - [ErrConflict]: other updates came first, MaxAttempts times or until there was no time left to wait; nothing is stored
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
		namedCall: m,
		read:      func(ctx context.Context) (*Session, error) { return c.getSession(ctx, id, editors, true) },
		store:     func(ctx context.Context, s Session) (*Session, error) { return c.UpdateSession(ctx, id, s, editors...) },
	}.modify(ctx, change)
}

// ParseSession reads a session from JSON, such as a file or a message of a queue, and holds it against the contract. Its error
// wraps a [*ContractError] with In [InDocument], which names each place; it is no [*CallError]. It refuses also what
// json.Unmarshal lets pass: null, a null member that may not be null, a member spelled in another case, and an envelope, which
// is an object with members of which none is the contract's.
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

// namedCall is a call of one of the client's own methods. It knows operation and session before there is a request.
type namedCall struct {
	operation *contract.Operation
	id        uuid.UUID
	policy    RetryPolicy
	editors   []RequestEditor
}

// begin starts a call, and refuses what generated code would panic on.
func (c *Client) begin(id uuid.UUID, operationID string, editors []RequestEditor) (namedCall, error) {
	c.mustBeMade()
	m := namedCall{operation: c.caller.contract.Operation(operationID), id: id, policy: c.caller.retry}
	for i, fn := range editors {
		if fn == nil {
			return m, m.failed(fmt.Errorf("request editor %d is nil", i+1))
		}
		m.editors = append(m.editors, withOwnError(fn))
	}
	return m, nil
}

// failed gives err its place.
func (m namedCall) failed(err error) *CallError {
	path := strings.Replace(m.operation.Path, "{id}", m.id.String(), 1)
	return &CallError{Operation: m.operation.ID, Method: m.operation.Method, Path: path, Err: err}
}

// withPlace gives an error of the generated client its place, unless it has one.
func (m namedCall) withPlace(err error) error {
	if e, ok := err.(*CallError); ok {
		return e
	}
	return m.failed(err)
}

// getSession is GetSession. A session that has to be whole is refused if report-only left a member out of it.
func (c *Client) getSession(ctx context.Context, id uuid.UUID, editors []RequestEditor, isWhole bool) (*Session, error) {
	m, err := c.begin(id, "getSession", editors)
	if err != nil {
		return nil, err
	}
	res, err := c.api.GetSessionWithResponse(ctx, id, m.editors...)
	if err != nil {
		return nil, m.withPlace(err)
	}
	if k := callOf(res.HTTPResponse); isWhole && k.leftOut {
		return nil, k.reported
	}
	return ownSession(id, res.HTTPResponse, res.Body, res.JSON200)
}

// callOf returns the call that was answered.
func callOf(res *http.Response) *call {
	return res.Body.(checkedBody).call //nolint:forcetypeassert // caller.Do returns no other
}

// otherSession is what a session breaks the contract with that has another id than the path.
func otherSession() []Violation { return []Violation{{"/id", "value must be the id in the path"}} }

// ownSession refuses an answer about another session than id, or none.
func ownSession(id uuid.UUID, res *http.Response, body []byte, s *Session) (*Session, error) {
	// An editor may have led to an operation that answers with another thing.
	violations := []Violation{{"", "the operation answers with another thing than a session"}}
	if s != nil {
		violations = otherSession()
	}
	if s == nil || isAnother(id, s.ID) {
		k, a := callOf(res), &answer{Response: res, body: body}
		k.inDoubt = true
		broken := k.brokenAnswer(a, violations, nil)
		k.log(a, broken)
		return nil, k.failed(broken)
	}
	return s, nil
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
	namedCall

	read  func(context.Context) (*T, error) // with all members
	store func(context.Context, T) (*T, error)
}

// update is a change that was made to a resource as read, to be stored.
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
		refusal := apiErrorOf(err)
		if !errors.Is(refusal, ErrConflict) || round >= r.policy.MaxAttempts {
			return nil, err
		}
		wait, ok := r.policy.next(ctx, round, refusal.RetryAfter)
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
	value, err := r.read(ctx)
	if err != nil {
		return nil, err
	}
	u := &update[T]{}
	if u.before, u.sequence, err = membersOf(*value); err == nil {
		err = change(value)
	}
	if err == nil {
		u.value = (*value).Clone() // change may have kept value
		u.after, _, err = membersOf(u.value)
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
		stored, err := r.read(ctx)
		if err != nil {
			return nil, stillUnknown(unknown, err)
		}
		now, sequence, err := membersOf(*stored)
		switch {
		case err != nil:
			return nil, stillUnknown(unknown, err)
		case sequence > u.sequence && isKept(u.before, u.after, now):
			return stored, nil
		case sequence != u.sequence:
			const text = "changeSequence was %d and is %d, which does not show whether the update is in it"
			return nil, stillUnknown(unknown, fmt.Errorf(text, u.sequence, sequence))
		case round >= r.policy.MaxAttempts:
			return nil, stillUnknown(unknown, fmt.Errorf("changeSequence is still %d, but the update may yet arrive", sequence))
		}
		wait, ok := r.policy.next(ctx, round, apiErrorOf(last).RetryAfter)
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
		if !errors.Is(apiErrorOf(err), ErrConflict) && !isInDoubt(err) {
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

// apiErrorOf returns the answer that this call failed with, rather than another which its error wraps. It has no status if there
// was none.
func apiErrorOf(err error) *APIError {
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
