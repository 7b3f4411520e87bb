package contract

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestTextFormats(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ reason, accepted, refused string }{
		"uuid": {
			reason: "value must be a UUID with dashes",
			accepted: `550e8400-e29b-41d4-a716-446655440000 550E8400-E29B-41D4-A716-446655440000 00000000-0000-0000-0000-000000000000
				ffffffff-ffff-ffff-ffff-ffffffffffff 01890a5d-ac96-774b-bcce-b302099a8057`,
			refused: `550e8400e29b41d4a716446655440000 {550e8400-e29b-41d4-a716-446655440000} urn:uuid:550e8400-e29b-41d4-a716-446655440000
				550e8400-e29b-41d4-a716-44665544000 550e8400-e29b-41d4-a716-4466554400000 550e8400-e29b-41d4-a716-44665544000g
				550e8400_e29b_41d4_a716_446655440000 550e84-00e29b-41d4-a716-446655440000 {550e8400e29b41d4a716446655440000xx} canary`,
		},
		"date": {
			reason:   "value must be a date, such as 2023-11-07",
			accepted: `2023-11-07 2024-02-29 2000-02-29 0001-01-01 9999-12-31`,
			refused: `2023-02-29 1900-02-29 2024-02-30 2024-13-01 2024-00-01 2024-01-00 24-01-01 2024-1-1 20240101 01.01.2024
				2024-01-01T00:00:00Z 12024-01-01 -2024-01-01 canary`,
		},
		"byte": {
			reason:   "value must be base64",
			accepted: `Zg== Zm8= Zm9v Zm9vYg== +/+/ AAAA`,
			refused:  `Zg Zg= Zg=== Zh== Zm9 Z Zm9v= -_-_ Zm9v! =Zm9v Zm=v canary!`,
		},
		"date-time": {
			reason:   "value must be a date-time, such as 2023-11-07T05:31:56Z",
			accepted: `2023-11-07T05:31:56Z 2023-11-07T05:31:56.123456789-23:59 2024-02-29T00:00:00+00:00 0000-01-01T00:00:00Z`,
			refused: `2024-02-30T10:20:30Z 2016-12-31T23:59:60Z 2024-03-15T10:20:30-99:99 2024-03-15T10:20:30 2024-03-15t10:20:30z 2024-03-15T1:20:30Z
				2024-03-15T10:20:30,5Z 2024-03-15T10:20:30+24:00 2024-03-15T10:20:30+00:60 2024-03-15T24:00:00Z 2024-03-15T10:20:30+0100 2024-03-15T10:20:30.Z`,
		},
		"email": {
			reason:   "value must be an email address",
			accepted: `a@b.example a+b@c ü@ü`,
			refused:  `a @b a@ a@b@c a@<b> not-an-email`,
		},
	}
	for format, tt := range tests {
		o := exchanging(t, "{type: string, format: "+format+"}", "")
		for text := range strings.FieldsSeq(tt.accepted) {
			if got := violations(t, o, fmt.Sprintf("%q", text)); got != nil {
				t.Errorf("%s: %s: got %+v", format, text, got)
			}
		}
		want := []Violation{{"", fmt.Sprintf("string doesn't match the format %q (%s)", format, tt.reason)}}
		for _, text := range append(strings.Fields(tt.refused), " ", "Zg==\n") {
			if got := violations(t, o, fmt.Sprintf("%q", text)); !slices.Equal(got, want) {
				t.Errorf("%s: %q: got %+v, want %+v", format, text, got, want)
			}
		}
	}
}

func TestNumberFormats(t *testing.T) {
	t.Parallel()
	for format, bounds := range map[string][2]string{
		"":      {"-9223372036854775808", "9223372036854775807"},
		"other": {"-9223372036854775808", "9223372036854775807"},
		"int8":  {"-128", "127"}, "int16": {"-32768", "32767"}, "int32": {"-2147483648", "2147483647"}, "int64": {"-9223372036854775808", "9223372036854775807"},
		"uint8": {"0", "255"}, "uint16": {"0", "65535"}, "uint32": {"0", "4294967295"}, "uint64": {"0", "18446744073709551615"},
	} {
		o := exchanging(t, "{type: integer, format: '"+format+"'}", "")
		for i, bound := range bounds {
			if got := violations(t, o, bound); got != nil {
				t.Errorf("%s: %s: got %v", format, bound, got)
			}
			beyond, _ := new(big.Int).SetString(bound, 10)
			beyond.Add(beyond, big.NewInt(int64(2*i-1)))
			for _, literal := range []string{beyond.String(), "1.0", "1e0", `"1"`, "null"} {
				if got := violations(t, o, literal); len(got) != 1 {
					t.Errorf("%s: %s: got %v", format, literal, got)
				}
			}
		}
	}
	for format, literals := range map[string][2]string{"": {"1e308", "1e309"}, "double": {"-1e308", "1e309"}, "float": {"3.4e38", "1e39"}, "int8": {"300.5", "1e309"}} {
		o := exchanging(t, "{type: number, format: '"+format+"'}", "")
		if good, bad := violations(t, o, literals[0]), violations(t, o, literals[1]); good != nil || len(bad) != 1 {
			t.Errorf("%s: got %v and %v", format, good, bad)
		}
	}
}

// TestFormatsAreOursAlone changes the formats of the process, so it runs alone.
func TestFormatsAreOursAlone(t *testing.T) { //nolint:paralleltest // it changes what the process shares
	no := func() error { return errors.New("canary") }
	names := []string{"uuid", "date-time", "email", "password", "int32", "int64", "uint8", "uint64", "float", "double", "binary", "other"}
	for _, name := range names {
		text, whole, number := openapi3.SchemaStringFormats[name], openapi3.SchemaIntegerFormats[name], openapi3.SchemaNumberFormats[name]
		openapi3.DefineStringFormatValidator(name, openapi3.NewCallbackValidator(func(string) error { return no() }))
		openapi3.DefineIntegerFormatValidator(name, openapi3.NewCallbackValidator(func(int64) error { return no() }))
		openapi3.DefineNumberFormatValidator(name, openapi3.NewCallbackValidator(func(float64) error { return no() }))
		t.Cleanup(func() {
			restore(openapi3.SchemaStringFormats, name, text)
			restore(openapi3.SchemaIntegerFormats, name, whole)
			restore(openapi3.SchemaNumberFormats, name, number)
		})
	}
	good := map[string]string{"uuid": `"550e8400-e29b-41d4-a716-446655440000"`, "date-time": `"2023-11-07T05:31:56Z"`, "email": `"a@b"`}
	for _, name := range names {
		for kind, literal := range map[string]string{"string": `"x"`, "integer": "1", "number": "1", "": "1"} {
			if text, ok := good[name]; ok && kind == "string" {
				literal = text
			}
			// With minProperties, kin-openapi is asked too.
			schema := fmt.Sprintf("{type: object, minProperties: 1, properties: {a: {type: %s, format: %s}}}", kind, name)
			if kind == "" {
				schema = fmt.Sprintf("{type: object, minProperties: 1, properties: {a: {format: %s}}}", name)
			}
			if got := violations(t, exchanging(t, schema, ""), `{"a":`+literal+`}`); got != nil {
				t.Errorf("%s %s: %s: got %v", kind, name, literal, got)
			}
		}
	}
	if got := violations(t, exchanging(t, "{type: string, format: uuid}", ""), `"x"`); len(got) != 1 || strings.Contains(got[0].Reason, "canary") {
		t.Errorf("got %v", got)
	}
}

func restore[V any](formats map[string]openapi3.FormatValidator[V], name string, format openapi3.FormatValidator[V]) {
	if delete(formats, name); format != nil {
		formats[name] = format
	}
}

// FuzzDateTime compares with kin-openapi's own format and with what a time becomes when it is written again.
func FuzzDateTime(f *testing.F) {
	for _, text := range []string{"2023-11-07T05:31:56Z", "2023-11-07T05:31:56.1+23:59", "2023-11-07T5:31:56Z", "0000-01-01T00:00:00,1Z", "2016-12-31T23:59:60Z", "2023-11-07T05:31:56+24:00"} {
		f.Add(text)
	}
	kin := openapi3.SchemaStringFormats["date-time"]
	f.Fuzz(func(t *testing.T, text string) {
		if !isDateTime([]byte(text)) {
			return
		}
		moment, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := moment.MarshalText()
		if err != nil || !isDateTime(again) || kin.Validate(text) != nil {
			t.Errorf("%q: %s, %v, %v", text, again, err, kin.Validate(text))
		}
	})
}
