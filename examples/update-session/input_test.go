package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	kodexa "github.com/kodexa-community/kodexa-go"
)

func TestSetTakesJSONAsJSONAndAllElseAsAString(t *testing.T) {
	t.Parallel()
	const session = `{"organization":{"features":{"beta":false,"big":9007199254740993}},"state":"OPEN"}`
	for name, tc := range map[string]struct {
		sets []string
		want string
	}{
		"a word":          {[]string{"state=CLOSED"}, `{"organization":{"features":{"beta":false,"big":9007199254740993}},"state":"CLOSED"}`},
		"nothing":         {[]string{"state="}, `{"organization":{"features":{"beta":false,"big":9007199254740993}},"state":""}`},
		"a quoted string": {[]string{`state="7"`}, `{"organization":{"features":{"beta":false,"big":9007199254740993}},"state":"7"}`},
		"what is no JSON": {[]string{`state={"a`}, `{"organization":{"features":{"beta":false,"big":9007199254740993}},"state":"{\"a"}`},
		"a further =":     {[]string{`state=a=b`}, `{"organization":{"features":{"beta":false,"big":9007199254740993}},"state":"a=b"}`},
		"a boolean":       {[]string{"organization.features.beta=true"}, `{"organization":{"features":{"beta":true,"big":9007199254740993}},"state":"OPEN"}`},
		"a large number":  {[]string{"organization.features.beta=9007199254740995"}, `{"organization":{"features":{"beta":9007199254740995,"big":9007199254740993}},"state":"OPEN"}`},
		"an object":       {[]string{`organization={"name":"Acme"}`}, `{"organization":{"name":"Acme"},"state":"OPEN"}`},
		"null":            {[]string{"organizationId=null", "organization={}"}, `{"organization":{},"organizationId":null,"state":"OPEN"}`},
		"an object not there": {
			[]string{"organization={}", "organization.memory.orderedDashboards=[]"},
			`{"organization":{"memory":{"orderedDashboards":[]}},"state":"OPEN"}`,
		},
		"the later one":    {[]string{"organization={}", "state=A", "state=B"}, `{"organization":{},"state":"B"}`},
		"an unnamed one":   {[]string{"organization={}", "note.by=Ann"}, `{"organization":{},"state":"OPEN","note":{"by":"Ann"}}`},
		"one in an unset":  {[]string{"organization={}", "a.b.c.d=1"}, `{"organization":{},"state":"OPEN","a":{"b":{"c":{"d":1}}}}`},
		"a name with dash": {[]string{"organization={}", "x-y=1"}, `{"organization":{},"state":"OPEN","x-y":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := kodexa.ParseSession([]byte(session))
			if err != nil {
				t.Fatal(err)
			}
			edits, err := parseEdits(tc.sets)
			if err == nil {
				err = edits.apply(s)
			}
			got, errJSON := json.Marshal(s)
			if err != nil || errJSON != nil || string(got) != tc.want {
				t.Errorf("got %s, %v, %v\nwant %s", got, err, errJSON, tc.want)
			}
		})
	}
}

func TestInputErrorsNameLineAndColumn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"the first member":         {`{"state":7}`, "line 1, column 2: /state: "},
		"a later line":             {"{\n\t\"token\": \"a\",\n\t\"state\" : 7\n}", "line 3, column 2: /state: "},
		"CR LF":                    {"{\r\n\"state\": 7}", "line 2, column 1: /state: "},
		"letters of several bytes": {`{"token":"äöü€𝄞","state":7}`, "line 1, column 18: /state: "},
		"a name with an escape":    {`{"\u0073tate":7}`, "line 1, column 2: /state: "},
		"a name with a slash":      {`{"state":"a","organization":{"a/b":1,"slug":7}}`, "line 1, column 38: /organization/slug: "},
		"an element":               {`{"organization":{"memory":{"orderedDashboards":["a", 7]}}}`, "line 1, column 54: /organization/memory/orderedDashboards/1: "},
		"the same name elsewhere":  {`{"organization":{"state":1},"state":7}`, "line 1, column 29: /state: "},
		"a repeated member":        {"{\"state\":\"a\",\n \"state\":\"b\"}", "line 2, column 2: /state: the member name is repeated"},
		"not JSON":                 {"{\n\"state\": nope}", "line 2, column 11: "},
		"broken UTF-8":             {"{\n\"state\": \"\xff\"}", "line 2, column 11: "},
		"a byte-order mark":        {"\ufeff{}", "line 1, column 1: "},
		"cut short":                {"{\"state\":\n\"a\",\n", "line 3, column 1: the JSON text is cut short"},
		"cut short in a string":    {"{\n\"state\": \"ab", "line 2, column 13: the JSON text is cut short"},
		"trailing data":            {"{\"state\":\"a\"}\n\n x", "line 3, column 2: there is more after the value"},
		"two documents":            {"{\"state\":7}\n{\"state\":7}", "line 2, column 1: there is more after the value"},
		"empty":                    {"", "line 1, column 1: the body is empty"},
		"null":                     {"null", "line 1, column 1: "},
		"white space before":       {"\n  [1]", "line 2, column 3: "},
		"an envelope":              {"\n{\"session\": {}}", "line 2, column 1: none of the members"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kodexa.ParseSession([]byte(tc.text))
			d := document{"session.json", []byte(tc.text)}
			if got := d.explain(err); !strings.HasPrefix(got.Error(), "session.json, "+tc.want) {
				t.Errorf("got %v, want %s", got, tc.want)
			}
		})
	}
}

func TestSetInsideWhatIsNoObjectIsRefused(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"state.name=canary", "organizationId.name=canary", "organization.hasImage.name=canary", "note.0=canary"} {
		s, err := kodexa.ParseSession([]byte(`{"state":"OPEN","organizationId":null,"organization":{"hasImage":true},"note":["canary"]}`))
		if err != nil {
			t.Fatal(err)
		}
		edits, err := parseEdits([]string{set})
		if err == nil {
			err = edits.apply(s)
		}
		name, _, _ := strings.Cut(set, "=")
		if _, ok := errors.AsType[*inputError](err); !ok || !strings.HasPrefix(err.Error(), "-set "+name+": ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", set, err)
		}
	}
}
