package contract

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"
)

// format is what values have to be like besides their type. The zero format is any.
type format struct {
	reason string
	holds  func(literal []byte) bool // of a string what it says
}

func (f format) has(literal []byte) bool { return f.holds == nil || f.holds(literal) }

// formats are those that mean something, by type: what the Go types take, or narrower.
var formats = map[string]map[string]format{
	openapi3.TypeString: {
		"byte":      {"value must be base64", isBase64},
		"date":      {"value must be a date, such as 2023-11-07", isDate},
		"date-time": {"value must be a date-time, such as 2023-11-07T05:31:56Z", isDateTime},
		"email":     {"value must be an email address", email.Match},
		"uuid":      {"value must be a UUID with dashes", isUUID},
		"binary":    {}, // by which openapi3filter knows files
	},
	openapi3.TypeInteger: {
		"": integer(64), "int": integer(strconv.IntSize), "int8": integer(8), "int16": integer(16), "int32": integer(32), "int64": integer(64),
		ours + "uint": unsigned(strconv.IntSize), ours + "uint8": unsigned(8), ours + "uint16": unsigned(16),
		ours + "uint32": unsigned(32), ours + "uint64": unsigned(64),
	},
	openapi3.TypeNumber: {"": float(64), ours + "float": float(32)},
}

// ours is the prefix of the names that formats get which kin-openapi has no check for.
const ours = "kodexa-go: "

// prepareFormat sees to it that kin-openapi finds none of the checks that the process has defined for a format: what is not
// for [formatOptions] gets a name that only [formats] has, or none.
func prepareFormat(s *openapi3.Schema) {
	name := s.Format
	for _, s.Format = range []string{name, ours + name, ""} {
		if _, isKnown := formats[typeOf(s)][s.Format]; isKnown {
			return
		}
	}
}

// formatOptions have kin-openapi check formats. The values stay out of the errors, where some of its own put them.
func formatOptions() []openapi3.SchemaValidationOption {
	texts := map[string]openapi3.StringFormatValidator{}
	for name, format := range formats[openapi3.TypeString] {
		texts[name] = openapi3.NewCallbackValidator(func(s string) error {
			if !format.has([]byte(s)) {
				return errors.New(format.reason)
			}
			return nil
		})
	}
	integers := map[string]openapi3.IntegerFormatValidator{}
	for name, bits := range map[string]int{"int": strconv.IntSize, "int8": 8, "int16": 16, "int32": 32, "int64": 64} {
		integers[name] = openapi3.NewRangeFormatValidator(int64(math.MinInt64)>>(64-bits), int64(math.MaxInt64)>>(64-bits))
	}
	return []openapi3.SchemaValidationOption{
		openapi3.DisableSchemaErrorDetails(),
		openapi3.WithStringFormatValidators(texts),
		openapi3.WithIntegerFormatValidators(integers),
	}
}

var email = regexp.MustCompile(openapi3.FormatOfStringForEmail)

func isBase64(text []byte) bool {
	_, err := base64.StdEncoding.Strict().Decode(make([]byte, base64.StdEncoding.DecodedLen(len(text))), text)
	return err == nil && !bytes.ContainsAny(text, "\r\n") // which the decoder skips
}

func isDate(text []byte) bool {
	_, err := time.Parse(time.DateOnly, string(text))
	return err == nil
}

// isDateTime reports whether text is a date-time of RFC 3339 that a [time.Time] can hold. UnmarshalText alone lets pass an
// hour of one digit, a comma before the fraction, and offsets of any size.
func isDateTime(text []byte) bool {
	if new(time.Time).UnmarshalText(text) != nil || text[len("2006-01-02T1")] == ':' || bytes.IndexByte(text, ',') >= 0 {
		return false
	}
	if text[len(text)-1] == 'Z' {
		return true
	}
	offset := text[len(text)-len("07:00"):]
	return string(offset[:2]) < "24" && string(offset[3:]) < "60"
}

// isUUID takes the one form that the format means, while the parser knows four.
func isUUID(text []byte) bool {
	_, err := uuid.ParseBytes(text)
	return err == nil && len(text) == len("550e8400-e29b-41d4-a716-446655440000")
}

// integer is the format of numbers that are decoded to a Go integer of so many bits; unsigned and float are those of its other
// numbers.
func integer(bits int) format {
	return format{fmt.Sprintf("value must be written as an integer of %d bits", bits), func(literal []byte) bool {
		_, err := strconv.ParseInt(string(literal), 10, bits)
		return err == nil
	}}
}

func unsigned(bits int) format {
	return format{fmt.Sprintf("value must be written as an unsigned integer of %d bits", bits), func(literal []byte) bool {
		_, err := strconv.ParseUint(string(literal), 10, bits)
		return err == nil
	}}
}

func float(bits int) format {
	return format{fmt.Sprintf("value exceeds a floating-point number of %d bits", bits), func(literal []byte) bool {
		_, err := strconv.ParseFloat(string(literal), bits)
		return err == nil
	}}
}
