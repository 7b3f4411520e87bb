// Package drift tells where another document describes the operations of a contract otherwise than the contract does.
//
// No difference is made by what says the same: names of components, what is inline and what a $ref, order, texts, examples,
// operationId, tags, the name of a path's parameter, where the path's beginning stands in the servers, OpenAPI 3.0 or 3.1.
// Not compared are callbacks, links, webhooks, discriminators and defaults.
package drift

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Kind is what the other document describes, seen from ours: less, more, or something else. Less is fewer values as well as
// fewer members, parameters, media types or statuses.
type Kind string

// The kinds.
const (
	Narrower  Kind = "narrower"
	Wider     Kind = "wider"
	Different Kind = "different"
)

// Difference is one place where the documents differ.
type Difference struct {
	Operation    string // method and path as ours has them: PUT /api/sessions/{id}
	Part         string // request, response 200, query parameter "page", security; "" is the operation itself
	Pointer      string // of a member as RFC 6901 writes it, where * is any item or any further member; "" is the part itself
	Kind         Kind
	Keyword      string // what differs: type, nullable, required, member, media type, …
	Ours, Theirs string
}

// String is one line: "PUT /api/sessions/{id}, request, /state: narrower: maxLength: none -> 64".
func (d Difference) String() string {
	place := slices.DeleteFunc([]string{d.Operation, d.Part, d.Pointer}, func(s string) bool { return s == "" })
	return fmt.Sprintf("%s: %s: %s: %s -> %s", strings.Join(place, ", "), d.Kind, d.Keyword, d.Ours, d.Theirs)
}

const none = "none"

// Compare returns how theirs describes the operations of ours. What else theirs has is not looked at. A schema that stands at
// several places of a part is compared at the first of them.
func Compare(ours, theirs *openapi3.T) []Difference {
	c := &comparer{ours: ours, theirs: theirs, plains: plains{}}
	items := ours.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(items)) {
		operations := items[path].Operations()
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			c.operation = method + " " + path
			other, otherPath := find(theirs, method, routes(path, ours.Servers, items[path].Servers))
			if other == nil {
				c.begin("")
				c.add("", Narrower, "operation", "documented", none)
				continue
			}
			c.compareOperation(
				side{ours, path, items[path], operations[method]},
				side{theirs, otherPath, theirs.Paths.Value(otherPath), other},
			)
		}
	}
	return c.found
}

// find returns the operation with one of these routes.
func find(doc *openapi3.T, method string, wanted []string) (*openapi3.Operation, string) {
	items := doc.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(items)) {
		if op := items[path].GetOperation(method); op != nil && overlap(wanted, routes(path, doc.Servers, items[path].Servers)) {
			return op, path
		}
	}
	return nil, ""
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

var parameterOfPath = regexp.MustCompile(`\{[^}]*\}`)

// routes returns a path as it stands, and below the path of each server, with the names of its parameters left out.
func routes(path string, servers ...openapi3.Servers) []string {
	all := []string{path}
	for _, server := range slices.Concat(servers...) {
		base := server.URL
		for name, variable := range server.Variables {
			base = strings.ReplaceAll(base, "{"+name+"}", variable.Default)
		}
		if _, afterScheme, ok := strings.Cut(base, "://"); ok {
			_, base, _ = strings.Cut(afterScheme, "/")
		}
		if base = strings.Trim(base, "/"); base != "" {
			all = append(all, "/"+base+path)
		}
	}
	for i := range all {
		all[i] = parameterOfPath.ReplaceAllString(all[i], "{}")
	}
	return all
}

// comparer collects differences.
type comparer struct {
	ours, theirs    *openapi3.T
	plains          plains
	seen            map[[2]*openapi3.Schema]bool // in this part
	operation, part string
	found           []Difference
}

func (c *comparer) begin(part string) {
	c.part, c.seen = part, map[[2]*openapi3.Schema]bool{}
}

func (c *comparer) add(pointer string, kind Kind, keyword, ours, theirs string) {
	c.found = append(c.found, Difference{c.operation, c.part, pointer, kind, keyword, ours, theirs})
}

// side is an operation with what surrounds it.
type side struct {
	doc  *openapi3.T
	path string
	item *openapi3.PathItem
	op   *openapi3.Operation
}

func (c *comparer) compareOperation(ours, theirs side) {
	c.begin("security")
	c.security(ours.credentials(), theirs.credentials())
	c.parameters(ours.parameters(), theirs.parameters())
	c.begin("request")
	c.request(ours.op.RequestBody, theirs.op.RequestBody)
	c.responses(ours.op.Responses, theirs.op.Responses)
}

// credentials returns the ways to be let in, each as one text.
func (s side) credentials() []string {
	var ways []string
	for _, requirement := range *cmp.Or(s.op.Security, &s.doc.Security) {
		var all []string
		for _, name := range slices.Sorted(maps.Keys(requirement)) {
			all = append(all, describeScheme(s.doc, name))
		}
		slices.Sort(all)
		ways = append(ways, cmp.Or(strings.Join(all, " and "), none))
	}
	slices.Sort(ways)
	return slices.Compact(ways)
}

func describeScheme(doc *openapi3.T, name string) string {
	if doc.Components == nil || doc.Components.SecuritySchemes[name] == nil || doc.Components.SecuritySchemes[name].Value == nil {
		return "undefined scheme " + name
	}
	switch s := doc.Components.SecuritySchemes[name].Value; {
	case s.In == openapi3.ParameterInHeader:
		return "header " + strings.ToLower(s.Name)
	case s.In != "":
		return s.In + " " + s.Name
	default:
		return strings.TrimSpace(s.Type + " " + strings.ToLower(s.Scheme))
	}
}

func (c *comparer) security(ours, theirs []string) {
	gone := slices.DeleteFunc(slices.Clone(ours), func(s string) bool { return slices.Contains(theirs, s) })
	added := slices.DeleteFunc(slices.Clone(theirs), func(s string) bool { return slices.Contains(ours, s) })
	c.sets("", "credentials", gone, added)
}

// sets adds what is in one set alone. An empty list is shown as none.
func (c *comparer) sets(pointer, keyword string, gone, added []string) {
	kind := Different
	switch {
	case len(gone) == 0 && len(added) == 0:
		return
	case len(gone) == 0:
		kind = Wider
	case len(added) == 0:
		kind = Narrower
	}
	c.add(pointer, kind, keyword, cmp.Or(strings.Join(gone, ", "), none), cmp.Or(strings.Join(added, ", "), none))
}

// parameters returns those of an operation by what they are called here. Of a path's the place counts and not the name.
func (s side) parameters() map[string]*openapi3.Parameter {
	all := map[string]*openapi3.Parameter{}
	names := parameterOfPath.FindAllString(s.path, -1)
	for _, ref := range slices.Concat(s.item.Parameters, s.op.Parameters) { // those of the operation win
		p := ref.Value
		switch p.In {
		case openapi3.ParameterInPath:
			all[fmt.Sprintf("path parameter %d", slices.Index(names, "{"+p.Name+"}")+1)] = p
		case openapi3.ParameterInHeader:
			all[fmt.Sprintf("header parameter %q", strings.ToLower(p.Name))] = p
		default:
			all[fmt.Sprintf("%s parameter %q", p.In, p.Name)] = p
		}
	}
	return all
}

func (c *comparer) parameters(ours, theirs map[string]*openapi3.Parameter) {
	either := maps.Clone(ours)
	maps.Copy(either, theirs)
	for _, name := range slices.Sorted(maps.Keys(either)) {
		c.begin(name)
		our, their := ours[name], theirs[name]
		switch {
		case their == nil:
			c.add("", Narrower, "parameter", necessity(our.Required), none)
		case our == nil && their.Required:
			c.add("", Narrower, "parameter", none, necessity(true))
		case our == nil:
			c.add("", Wider, "parameter", none, necessity(false))
		default:
			c.required("", our.Required, their.Required)
			if a, b := styleOf(our), styleOf(their); a != b {
				c.add("", Different, "style", a, b)
			}
			c.schema("", our.Schema, their.Schema)
			c.content(our.Content, their.Content)
		}
	}
}

func styleOf(p *openapi3.Parameter) string {
	if len(p.Content) > 0 {
		return "content"
	}
	method, err := p.SerializationMethod()
	if err != nil {
		return fmt.Sprintf("%s that can't be in %s", p.Style, p.In)
	}
	return fmt.Sprintf("%s, explode %t", method.Style, method.Explode)
}

func necessity(isRequired bool) string {
	if isRequired {
		return "required"
	}
	return "optional"
}

func (c *comparer) required(pointer string, ours, theirs bool) {
	switch {
	case !ours && theirs:
		c.add(pointer, Narrower, "required", "no", "yes")
	case ours && !theirs:
		c.add(pointer, Wider, "required", "yes", "no")
	}
}

func (c *comparer) request(ours, theirs *openapi3.RequestBodyRef) {
	switch {
	case ours == nil && theirs == nil:
	case theirs == nil:
		c.add("", Narrower, "body", necessity(ours.Value.Required), none)
	case ours == nil && theirs.Value.Required:
		c.add("", Narrower, "body", none, necessity(true))
	case ours == nil:
		c.add("", Wider, "body", none, necessity(false))
	default:
		c.required("", ours.Value.Required, theirs.Value.Required)
		c.content(ours.Value.Content, theirs.Value.Content)
	}
}

// responses compares the answers that ours has, and looks for further ones that say success.
func (c *comparer) responses(ours, theirs *openapi3.Responses) {
	for _, status := range slices.Sorted(maps.Keys(ours.Map())) {
		our, their := ours.Value(status).Value, answer(theirs, status)
		c.begin("response " + status)
		if their == nil {
			c.add("", Narrower, "status", status, none)
			continue
		}
		c.headers(our.Headers, their.Headers)
		c.content(our.Content, their.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(theirs.Map())) {
		if strings.HasPrefix(status, "2") && answer(ours, status) == nil {
			c.begin("response " + status)
			c.add("", Wider, "status", none, status)
		}
	}
}

// answer returns what a document says of a status: its own words, those for 2XX, or those for all.
func answer(responses *openapi3.Responses, status string) *openapi3.Response {
	for _, name := range []string{status, status[:1] + "XX", "default"} {
		if ref := responses.Value(name); ref != nil {
			return ref.Value
		}
	}
	return nil
}

func (c *comparer) headers(ours, theirs openapi3.Headers) {
	lower := map[string]*openapi3.Header{}
	for name, ref := range theirs {
		lower[strings.ToLower(name)] = ref.Value
	}
	part := c.part
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		our, their := ours[name].Value, lower[strings.ToLower(name)]
		c.begin(fmt.Sprintf("%s, header %q", part, name))
		if their == nil {
			c.add("", Narrower, "header", necessity(our.Required), none)
			continue
		}
		c.required("", our.Required, their.Required)
		c.schema("", our.Schema, their.Schema)
	}
	c.begin(part)
}

// content compares the media types of a part, by name without parameters, and their schemas.
func (c *comparer) content(ours, theirs openapi3.Content) {
	part := c.part
	var gone, added []string
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		their := named(theirs, name)
		if their == nil {
			their = theirs.Get(name) // which */* has too
		}
		if their == nil {
			gone = append(gone, name)
			continue
		}
		if mediaName(name) != "application/json" {
			c.begin(part + " " + name)
		}
		c.schema("", ours[name].Schema, their.Schema)
		c.part = part
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		if named(ours, name) == nil {
			added = append(added, name)
		}
	}
	c.sets("", "media type", gone, added)
}

func named(content openapi3.Content, name string) *openapi3.MediaType {
	for other, media := range content {
		if mediaName(other) == mediaName(name) {
			return media
		}
	}
	return nil
}

func mediaName(name string) string {
	name, _, _ = strings.Cut(name, ";")
	return strings.ToLower(strings.TrimSpace(name))
}
