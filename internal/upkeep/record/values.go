package record

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

var (
	isHex      = regexp.MustCompile(`^([0-9a-f]{32}|[0-9A-F]{32})$`)
	isDate     = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	isDateTime = regexp.MustCompile(`^\d{4}-\d\d-\d\d([Tt ])\d\d:\d\d(:\d\d)?([.,]\d+)?([Zz]|[+-]\d\d:?\d\d)?$`)
	isEmail    = regexp.MustCompile(`^[^@\s]+@[^@\s]+\.[^@\s]+$`)
	isURL      = regexp.MustCompile(`^(https?|wss?|ftp|s3)://[^/?#]*(.*)$`)
)

// text returns what stands for a string.
func (r *replacer) text(text string) string {
	switch {
	case text == "":
		return text
	case r.holdsSecret(text):
		return Secret
	case r.public[text]:
		return text
	}
	key := text
	_, err := uuid.Parse(text)
	isUUID := err == nil && (len(text) == len("550e8400-e29b-41d4-a716-446655440000") || isHex.MatchString(text))
	if isUUID {
		key = strings.ToLower(strings.ReplaceAll(text, "-", ""))
	}
	other, known := r.texts[key]
	if !known {
		other = another(key, isUUID)
		r.texts[key] = other
	}
	if !isUUID {
		return other
	}
	if strings.Contains(text, "-") {
		other = uuid.MustParse(other).String()
	}
	if text == strings.ToUpper(text) {
		other = strings.ToUpper(other)
	}
	return other
}

// another makes up a string of the kind of another one.
func another(text string, isUUID bool) string {
	switch {
	case isUUID:
		id := uuid.New()
		return hex.EncodeToString(id[:])
	case isDate.MatchString(text):
		return anotherDate(text)
	case isDateTime.MatchString(text):
		return anotherDateTime(isDateTime.FindStringSubmatch(text))
	case isEmail.MatchString(text):
		local, _, _ := strings.Cut(text, "@")
		return strings.Map(scramble, local) + "@example.com"
	case isURL.MatchString(text):
		parts := isURL.FindStringSubmatch(text)
		return parts[1] + "://example.com" + strings.Map(scramble, parts[2])
	default:
		return strings.Map(scramble, text)
	}
}

func anotherDate(text string) string {
	for {
		if other := fmt.Sprintf("20%02d-%02d-%02d", 10+below(10), 1+below(12), 1+below(28)); !strings.HasPrefix(text, other) {
			return other
		}
	}
}

// anotherDateTime has the parts of another one: what is between date and time, the seconds, the fraction, the zone. A fraction
// does not end in 0 and an offset is not +00:00, which Go writes in another way.
func anotherDateTime(parts []string) string {
	text := anotherDate(parts[0]) + parts[1] + fmt.Sprintf("%02d:%02d", below(24), below(60))
	if parts[2] != "" {
		text += fmt.Sprintf(":%02d", below(60))
	}
	if fraction := parts[3]; fraction != "" {
		text += fraction[:1] + strings.Map(func(rune) rune { return other('0', digits) }, fraction[1:])
	}
	switch zone := parts[4]; {
	case strings.ContainsAny(zone, "+-"):
		text += fmt.Sprintf("%c%02d%s%02d", "+-"[below(2)], 1+below(12), strings.Repeat(":", strings.Count(zone, ":")), 15*below(4))
	default:
		text += zone
	}
	return text
}

// scramble returns another letter for a letter, and another digit for a digit.
func scramble(r rune) rune {
	switch {
	case '0' <= r && r <= '9':
		return other(r, digits)
	case 'a' <= r && r <= 'z':
		return other(r, letters)
	case 'A' <= r && r <= 'Z':
		return unicode.ToUpper(other(unicode.ToLower(r), letters))
	case r < unicode.MaxASCII:
		return r
	case unicode.IsUpper(r):
		return unlike(r, 'Ä', 'Ö')
	case unicode.IsLetter(r):
		return unlike(r, 'ä', 'ö')
	default:
		return unlike(r, '•', '◦')
	}
}

func unlike(r, one, another rune) rune {
	if r == one {
		return another
	}
	return one
}

const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyz"

// other returns another character of an alphabet.
func other(r rune, alphabet string) rune {
	return rune(alphabet[(strings.IndexRune(alphabet, r)+1+below(len(alphabet)-1))%len(alphabet)])
}

// number returns a number of the same form. It is no further from 0 than the one that was there, save for 1, which is 2.
func (r *replacer) number(literal jsontext.Value) jsontext.Value {
	if string(literal) == "-0" {
		return jsontext.Value("0")
	}
	mantissa, exponent := string(literal), ""
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		mantissa, exponent = mantissa[:i], mantissa[i:]
	}
	first := strings.IndexAny(mantissa, "123456789")
	if first < 0 {
		return literal
	}
	start, rest := mantissa[:first], mantissa[first+1:]
	leading := "1"
	if d := strings.IndexByte(digits, mantissa[first]); d > 1 {
		leading = digits[1+below(d-1):][:1]
	} else if !hasDigits(rest) {
		leading = "2"
	}
	return jsontext.Value(start + leading + strings.Map(scramble, rest) + exponent)
}

func hasDigits(text string) bool { return strings.ContainsAny(text, digits) }

// below returns a random number from 0 to n-1.
func below(n int) int {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		panic(err) // which crypto/rand does itself
	}
	return int(i.Int64())
}
