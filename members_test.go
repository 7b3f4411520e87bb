package kodexa_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kodexa-community/kodexa-go"
)

// TestValuesAreComparedAsTheyAreDecoded has an update be lost and another version be read after it: the update counts as
// applied if that version has what change gave.
func TestValuesAreComparedAsTheyAreDecoded(t *testing.T) {
	t.Parallel()
	set := func(value string) func(*kodexa.Session) {
		return func(s *kodexa.Session) { s.Set("x", json.RawMessage(value)) }
	}
	many := func(number string) string { return "[" + strings.Repeat(number+",", 2000) + "1" }
	long := strings.Repeat("7", 100_000)
	remove := func(s *kodexa.Session) { delete(s.AdditionalProperties, "x") }
	at := func(nanoseconds int) func(*kodexa.Session) {
		return func(s *kodexa.Session) { s.UpdatedOn = new(time.Date(2024, 3, 15, 10, 20, 30, nanoseconds, time.UTC)) }
	}
	for name, test := range map[string]struct {
		before string // members that are read first
		change func(*kodexa.Session)
		same   []string // members of which each list has what was changed
		others []string // and those that have not
	}{
		"beside a deep value": {
			`"deep": ` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), set(`1`),
			[]string{`"x": 1`, `"x": 1, "deep": ` + strings.Repeat(`{"a":`, 5000) + "2" + strings.Repeat("}", 5000)},
			[]string{`"x": 2`},
		},
		"string": {
			``, set(`"é/"`),
			[]string{`"x": "é/"`, `"x": "\u00e9\/"`, `"x": "é/", "state": "ARCHIVED", "y": 1`},
			[]string{``, `"x": "É/"`, `"x": ""`, `"x": null`, `"x": ["é/"]`, `"X": "é/"`},
		},
		"string of digits": {``, set(`"1.0"`), []string{`"x": "1.0"`}, []string{`"x": "1.00"`, `"x": 1.0`, `"x": "1"`}},
		"empty string":     {`"x": "a"`, set(`""`), []string{`"x": ""`}, []string{``, `"x": "a"`, `"x": null`, `"x": 0`, `"x": false`, `"x": []`, `"x": {}`}},
		"boolean":          {`"x": false`, set(`true`), []string{`"x": true`}, []string{``, `"x": false`, `"x": "true"`, `"x": 1`}},
		"null":             {`"x": 1`, set(`null`), []string{`"x": null`}, []string{``, `"x": 1`, `"x": "null"`, `"x": {}`}},
		"removed":          {`"x": 1`, remove, []string{``, `"y": 1`}, []string{`"x": 1`, `"x": null`, `"x": ""`, `"x": {}`, `"x": 2`}},
		"null of a member that the contract names": {
			`"organizationId": "a"`, func(s *kodexa.Session) { s.OrganizationID.SetNull() },
			[]string{`"organizationId": null`},
			[]string{``, `"organizationId": "a"`, `"organizationId": ""`},
		},
		"removed of a member that the contract names": {
			`"organizationId": "a"`, func(s *kodexa.Session) { s.OrganizationID.SetUnspecified() },
			[]string{``},
			[]string{`"organizationId": null`, `"organizationId": "a"`},
		},

		"time": {
			``, at(0),
			[]string{
				`"updatedOn": "2024-03-15T10:20:30Z"`, `"updatedOn": "2024-03-15T10:20:30.000Z"`, `"updatedOn": "2024-03-15T11:50:30+01:30"`,
			},
			[]string{``, `"updatedOn": "2024-03-15T10:20:30+01:00"`, `"updatedOn": "2024-03-15T10:20:30.000000001Z"`},
		},
		"time with a fraction": {
			``, at(100_000_000),
			[]string{`"updatedOn": "2024-03-15T10:20:30.1Z"`, `"updatedOn": "2024-03-15T10:20:30.100Z"`},
			[]string{`"updatedOn": "2024-03-15T10:20:30Z"`, `"updatedOn": "2024-03-15T10:20:31Z"`},
		},

		"number":           {``, set(`1.50`), []string{`"x": 1.50`, `"x": 1.5`, `"x": 15e-1`}, []string{`"x": 1.05`, `"x": -1.5`, `"x": "1.5"`, `"x": null`}},
		"integer":          {``, set(`100`), []string{`"x": 100`, `"x": 100.0`, `"x": 1E+2`}, []string{`"x": 10`, `"x": 1000`, `"x": "100"`}},
		"zero":             {``, set(`0`), []string{`"x": 0`, `"x": 0.00`, `"x": 0e5`, `"x": -0`}, []string{``, `"x": 1e-400`, `"x": ""`, `"x": false`, `"x": null`}},
		"smallest numbers": {``, set(`1e-400`), []string{`"x": 1e-400`}, []string{`"x": 0`, `"x": 1e-401`, `"x": 1e-999999999`}},
		"number beyond a float64": {
			``, set(`12345678901234567890`),
			[]string{`"x": 12345678901234567890`, `"x": 1.2345678901234567890e19`, `"x": 12345678901234567890.0`},
			[]string{`"x": 12345678901234567891`, `"x": 12345678901234567889`, `"x": 1.2345678901234567e19`},
		},
		"number beyond the exponent of a float64": {
			``, set(`1e400`), []string{`"x": 1e400`, `"x": 10E+399`}, []string{`"x": 1e401`, `"x": -1e400`, `"x": null`, ``},
		},
		"number with an exponent that takes all memory": {
			``, set(`1e999999999`),
			[]string{`"x": 1e999999999`},
			[]string{`"x": 1e999999998`, `"x": 0`, `"x": 1`},
		},
		"numbers with exponents or digits that take minutes": {
			``, set(many("1e999999") + "," + long + "0]"),
			[]string{`"x":` + many("10e999998") + "," + long + `0.0]`},
			[]string{`"x":` + many("10e999997") + "," + long + `0.0]`, `"x":` + many("10e999998") + "," + long + `0.1]`},
		},
		"zero with an exponent": {
			``, set(`0.00e7`),
			[]string{`"x": 0`, `"x": -0`, `"x": 0E-3`},
			[]string{`"x": 0.001`, `"x": 1`, `"x": "0"`, `"x": null`, `"x": false`, ``},
		},
		"signs": {
			``, set(`-0.010`),
			[]string{`"x": -1e-2`, `"x": -0.1E-01`, `"x": -100E-4`},
			[]string{`"x": 1e-2`, `"x": -1e2`, `"x": -1e-3`, `"x": -11e-3`, `"x": "-1e-2"`},
		},

		"array": {
			`"x": [1, 2]`, set(`[1, {"a": 1, "b": 2}]`),
			[]string{`"x": [1, {"a": 1, "b": 2}]`, `"x": [ 1.0,{"b": 2, "a": 1} ]`},
			[]string{
				``, `"x": [1]`, `"x": [{"a": 1, "b": 2}, 1]`, `"x": [1, {"a": 1, "b": 2}, 3]`, `"x": [1, {"a": 1, "b": 2, "c": 3}]`, `"x": [1, 2]`, `"x": []`,
				`"x": [1, {"a": 1, "b": 3}]`, `"x": [1, {"a": 1, "c": 2}]`, `"x": [1, [1, 2]]`,
			},
		},
		"array of empty values": {
			``, set(`[{}, [], "", null]`), []string{`"x": [{}, [], "", null]`},
			[]string{`"x": [[], [], "", null]`, `"x": [{}, {}, "", null]`, `"x": [{}, [], null, null]`, `"x": [{}, [], "", ""]`, `"x": [1, [], "", null]`},
		},
		"a member beside an object": {
			`"x": {"a": {"b": 1}}, "y": [1]`, func(s *kodexa.Session) { s.State = new("CLOSED") },
			[]string{`"state": "CLOSED"`, `"state": "CLOSED", "x": 5, "y": {}`, `"state": "CLOSED", "x": {"a": null}`},
			[]string{`"x": {"a": {"b": 1}}, "y": [1]`},
		},
		"empty array": {`"x": [1]`, set(`[]`), []string{`"x": []`}, []string{``, `"x": [1]`, `"x": {}`, `"x": null`}},

		"object": {
			``, set(`{"a": 1, "b": {"c": "d"}}`),
			[]string{`"x": {"a": 1, "b": {"c": "d"}}`, `"x": {"b": {"e": 2, "c": "d"}, "added": 1, "a": 1}`},
			[]string{``, `"x": {"a": 1}`, `"x": {"a": 1, "b": {}}`, `"x": {"a": 1, "b": {"c": "D"}}`, `"x": {"a": 1, "b": "d"}`},
		},
		"one member of an object": {
			`"x": {"a": 1, "b": 2, "c": 3}`, set(`{"a": 1, "b": 3, "c": 3}`),
			[]string{`"x": {"a": 1, "b": 3, "c": 3}`, `"x": {"a": 5, "b": 3}`},
			[]string{``, `"x": {"a": 1, "b": 2, "c": 3}`, `"x": {"a": 1, "c": 3}`},
		},
		"an object that was emptied": {
			`"x": {"a": 1}`, set(`{}`), []string{`"x": {}`, `"x": {"b": 2}`},
			[]string{``, `"x": null`, `"x": []`, `"x": "a"`, `"x": {"a": 1}`},
		},
		"a member that an object lost": {
			`"x": {"a": 1, "b": 2}`, set(`{"a": 1}`),
			[]string{`"x": {"a": 1}`, `"x": {}`},
			[]string{`"x": {"a": 1, "b": 2}`, `"x": {"a": 1, "b": null}`, `"x": {"b": {}}`},
		},
		"empty object":       {`"x": {"a": 1}`, set(`{}`), []string{`"x": {}`, `"x": {"b": 1}`}, []string{`"x": {"a": 1}`}},
		"empty object added": {``, set(`{}`), []string{`"x": {}`, `"x": {"b": 1}`}, []string{``, `"x": []`, `"x": null`, `"x": "{}"`}},
		"removed object": {
			`"x": {"a": {"b": 1}}`, remove,
			[]string{``},
			[]string{`"x": {"a": {"b": 1}}`, `"x": {"a": {}}`, `"x": {}`, `"x": null`},
		},
		"object in place of a value": {`"x": 1`, set(`{"a": 1}`), []string{`"x": {"a": 1}`}, []string{`"x": 1`, `"x": {}`}},
		"value in place of an object": {
			`"x": {"a": 1}`, set(`1`), []string{`"x": 1`}, []string{`"x": {"a": 1}`, `"x": {}`, ``},
		},
		"names that pointers escape": {
			``, set(`{"a/b": 1, "~1": 2, "": 3}`),
			[]string{`"x": {"": 3, "a/b": 1, "~1": 2}`},
			[]string{`"x": {"": 3, "a": {"b": 1}, "~1": 2}`, `"x": {"": 3, "a/b": 1, "/": 2}`, `"x": {"a/b": 1, "~1": 2}`},
		},
		"models within the session": {
			`"organization": {"name": "Acme", "slug": "acme"}`, func(s *kodexa.Session) { s.Organization.Name = new("Acme Corp") },
			[]string{`"organization": {"name": "Acme Corp"}`, `"organization": {"name": "Acme Corp", "slug": "acme-corp", "y": 1}`},
			[]string{``, `"name": "Acme Corp"`, `"organization": {"name": "Acme"}`, `"organization": {}`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, after := range test.same {
				if err := readAfterALostUpdate(t, test.before, test.change, after); err != nil {
					t.Errorf("{%s} has not what was changed: %v", after, err)
				}
			}
			for _, after := range test.others {
				err := readAfterALostUpdate(t, test.before, test.change, after)
				if err == nil {
					t.Errorf("{%s} has what was changed", after)
					continue
				}
				wantCallError(t, err, "updateSession", true)
			}
		})
	}
}

// readAfterALostUpdate modifies a session of which the platform has other members when it is read again.
func readAfterALostUpdate(t *testing.T, before string, change func(*kodexa.Session), after string) error {
	t.Helper()
	session := func(sequence, members string) platformReply {
		if members != "" {
			members = ", " + members
		}
		return answerJSON(`{"changeSequence": ` + sequence + members + `}`)
	}
	p := newLockingPlatform()
	p.onGet(session("7", before), session("8", after))
	p.onPut(answerStatus(http.StatusInternalServerError))
	_, err := p.direct(t).ModifySession(t.Context(), acmeID, func(s *kodexa.Session) error {
		change(s)
		return nil
	})
	p.wantRequests(t, 2, 1)
	return err
}
