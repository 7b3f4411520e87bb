// Package contract holds messages against an OpenAPI contract: method, path, header and bytes in, violations out.
//
// kin-openapi decides what a schema means, and a violation has its text. A [fit] adds what kin-openapi lets pass and the Go types
// of generated code can't hold. An [acceptor] says yes to plainly good bodies in one pass; all others go to kin-openapi. Both read
// the contract as one compiled [schema], where each rule of our own stands once.
package contract

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
)

// Contract answers what the messages of operations must look like. Its methods may be called concurrently.
type Contract struct {
	byPrefix map[string][]*Operation // by the folder before the first parameter, in the order of [byFixedText]
	byID     map[string]*Operation
	schemas  schemas
	options  openapi3filter.Options
}

// Parse reads a contract. It does not validate it: an example that does not fit its schema, or a pattern that Go can't
// compile, keeps no other part of the contract from being used.
func Parse(spec []byte) (*Contract, error) {
	doc, err := openapi3.NewLoader().LoadFromData(spec)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	if doc.IsOpenAPI31OrLater() {
		return nil, fmt.Errorf("contract: OpenAPI %s is not supported: write the document as OpenAPI 3.0.3", doc.OpenAPI)
	}
	doc.Components = cmp.Or(doc.Components, &openapi3.Components{})
	c := &Contract{
		byPrefix: map[string][]*Operation{}, byID: map[string]*Operation{}, schemas: schemas{},
		options: openapi3filter.Options{
			AuthenticationFunc:      sendsCredentials,
			ExcludeRequestBody:      true, // bodies are checkBody's
			ExcludeResponseBody:     true,
			SkipSettingDefaults:     true, // what is checked is what is sent
			SchemaValidationOptions: formatOptions(),
		},
	}
	for _, ref := range prepare(doc) {
		c.schemas.compile(ref)
	}
	items := doc.Paths.Map()
	for _, path := range slices.SortedFunc(maps.Keys(items), byFixedText) {
		for method, op := range items[path].Operations() {
			route := &routers.Route{Spec: doc, Path: path, PathItem: items[path], Method: method, Operation: op}
			o := newOperation(c, route)
			prefix := folderOf(o.texts[0])
			c.byPrefix[prefix] = append(c.byPrefix[prefix], o)
			c.byID[o.ID] = o
		}
	}
	delete(c.byID, "") // an operation that has none
	return c, nil
}

// Find returns the operation that a request is for, or nil if there is none. The path is escaped, as it is sent, and
// stands below the base URL: "/api/sessions/550e8400-e29b-41d4-a716-446655440000".
func (c *Contract) Find(method, path string) *Operation {
	for prefix := folderOf(path); prefix != ""; prefix = folderOf(prefix[:len(prefix)-1]) {
		for _, o := range c.byPrefix[prefix] {
			if o.Method == method && o.pathValues(path, func(int, string) bool { return true }) {
				return o
			}
		}
	}
	return nil
}

// Operation returns the operation with this operationId, or nil if there is none.
func (c *Contract) Operation(id string) *Operation { return c.byID[id] }

// prepare changes the schemas of a document before their first use, and returns those that have the others in them. It walks from
// each of these down to the $refs below, and not through them: in a dense document there would be no end of paths.
func prepare(doc *openapi3.T) (roots openapi3.SchemaRefs) {
	_ = doc.WalkSchemas(func(start string, ref *openapi3.SchemaRef) error {
		_ = ref.WalkSubtree(func(pointer string, ref *openapi3.SchemaRef) error {
			if pointer != "" && ref.Ref != "" {
				return openapi3.SkipSubtree
			}
			prepareSchema(start+pointer, ref)
			return nil
		})
		roots = append(roots, ref)
		return openapi3.SkipSubtree
	})
	return roots
}

// prepareSchema may be called again. A readOnly or writeOnly member is required in no message. So what was read can be sent, as
// OpenAPI wants it, and kin-openapi need not know the direction, for which it would copy the value at every union.
func prepareSchema(pointer string, ref *openapi3.SchemaRef) {
	prepareFormat(ref.Value)
	if ref.Value.Pattern != "" {
		ref.Value.Comment = pointer // to name a pattern that can't be compiled
	}
	parts := withAllOf(nil, ref)
	isOneWay := func(name string) bool {
		return slices.ContainsFunc(parts, func(part *openapi3.SchemaRef) bool {
			member := part.Value.Properties[name]
			return member != nil && (member.Value.ReadOnly || member.Value.WriteOnly)
		})
	}
	for _, part := range parts {
		part.Value.Required = slices.DeleteFunc(part.Value.Required, isOneWay)
	}
}

// withAllOf appends the schemas that hold for a value at once: ref and, below it, all of its "allOf".
func withAllOf(refs openapi3.SchemaRefs, ref *openapi3.SchemaRef) openapi3.SchemaRefs {
	if slices.Contains(refs, ref) {
		return refs
	}
	refs = append(refs, ref)
	for _, part := range ref.Value.AllOf {
		refs = withAllOf(refs, part)
	}
	return refs
}
