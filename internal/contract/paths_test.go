package contract

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// get returns a contract that has these paths, each with a GET.
func get(tb testing.TB, paths ...string) *Contract {
	tb.Helper()
	var spec strings.Builder
	spec.WriteString("openapi: 3.0.3\ninfo: {title: t, version: v}\npaths:\n")
	for _, path := range paths {
		spec.WriteString("  \"" + path + "\": {get: {operationId: \"" + path + "\", responses: {\"200\": {description: ok}}}}\n")
	}
	return parse(tb, spec.String())
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		paths string
		found map[string]string // "" is none
	}{
		{"/things /things/{id} /things/{id}/parts", map[string]string{
			"/things": "/things", "/things/a": "/things/{id}", "/things/a/parts": "/things/{id}/parts", "/things/a%20b~": "/things/{id}",
			"/things/a%2Fparts": "/things/{id}", "/things/%2F": "/things/{id}", "/things/a%2Fb/parts": "/things/{id}/parts",
			"/Things/a": "", "/things/": "", "/things/a/": "", "/things/a/other": "", "/things//parts": "", "things": "", "": "", "/": "", "//": "", "/other/a": "",
			"/things/%zz": "", "/things/a/parts/b": "",
		}},
		{"/o/{id} /o/current", map[string]string{"/o/a": "/o/{id}", "/o/current": "/o/current", "/o/currently": "/o/{id}"}},
		{"/o/{id}/x /o/current/y", map[string]string{"/o/current/x": "/o/{id}/x", "/o/current/y": "/o/current/y", "/o/a/y": ""}},
		{"/f/{id} /f/{id}.json /f/{id}:activate", map[string]string{
			"/f/a": "/f/{id}", "/f/a.json": "/f/{id}.json", "/f/a.b.json": "/f/{id}.json", "/f/.json": "/f/{id}", "/f/a:activate": "/f/{id}:activate", "/f/:activate": "/f/{id}",
		}},
		{"/a/{x}/b/{y}", map[string]string{"/a/1/b/2": "/a/{x}/b/{y}", "/a/b/b/b": "/a/{x}/b/{y}", "/a//b/2": "", "/a/1/b/": "", "/a/1/2/b/3": "", "/a/1/b/2/b/3": ""}},
		{"/{a}-{b}.{c} /v{n}/x{m}y", map[string]string{"/1-2.3": "/{a}-{b}.{c}", "/1-2-3.4.5": "/{a}-{b}.{c}", "/-2.3": "", "/1-.3": "", "/v1/x2y": "/v{n}/x{m}y", "/v/x2y": "", "/v1/xy": ""}},
		{"/f/{id}.json/{p} /f/{id}.xml/{p}", map[string]string{"/f/a.json/x": "/f/{id}.json/{p}", "/f/a.xml/x": "/f/{id}.xml/{p}", "/f/a/x": "", "/f/a.json.json/x": "/f/{id}.json/{p}"}},
		{"/ /things/ /things:batch /a{ /ü/{id}", map[string]string{"/": "/", "/things/": "/things/", "/things": "", "/things:batch": "/things:batch", "": "", "/%C3%BC/1": "/ü/{id}"}},
		{"/{id}/a /a/{id}", map[string]string{"/a/a": "/a/{id}", "/b/a": "/{id}/a", "/a/b": "/a/{id}"}},
		{"/{a} /{b}", map[string]string{"/1": "/{a}"}},
	} {
		c := get(t, strings.Fields(tt.paths)...)
		for path, want := range tt.found {
			got := ""
			if o := c.Find(http.MethodGet, path); o != nil {
				got = o.Path
			}
			if got != want {
				t.Errorf("%s: %q is for %q, want %q", tt.paths, path, got, want)
			}
			if o := c.Find(http.MethodPut, path); o != nil {
				t.Errorf("%s: with another method, %q is for %q", tt.paths, path, o.Path)
			}
		}
		for path := range strings.FieldsSeq(tt.paths) {
			if o := c.Operation(path); o == nil || o.ID != path || o.Method != http.MethodGet {
				t.Errorf("%s by its id: %v", path, o)
			}
		}
	}
}

func TestAMethodMayBeThatOfTheTemplateAlone(t *testing.T) {
	t.Parallel()
	c := parse(t, `openapi: 3.0.3
info: {title: t, version: v}
paths:
  /o/{id}: {put: {responses: {"200": {description: ok}}}}
  /o/current: {get: {responses: {"200": {description: ok}}}}
`)
	if o := c.Find(http.MethodPut, "/o/current"); o == nil || o.Path != "/o/{id}" {
		t.Errorf("got %v", o)
	}
}

func TestValuesOfAPathAreUnescaped(t *testing.T) {
	t.Parallel()
	c := get(t, "/a/{x}/b/{y}.{z}")
	for path, want := range map[string][]string{
		"/a/1/b/2.3":              {"1", "2", "3"},
		"/a/1%2F2/b/%C3%BC%2e.x+": {"1/2", "ü.", "x+"},
		"/a/%20/b/..%2525":        {" ", ".", "%25"},
		"/a/1/b/2":                nil,
	} {
		var got []string
		o := c.Operation("/a/{x}/b/{y}.{z}")
		ok := o.pathValues(path, func(i int, value string) bool {
			got = append(got, value)
			return i == len(got)-1
		})
		if ok != (want != nil) || ok && !slices.Equal(got, want) {
			t.Errorf("%s: got %q, %t", path, got, ok)
		}
	}
}

func FuzzFind(f *testing.F) {
	paths := []string{"/a/{x}/b/{y}", "/a/{x}", "/a/{x}.json", "/a/{x}:go", "/a/fixed", "/{p}-{q}/b", "/"}
	for _, path := range paths {
		f.Add(path)
	}
	f.Add("/a/b%2Fc/b/d")
	f.Add("//%zz/")
	c := get(f, paths...)
	f.Fuzz(func(t *testing.T, path string) {
		o := c.Find(http.MethodGet, path)
		if o == nil {
			return
		}
		var values []string
		if !o.pathValues(path, func(_ int, value string) bool { values = append(values, value); return value != "" }) || len(values) != len(o.names) {
			t.Errorf("%q is for %s with %q", path, o.Path, values)
		}
		if strings.Count(path, "/") != strings.Count(o.Path, "/") {
			t.Errorf("%q is for %s", path, o.Path)
		}
	})
}

func BenchmarkFind(b *testing.B) {
	few, many := map[string]bool{"/x/{id}:activate": true}, map[string]bool{}
	for i := range 500 {
		name := "/api/" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + "/{id}"
		many[name] = true
		if i == 0 {
			few[name] = true
		}
	}
	for name, paths := range map[string]map[string]bool{"few": few, "many": many} {
		c := get(b, slices.Sorted(maps.Keys(paths))...)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if c.Find(http.MethodGet, "/api/aa/550e8400") == nil {
					b.Fatal("none")
				}
			}
		})
	}
}
