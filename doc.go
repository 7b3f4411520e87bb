// Package kodexa is a strict client for the sessions API of the Kodexa Platform. It is unofficial.
//
//	client, err := kodexa.New(kodexa.FromEnv()) // make one client and share it
//	if err != nil {
//		return err
//	}
//	_, err = client.ModifySession(ctx, id, func(s *kodexa.Session) error {
//		s.State = new("CLOSED")
//		return nil
//	})
//	if err != nil {
//		return err // if errors.Is(err, kodexa.ErrOutcomeUnknown), it may be stored all the same
//	}
//
// [Client.ModifySession] reads a session, changes it and stores it, and loses no update of somebody else. [Client.GetSession]
// reads. [Client.UpdateSession] stores a session that you hold. [Client.API] has every operation of the contract.
//
// There is one way for every request:
//
//	Client.UpdateSession, or an operation of Client.API
//	  -> generated client    encodes the request (package gen)
//	  -> request editors     API key, User-Agent, Accept, WithRequestEditor
//	  -> contract            the request stays at the platform and keeps it   else *ContractError
//	  -> retry loop          one attempt or more
//	  -> transport           one RoundTrip, no redirects
//	  <- answer              it is 2xx                                        else *APIError
//	  <- contract            its body, which is bounded, keeps it             else *ContractError
//	  <- generated client    decodes the bytes that were checked
//
// ModifySession goes it twice or more: it reads, calls the change, and stores. After a conflict it begins again. After an
// unknown outcome it reads: what is stored tells whether to store again, or that the update is stored, or leaves it unknown.
// The methods for sessions also compare the ids, before and after this way.
//
// The contract is openapi.yaml, see [Spec]. No step knows an operation by name: each serves all that the contract has.
//
// # Authentication
//
// An API key is created in the platform's UI under Settings > Access Tokens. [WithAPIKey] takes it, or [FromEnv] reads it
// from KODEXA_API_KEY. It is sent as the header x-api-key to the host of [WithBaseURL] and to no other: redirects are not
// followed, a request editor that changes the host is refused, and so is http beyond loopback without [WithPlaintextHTTP].
//
// No error text, log record or formatted value of this package has the API key in it, nor a token or another value of a session.
// To be known with that:
//
//   - The path is shown as it was sent, and with it the session's id.
//   - [APIError.Message] is what the platform said. Hidden in it are the key and, of the body that was sent, tokens and all strings
//     and numbers of 8 bytes or more. What it repeats of a path or a query is not: put no secret there.
//   - The text of an error that your own code returns, such as a request editor, is shown as it is.
//   - The fields Header and Body of the errors are what the platform sent, with nothing hidden.
//   - Over HTTP/1.1 net/http writes to package log, by itself, what a server sends beyond the Content-Length of an answer.
//
// # Errors
//
// [New] reports everything that is wrong with its options. Every failed call of a Client's own methods returns a [*CallError],
// which says which call it was: operation, method, path, request ID, attempts. [errors.Is] and [errors.As] find what failed it:
//
//   - [ErrUnauthorized] (401): the API key is not accepted. Check it and the base URL.
//   - [ErrForbidden] (403): the API key does not permit the operation.
//   - [ErrNotFound] (404): there is no such session.
//   - [ErrConflict] (409, 412): the session was updated since it was read. ModifySession reads and changes it again by itself.
//   - [ErrRateLimited] (429): the attempts are used up, or the wait that was asked for is too long to begin, see Retries. Wait
//     for [APIError.RetryAfter].
//   - [*APIError]: all of the above, and any other status than 2xx. After a 3xx check the base URL.
//   - [*ContractError] with In [InRequest]: the request breaks the contract and was not sent. Violations says where.
//   - [*ContractError] with In [InResponse]: the answer breaks the contract, or it was cut short.
//   - [ErrResponseTooLarge]: the answer is beyond the limit of [WithMaxResponseBytes].
//   - [context.Canceled], [context.DeadlineExceeded]: the context of the call has ended; never the cause that it was given.
//   - Any other error comes from the last attempt, such as a [*net.OpError], from a request editor, from the function given to
//     ModifySession, or from encoding the session. In the text of a transport's error … stands for all from the first
//     quotation mark to the last, since that may be a part of an answer.
//
// Each of them may also be [ErrOutcomeUnknown]: the call failed, but the session may have been updated.
//
//   - It comes with any 5xx but 501, with 303, 408 and 499, with a success that is refused or can't be read, and with an
//     attempt that was written in full but not answered.
//   - It stays once an attempt had it: an [ErrConflict] that follows may be the call's own write.
//   - An error without it means that nothing was applied. Reading never has it.
//   - An error that your editor or change returns may be that of a call of its own. Then [CallError.OutcomeUnknown] is false.
//   - A RoundTripper of your own that reports nothing to httptrace, and fails, may have sent the request: the outcome is unknown.
//     If it sends a request more than once, it has to keep the promise itself: what it reports is taken for one attempt.
//
// Three things can't be known: whether a platform that answers 200 with a session has stored what was sent; whether a session
// without an id is the one that was asked for; and what a [net/http.RoundTripper] of others did that net/http/httptrace was not
// told, if it was told a part, or if it is registered with a [net/http.Transport].
//
// # Validation
//
// Requests are checked before they are sent, and answers before they are decoded: the same bytes. [kin-openapi] decides what the
// contract means. A faster check comes before it, which accepts nothing that kin-openapi refuses.
//
// An answer must have a status that the contract names and the media type that it names for it, and its body must be one
// JSON value in UTF-8 that matches the schema. Among what is refused:
//
//   - a body that is empty, null, cut short or HTML, and one with a byte-order mark or with data after the value
//   - null for a member that is not nullable
//   - a member name that is repeated, or that differs from one of the contract's in case alone
//   - an integer beyond its format, or written as 1.0 or 1e3
//   - a date-time that [time.Time] can't hold, such as 30 February, second 60 or an offset of -99:99
//   - a session whose id is another UUID than the one in the path, sent or answered; through [Client.API] ids are not compared
//
// Members that the contract does not name are fine. Each [Violation] has a JSON pointer to its place. [WithReportOnly] reports
// answers that break the contract, and decodes them as well as it can. [ParseSession] holds JSON from elsewhere against the
// contract.
//
// Where the contract describes the body of an error, that is checked too. It is an [*APIError] all the same, and its Violations
// say where the body breaks the schema. If there are none, json.Unmarshal(err.Body, &problem) reads it into its type of package
// gen.
//
// # Retries
//
// The client sends an idempotent request (GET, PUT, DELETE) again after some failures, up to four times in all by default, see
// [RetryPolicy]. If that does not help, the last column says whether it is known that nothing was applied:
//
//	failure                                              sent again   outcome
//	no connection: name not found, refused, TLS timeout  yes          known
//	connection lost before the request was written       yes          known
//	connection lost after that                           yes          unknown
//	no answer within WithTimeout                         yes          unknown, if the request was written
//	an answer that is not HTTP, or its header too large  yes          unknown
//	a foreign RoundTripper fails and reports no trace    yes          unknown
//	425, 429                                             yes          known
//	408, 502, 503, 504, 520 to 524                       yes          unknown
//	500, other 5xx but 501                               no           unknown
//	303, 499                                             no           unknown
//	421, other 3xx and 4xx, 501                          no           known
//	2xx that breaks the contract or is too large         no           unknown
//	2xx that is cut short or not complete in time        a GET alone  unknown; of a GET known
//	certificate not trusted, no TLS, a bad header        no           known
//	a proxy that answers CONNECT with 403 or 407         no           known
//	the context of the call has ended                    no           unknown, if the request was written
//
// The table holds for HTTP/1.1 and HTTP/2. A POST is sent once. A session that [Client.UpdateSession] sends without its
// changeSequence may be applied twice, once for each attempt that arrives.
//
// The wait before the next attempt is random, up to a bound that doubles, or what Retry-After asks for and up to BaseDelay more. A
// Retry-After beyond MaxDelay, and a wait that would outlive the context, are not begun: the call fails at once.
//
// An attempt that takes longer than [WithTimeout] is a [net.Error] with Timeout() true, and not [context.DeadlineExceeded].
//
// # Members
//
// Reading, changing and storing a session loses nothing. [Session] and the models in it keep members that the contract does
// not name as raw JSON in AdditionalProperties; their methods Get and Set reach them. The free-form members Features and
// Properties of [Organization] are raw JSON too, so a number may have any size. A date-time keeps its instant, to the nanosecond,
// but not its spelling: 05:31:56.100Z is stored as 05:31:56.1Z.
//
// Optional members are pointers: nil is absent. OrganizationID may also be null and is a [nullable.Nullable]:
//
//	session.OrganizationID.SetNull()
//	session.OrganizationID.Set("7f9c")
//	session.OrganizationID.SetUnspecified() // absent
//
// A copy of a model shares its maps and what its pointers point to. Its method Clone returns a copy that shares nothing. A model
// prints as its name alone, gen.Session{…}, since its members may be secrets: print the members that you want.
//
// # Limits
//
// A call has no deadline but that of its context. Bounded by default are
//
//   - each attempt: 30 seconds, [WithTimeout]
//   - the attempts of a request, and the rounds of a ModifySession: 4, [WithRetry]
//   - the body of an answer after decompression: 10 MiB, [WithMaxResponseBytes]; that of an [APIError] 1 MiB at most
//   - the header of an answer: 1 MiB, or the limit of the transport given with [WithHTTPClient]
//   - the nesting of JSON: 10,000 levels
//   - idle connections: 256, each for 90 seconds; see [DefaultTransport]
//
// # Logging
//
// [WithLogger] gets a record of each attempt: operation, method, path, attempt, duration and outcome_unknown, and status, request
// ID and error where there is one.
//
// # Testing
//
// Package [github.com/kodexa-community/kodexa-go/kodexatest] has a server on loopback that keeps the contract, and that can
// be told to break it. The cookbook, docs/cookbook.md in the repository, has recipes as tested code.
//
// [kin-openapi]: https://pkg.go.dev/github.com/getkin/kin-openapi/openapi3
// [nullable.Nullable]: https://pkg.go.dev/github.com/oapi-codegen/nullable#Nullable
package kodexa
