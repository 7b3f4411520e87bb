package change

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/kodexa-community/kodexa-go/internal/contract"
	"github.com/kodexa-community/kodexa-go/internal/upkeep/drift"
)

// ofGoTypes are the keywords on which the type of a field or the signature of a method depends: more breaks importers too.
var ofGoTypes = []string{"type", "format", "nullable", "required", "enum", "alternative", "allOf", "body"}

// compare is the judge that knows what Go programs depend on. One change at several places is one finding.
func compare(older, newer *openapi3.T) []Finding {
	var found []Finding
	var last []drift.Difference
	all := drift.Compare(older, newer)
	for len(all) > 0 {
		first := all[0]
		isLike := func(d drift.Difference) bool {
			d.Operation, d.Part = first.Operation, cmp.Or(parameterOf(d), first.Part)
			return d == first
		}
		last = slices.DeleteFunc(slices.Clone(all), func(d drift.Difference) bool { return !isLike(d) })
		all = slices.DeleteFunc(all, isLike)
		found = append(found, finding(older, last))
	}
	for _, d := range drift.Compare(newer, older) {
		if d.Keyword == "operation" {
			found = append(found, Finding{Compatible, fmt.Sprintf("%s: wider: operation: none -> documented", d.Operation), nil})
		}
	}
	return append(found, renamed(older, newer)...)
}

// parameterOf returns which parameter or header a difference is of.
func parameterOf(d drift.Difference) string {
	if strings.Contains(d.Part, "parameter ") || strings.Contains(d.Part, "header ") {
		return d.Part
	}
	return ""
}

// finding returns what one change at some places means.
func finding(older *openapi3.T, all []drift.Difference) Finding {
	d := all[0]
	f := Finding{Level: Compatible, Text: fmt.Sprintf("%s: %s: %s -> %s", d.Kind, d.Keyword, d.Ours, d.Theirs)}
	if d.Pointer != "" {
		f.Text = d.Pointer + ": " + f.Text
	}
	var places []string
	for _, d := range all {
		places = append(places, strings.TrimSuffix(d.Operation+", "+d.Part, ", "))
		method, p, _ := strings.Cut(d.Operation, " ")
		op := older.Paths.Value(p).GetOperation(method)
		f.Names = append(f.Names, op.OperationID, d.Operation)
		isFirst := d.Keyword == "parameter" && !takesParameters(older.Paths.Value(p), op) // its method gets one more argument
		if d.Kind != drift.Wider || slices.Contains(ofGoTypes, d.Keyword) || isFirst {
			f.Level = Breaking
		}
	}
	f.Text += " (" + strings.Join(places, "; ") + ")"
	if name := path.Base(strings.TrimSuffix(d.Pointer, "/*")); d.Pointer != "" && name != "." && name != "/" {
		f.Names = []string{name}
	} else if _, name, ok := strings.Cut(d.Part, `parameter "`); ok {
		f.Names = []string{strings.TrimSuffix(name, `"`)}
	}
	slices.Sort(f.Names)
	f.Names = slices.Compact(f.Names)
	return f
}

func takesParameters(item *openapi3.PathItem, op *openapi3.Operation) bool {
	return slices.ContainsFunc(slices.Concat(item.Parameters, op.Parameters), func(ref *openapi3.ParameterRef) bool {
		return ref.Value.In != openapi3.ParameterInPath
	})
}

// renamed returns the names that generated code has, and that are gone: drift does not look at them.
func renamed(older, newer *openapi3.T) []Finding {
	var found []Finding
	was, is := goNames(older), goNames(newer)
	for _, name := range slices.Sorted(maps.Keys(was)) {
		if _, isThere := is[name]; !isThere {
			found = append(found, Finding{Breaking, fmt.Sprintf("%s: %s -> none", was[name], name), []string{name}})
		}
	}
	return found
}

// goNames returns the names that become those of types and methods, with what they name.
func goNames(doc *openapi3.T) map[string]string {
	names := map[string]string{}
	if doc.Components != nil {
		for name := range doc.Components.Schemas {
			names[name] = "schema"
		}
	}
	for _, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			names[op.OperationID] = "operationId"
		}
	}
	return names
}

var inBackticks = regexp.MustCompile("`([^`]+)`")

// oasdiff is the judge that knows what breaks a contract.
func (r repository) oasdiff(ctx context.Context, older []byte) ([]Finding, error) {
	dir, err := os.MkdirTemp("", "contract-diff")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "openapi.yaml")
	if err := os.WriteFile(file, older, 0o600); err != nil {
		return nil, err
	}
	out, err := r.run(ctx, "go", "tool", "-modfile=tools/go.mod", "oasdiff", "changelog", "--format", "json", file, "openapi.yaml")
	if err != nil {
		return nil, err
	}
	var changes []struct {
		ID          string `json:"id"`
		Text        string `json:"text"`
		Level       int    `json:"level"`
		Operation   string `json:"operation"`
		OperationID string `json:"operationId"`
		Path        string `json:"path"`
	}
	if err := json.Unmarshal(out, &changes); err != nil {
		return nil, err
	}
	var found []Finding
	for _, c := range changes {
		if c.ID == "api-version-not-bumped" {
			continue // the version in openapi.yaml is the platform's
		}
		f := Finding{Level: Info, Text: "oasdiff: "}
		if warning := 2; c.Level >= warning {
			f.Level = Breaking
		}
		if match := inBackticks.FindStringSubmatch(c.Text); match != nil {
			f.Names = []string{path.Base(match[1])}
		}
		if c.Operation != "" {
			place := c.Operation + " " + c.Path
			f.Text, f.Names = f.Text+place+": ", append(f.Names, c.OperationID, place)
		}
		f.Text += fmt.Sprintf("%s [%s]", c.Text, c.ID)
		f.Names = append(f.Names, c.ID)
		found = append(found, f)
	}
	return found, nil
}

// suite is the judge that holds the bodies of the base against the contract. They are sessions.
func suite(b *base, spec []byte) (found []Finding, summary string, err error) {
	if b.api == nil {
		return nil, "not looked at: the base is a file", nil
	}
	c, err := contract.Parse(spec)
	if err != nil {
		return nil, "", err
	}
	op := c.Operation("getSession")
	if op == nil {
		return nil, "not looked at: there is no operation getSession", nil
	}
	check := func(body []byte) []contract.Violation {
		broken, _ := op.CheckResponse(http.StatusOK, http.Header{"Content-Type": {"application/json"}}, body)
		return broken
	}
	accepted, refused := 0, 0
	for _, file := range slices.Sorted(maps.Keys(b.api)) {
		switch path.Dir(file) {
		case "api/examples":
			broken := check(b.api[file])
			if len(broken) == 0 {
				accepted++
				continue
			}
			f := Finding{Level: Breaking, Text: fmt.Sprintf("%s of %s is refused, at %q: %s", file, b.name, broken[0].Pointer, broken[0].Reason)}
			f.Names = []string{"getSession", "updateSession"}
			for _, v := range broken {
				f.Names = append(f.Names, path.Base(v.Pointer))
			}
			slices.Sort(f.Names)
			f.Names = slices.Compact(f.Names)
			found = append(found, f)
		case "api/violations":
			var rows []struct {
				Name   string `json:"name"`
				Body   string `json:"body"`
				Base64 []byte `json:"base64"`
			}
			if err := json.Unmarshal(b.api[file], &rows); err != nil {
				return nil, "", fmt.Errorf("%s of %s: %w", file, b.name, err)
			}
			for _, row := range rows {
				if len(check(slices.Concat(row.Base64, []byte(row.Body)))) > 0 {
					refused++
					continue
				}
				found = append(found, Finding{Level: Compatible, Text: fmt.Sprintf("%s of %s: %q is accepted", file, b.name, row.Name)})
			}
		}
	}
	return found, fmt.Sprintf("%d examples of %s are accepted, %d violations refused", accepted, b.name, refused), nil
}
