package drift

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v4"
)

const (
	maxDocument = 64 << 20 // bytes
	maxWait     = time.Minute
)

// Read returns what a file or an http URL holds.
func Read(ctx context.Context, source string) ([]byte, error) {
	if !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		return os.ReadFile(source)
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", source, res.Status)
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, maxDocument+1))
	if err == nil && len(data) > maxDocument {
		err = fmt.Errorf("%s is larger than %d bytes", source, maxDocument)
	}
	return data, err
}

// Load returns of a document in OpenAPI 3 the operations that ours has, with what they refer to. Whatever else the document has
// may be broken.
func Load(data []byte, ours *openapi3.T) (*openapi3.T, error) {
	whole, err := parse(data)
	if err != nil {
		return nil, err
	}
	version, _ := whole["openapi"].(string)
	switch {
	case whole["swagger"] != nil:
		return nil, fmt.Errorf("the document is of Swagger %v: convert it to OpenAPI 3", whole["swagger"])
	case whole["openapi"] == nil:
		return nil, errors.New(`not OpenAPI: the document has no member "openapi"`)
	case !strings.HasPrefix(version, "3."):
		return nil, fmt.Errorf("the document is of OpenAPI %v: only 3.x can be compared", whole["openapi"])
	}
	e := extract{whole: whole, part: map[string]any{
		"openapi": version, "info": map[string]any{"title": "", "version": ""}, "paths": map[string]any{},
		"servers": serversOf(whole["servers"]),
	}}
	if err := e.operations(ours); err != nil {
		return nil, err
	}
	text, err := json.Marshal(e.part)
	if err != nil {
		return nil, err
	}
	return openapi3.NewLoader().LoadFromData(text)
}

// parse reads JSON or YAML. A repeated name is a matter of the part that it stands in: the last one counts.
func parse(data []byte) (map[string]any, error) {
	var whole any
	if json.Valid(data) { // which YAML is not to read: it knows no surrogate pairs
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		if err := decoder.Decode(&whole); err != nil {
			return nil, err
		}
	} else if err := yaml.Load(data, &whole, yaml.WithV3Defaults(), yaml.WithUniqueKeys(false)); err != nil {
		return nil, fmt.Errorf("neither JSON nor YAML: %w", err)
	}
	object, ok := withTextKeys(whole).(map[string]any)
	if !ok {
		return nil, errors.New("not OpenAPI: the document is no object")
	}
	return object, nil
}

// withTextKeys returns a value as JSON has it: a status as a key is a number in YAML.
func withTextKeys(value any) any {
	switch value := value.(type) {
	case map[any]any:
		object := make(map[string]any, len(value))
		for key, v := range value {
			object[fmt.Sprint(key)] = withTextKeys(v)
		}
		return object
	case map[string]any:
		for key, v := range value {
			value[key] = withTextKeys(v)
		}
	case []any:
		for i, v := range value {
			value[i] = withTextKeys(v)
		}
	}
	return value
}

// extract copies from a whole document what some operations need.
type extract struct {
	whole, part map[string]any
}

func (e *extract) operations(ours *openapi3.T) error {
	paths, _ := e.whole["paths"].(map[string]any)
	if err := e.security(e.part, e.whole["security"]); err != nil {
		return err
	}
	items := ours.Paths.Map()
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item, err := e.pathItem(paths[path])
		there := routes(path, serversOf(e.whole["servers"]), serversOf(item["servers"]))
		for _, our := range slices.Sorted(maps.Keys(items)) {
			ourItem := items[our]
			if !overlap(routes(our, ours.Servers, ourItem.Servers), there) {
				continue
			}
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if err := e.operation(path, item, slices.Collect(maps.Keys(ourItem.Operations()))); err != nil {
				return err
			}
		}
	}
	return nil
}

// pathItem follows the $ref that a path may have instead of operations. Of a broken path there is nothing.
func (e *extract) pathItem(value any) (map[string]any, error) {
	item, _ := value.(map[string]any)
	if ref, ok := item["$ref"].(string); ok {
		target, _, err := e.find(ref)
		item, _ = target.(map[string]any)
		return item, err
	}
	return item, nil
}

// serversOf leaves out what is broken: then a path stands for itself.
func serversOf(value any) (servers openapi3.Servers) {
	if text, err := json.Marshal(value); err == nil {
		_ = json.Unmarshal(text, &servers)
	}
	return slices.DeleteFunc(servers, func(s *openapi3.Server) bool { return s == nil })
}

func (e *extract) operation(path string, item map[string]any, methods []string) error {
	kept := child(child(e.part, "paths"), path)
	for _, name := range slices.Sorted(maps.Keys(item)) { // so that of several errors it is always the same one
		if name != "parameters" && !slices.Contains(methods, strings.ToUpper(name)) {
			continue
		}
		var err error
		if kept[name], err = e.copy(item[name], false); err == nil {
			op, _ := item[name].(map[string]any)
			err = e.security(kept[name], op["security"])
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", strings.ToUpper(name), path, err)
		}
	}
	if servers := serversOf(item["servers"]); len(servers) > 0 {
		kept["servers"] = servers
	}
	return nil
}

// child returns the object that is a member of another, and makes it if need be.
func child(parent map[string]any, name string) map[string]any {
	object, ok := parent[name].(map[string]any)
	if !ok {
		object = map[string]any{}
		parent[name] = object
	}
	return object
}

// security keeps requirements and the schemes that they name. One that is nowhere is for Compare to name.
func (e *extract) security(to, value any) error {
	object, ok := to.(map[string]any)
	if !ok || value == nil {
		return nil
	}
	object["security"] = value
	requirements, _ := value.([]any)
	for _, requirement := range requirements {
		names, _ := requirement.(map[string]any)
		for name := range names {
			ref := "#/components/securitySchemes/" + escape(name)
			if _, _, err := e.find(ref); err != nil {
				continue
			}
			if err := e.need(ref); err != nil {
				return err
			}
		}
	}
	return nil
}

func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// find returns what a $ref leads to, and the names on the way there.
func (e *extract) find(ref string) (any, []string, error) {
	if !strings.HasPrefix(ref, "#/") {
		return nil, nil, fmt.Errorf("$ref %q leads out of the document: bundle it into one first", ref)
	}
	names := strings.Split(ref[len("#/"):], "/")
	var target any = e.whole
	for i, name := range names {
		names[i] = strings.NewReplacer("~1", "/", "~0", "~", "%7B", "{", "%7D", "}").Replace(name)
		switch value := target.(type) {
		case map[string]any:
			target = value[names[i]]
		case []any:
			n, err := strconv.Atoi(name)
			if target = nil; err == nil && n >= 0 && n < len(value) {
				target = value[n]
			}
		default:
			target = nil
		}
	}
	if target == nil {
		return nil, nil, fmt.Errorf("$ref %q leads nowhere", ref)
	}
	return target, names, nil
}

// need copies what a $ref leads to: the component or, of what stands elsewhere, as much as three names lead to.
func (e *extract) need(ref string) error {
	_, names, err := e.find(ref)
	if err == nil {
		err = e.arrives(ref)
	}
	if err != nil {
		return err
	}
	const depth = 3
	from, to := e.whole, e.part
	last := min(depth, len(names)) - 1
	for _, name := range names[:last] {
		next, ok := from[name].(map[string]any)
		if !ok {
			return fmt.Errorf("$ref %q leads into a list", ref)
		}
		from, to = next, child(to, name)
	}
	if name := names[last]; to[name] == nil {
		to[name] = map[string]any{} // stops a schema that refers to itself
		to[name], err = e.copy(from[name], false)
	}
	return err
}

// arrives returns an error if a $ref leads to nothing but further ones.
func (e *extract) arrives(ref string) error {
	for seen := []string{}; !slices.Contains(seen, ref); {
		seen = append(seen, ref)
		target, _, err := e.find(ref)
		object, _ := target.(map[string]any)
		next, isText := object["$ref"].(string)
		if err != nil || !isText {
			return err
		}
		ref = next
	}
	return fmt.Errorf("$ref %q leads to itself", ref)
}

// byName are the members that hold names of the author's own.
var byName = []string{
	"properties", "patternProperties", "dependentSchemas", "$defs", "responses", "content", "headers", "encoding", "variables",
}

// verbatim holds values, in which a $ref would be none.
var verbatim = []string{"const", "default", "enum", "required"}

// dropped says nothing of a message, and may be broken.
var dropped = []string{
	"callbacks", "deprecated", "description", "discriminator", "example", "examples", "externalDocs", "links", "security", "summary",
	"tags", "title", "xml",
}

// copy returns a value with what it refers to in the part. isNames says that its members' names are the author's own.
func (e *extract) copy(value any, isNames bool) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(value)) {
			v := value[name]
			var err error
			ref, isText := v.(string)
			switch {
			case isNames:
				kept[name], err = e.copy(v, false)
			case slices.Contains(dropped, name) || strings.HasPrefix(name, "x-"):
			case slices.Contains(verbatim, name):
				kept[name] = v
			case name == "$ref" && isText:
				kept[name], err = ref, e.need(ref)
			default:
				kept[name], err = e.copy(v, slices.Contains(byName, name))
			}
			if err != nil {
				return nil, err
			}
		}
		return kept, nil
	case []any:
		kept := make([]any, len(value))
		for i, v := range value {
			var err error
			if kept[i], err = e.copy(v, false); err != nil {
				return nil, err
			}
		}
		return kept, nil
	default:
		return value, nil
	}
}
