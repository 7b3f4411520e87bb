package kodexa

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"

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
	k, err := c.begin("updateSession", id, editors)
	if err != nil {
		return nil, err
	}
	if change == nil {
		return nil, k.failed(errors.New("change is nil: nothing was sent"))
	}
	return resource[Session]{
		call:  k,
		read:  func(ctx context.Context) (*Session, error) { return c.getSession(ctx, id, editors, true) },
		store: func(ctx context.Context, s Session) (*Session, error) { return c.UpdateSession(ctx, id, s, editors...) },
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

// begin starts a call of one of the client's own methods, and refuses an editor that is nil: generated code would panic.
func (c *Client) begin(operationID string, id uuid.UUID, editors []RequestEditor) (*call, error) {
	c.mustBeMade()
	k := &call{sender: c.sender, operation: c.sender.contract.Operation(operationID), id: id, api: *c.api}
	k.api.Client = k
	k.api.RequestEditors = slices.Clip(k.api.RequestEditors)
	for i, fn := range editors {
		if fn == nil {
			return nil, k.failed(fmt.Errorf("request editor %d is nil", i+1))
		}
		k.api.RequestEditors = append(k.api.RequestEditors, withOwnError(fn))
	}
	return k, nil
}

// generated returns the generated client that sends by k.
func (k *call) generated() *gen.ClientWithResponses {
	return &gen.ClientWithResponses{ClientInterface: &k.api}
}

// getSession is GetSession. A session that has to be whole is refused if report-only would leave a member out of it.
func (c *Client) getSession(ctx context.Context, id uuid.UUID, editors []RequestEditor, isWhole bool) (*Session, error) {
	k, err := c.begin("getSession", id, editors)
	if err != nil {
		return nil, err
	}
	k.isWhole = isWhole
	return k.ownSession(k.generated().GetSessionWithResponse(ctx, id))
}

// wantsOwnID is the reason to refuse a session whose id is not the path's.
const wantsOwnID = "value must be the id in the path"

// ownSession returns the session in an answer. It refuses one about another session than k's, or none.
func (k *call) ownSession(res interface{ GetJSON200() *Session }, err error) (*Session, error) {
	if err != nil {
		k.inDoubt = k.inDoubt || k.Response != nil && k.StatusCode/100 == 2 // what was accepted can't be decoded
		return nil, k.failed(err)
	}
	s, violation := res.GetJSON200(), Violation{"/id", wantsOwnID}
	switch {
	case s == nil: // an editor may have led to an operation that answers with another thing
		violation = Violation{"", "the operation answers with another thing than a session"}
	case !isAnother(k.id, s.ID):
		return s, nil
	}
	k.inDoubt = true
	broken := k.brokenAnswer([]Violation{violation}, nil)
	k.log(broken)
	return nil, k.failed(broken)
}

// isAnother reports whether given is a UUID, with or without dashes, and not id. What is no UUID can't be compared.
func isAnother(id uuid.UUID, given *string) bool {
	// Validate is the stricter of the two: Parse takes whatever stands in the place of braces.
	return given != nil && uuid.Validate(*given) == nil && uuid.MustParse(*given) != id
}

// resource is how a model that has a changeSequence is read and stored.
type resource[T interface{ Clone() T }] struct {
	call  *call                             // of the whole
	read  func(context.Context) (*T, error) // with all members
	store func(context.Context, T) (*T, error)
}

// update is a change that was made to a resource as read, to be stored.
type update[T any] struct {
	value         T
	before, after map[string]any // its members
	sequence      int64          // that was read
}

// modify reads r, changes it and stores it, as [Client.ModifySession] says. From an unknown outcome on, the same update is stored
// until it is settled.
func (r resource[T]) modify(ctx context.Context, change func(*T) error) (*T, error) {
	var u *update[T]
	var unknown *CallError // the first error of storing u that leaves its outcome unknown
	for round := 1; ; round++ {
		if unknown == nil {
			var err error
			if u, err = r.prepare(ctx, change); err != nil {
				return nil, err
			}
			if reflect.DeepEqual(u.before, u.after) {
				return &u.value, nil
			}
		}
		stored, err := r.store(ctx, u.value)
		if err == nil {
			return stored, nil
		}
		lost := err.(*CallError)               //nolint:forcetypeassert // every error of a call is one
		refusal, isAPI := lost.Err.(*APIError) // rather than another's, which an editor's error may wrap
		if !isAPI {
			refusal = &APIError{}
		}
		if !lost.OutcomeUnknown && !errors.Is(refusal, ErrConflict) {
			return nil, stillUnknown(unknown, lost)
		}
		if lost.OutcomeUnknown && unknown == nil {
			unknown = lost
		}
		if unknown != nil {
			var isOpen bool
			if stored, isOpen, err = r.settle(ctx, u); !isOpen {
				return stored, stillUnknown(unknown, err)
			}
		}
		wait, ok := r.call.retry.next(ctx, round, refusal.RetryAfter)
		if !ok || round >= r.call.retry.MaxAttempts {
			return nil, stillUnknown(unknown, err)
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, stillUnknown(unknown, r.call.failed(err))
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
		return nil, r.call.failed(err)
	}
	for _, name := range []string{"id", "uuid", "changeSequence"} { // which resource it is, and which version of it
		if !reflect.DeepEqual(u.before[name], u.after[name]) {
			return nil, r.call.failed(r.call.brokenRequest("/"+name, "a change must leave the value as it was read"))
		}
	}
	return u, nil
}

// settle reads r to learn what became of an update whose outcome is unknown. If changeSequence is still the one that was sent, the
// update was not applied and may be sent again: isOpen is true, and err says so.
func (r resource[T]) settle(ctx context.Context, u *update[T]) (stored *T, isOpen bool, err error) {
	stored, err = r.read(ctx)
	if err != nil {
		return nil, false, err
	}
	now, sequence, err := membersOf(*stored)
	switch {
	case err != nil:
		return nil, false, err
	case sequence > u.sequence && isKept(u.before, u.after, now):
		return stored, false, nil
	case sequence != u.sequence:
		const text = "changeSequence was %d and is %d, which does not show whether the update is in it"
		return nil, false, fmt.Errorf(text, u.sequence, sequence)
	}
	return nil, true, fmt.Errorf("changeSequence is still %d, but the update may yet arrive", sequence)
}

// stillUnknown returns an error that came since the outcome of an update is unknown, if it is, with that.
func stillUnknown(unknown *CallError, since error) error {
	if unknown == nil || since == nil {
		return since
	}
	e := *unknown
	e.Err = fmt.Errorf("%w; then: %w", e.Err, since)
	return &e
}
