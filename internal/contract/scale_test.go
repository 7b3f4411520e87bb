package contract

import (
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
)

// largeSpec returns a contract of so many operations, and schemas of ten members, each of which is another schema with
// every so many of them.
func largeSpec(operations, schemas, references int) string {
	var s strings.Builder
	s.WriteString("openapi: 3.0.3\ninfo: {title: t, version: v}\npaths:\n")
	for i := range operations {
		content := fmt.Sprintf("content: {application/json: {schema: {$ref: '#/components/schemas/S%d'}}}", i%schemas)
		fmt.Fprintf(&s, "  /api/r%d/{id}:\n    put:\n      operationId: o%d\n      parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}]\n", i, i)
		fmt.Fprintf(&s, "      requestBody: {%s}\n      responses: {'200': {description: ok, %s}}\n", content, content)
	}
	s.WriteString("components:\n  schemas:\n")
	for i := range schemas {
		fmt.Fprintf(&s, "    S%d:\n      type: object\n      description: The schema with this number.\n      properties:\n", i)
		for m := range 10 {
			if m < references {
				fmt.Fprintf(&s, "        m%d: {$ref: '#/components/schemas/S%d'}\n", m, (i*7+m*13+1)%schemas)
			} else {
				fmt.Fprintf(&s, "        m%d: {type: string, description: The member with this number.}\n", m)
			}
		}
	}
	return s.String()
}

// TestALargeContractCompilesOnce counts what is compiled: one a schema, however many operations use them.
func TestALargeContractCompilesOnce(t *testing.T) {
	t.Parallel()
	c := parse(t, largeSpec(50, 90, 10))
	for i := range 50 {
		o := c.Operation(fmt.Sprintf("o%d", i))
		if got := violations(t, o, `{"m1":{"m2":{"m3":{}}}}`); got != nil {
			t.Error(got)
		}
		if got := violations(t, o, `{"m1":{"m2":{"m3":1}}}`); len(got) != 1 || got[0].Pointer != "/m1/m2/m3" {
			t.Error(got)
		}
	}
	if n := len(c.schemas); n != 90+50 { // and one a parameter
		t.Errorf("%d schemas", n)
	}
}

// BenchmarkParse compares with what kin-openapi needs to load the document.
func BenchmarkParse(b *testing.B) {
	shippedSpec, err := os.ReadFile("../../openapi.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for name, spec := range map[string]string{"shipped": string(shippedSpec), "plain": largeSpec(500, 900, 0), "dense": largeSpec(500, 900, 10)} {
		b.Run(name, func(b *testing.B) {
			var load, all time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := openapi3.NewLoader().LoadFromData([]byte(spec)); err != nil {
					b.Fatal(err)
				}
				middle := time.Now()
				parse(b, spec)
				load, all = load+middle.Sub(start), all+time.Since(middle)
			}
			b.ReportMetric(float64(all)/float64(load), "parse÷load")
			var doc *openapi3.T
			var c *Contract
			loaded := kept(func() { doc, err = openapi3.NewLoader().LoadFromData([]byte(spec)) })
			parsed := kept(func() { c = parse(b, spec) })
			b.ReportMetric(parsed/loaded, "kept÷loaded")
			runtime.KeepAlive(doc)
			runtime.KeepAlive(c)
		})
	}
}

// kept returns how many bytes more are in use after make.
func kept(makes func()) float64 {
	var before, after runtime.MemStats
	collect := func() { runtime.GC(); runtime.GC() } // twice, for what pools keep
	collect()
	runtime.ReadMemStats(&before)
	makes()
	collect()
	runtime.ReadMemStats(&after)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
}

// BenchmarkCheck checks a session both ways, and reports how much longer kin-openapi takes for its body.
func BenchmarkCheck(b *testing.B) {
	body, err := os.ReadFile("../../api/examples/realistic.json")
	if err != nil {
		b.Fatal(err)
	}
	o := shipped(b)
	ref := o.request.Content[jsonType].Schema
	for _, contentType := range []string{jsonType, "application/json; charset=UTF-8"} {
		h := header("Content-Type", contentType, "X-Api-Key", "key")
		b.Run(contentType, func(b *testing.B) {
			b.ReportAllocs()
			var quick, slow time.Duration
			for b.Loop() {
				start := time.Now()
				found := o.contract.Find(http.MethodPut, sessionPath)
				sent, _ := found.CheckRequest(sessionPath, "", h, body)
				answered, _ := found.CheckResponse(http.StatusOK, h, body)
				if sent != nil || answered != nil || found.MediaType(http.StatusOK, h) != jsonType {
					b.Fatal(sent, answered)
				}
				quick += time.Since(start)
				b.StopTimer()
				start = time.Now()
				if found := slowly(o, ref, body); found != nil {
					b.Fatal(found)
				}
				slow += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(2*float64(slow)/float64(quick), "kin-openapi÷contract")
		})
	}
}

// BenchmarkBodies has bodies of three shapes and several sizes, accepted and refused: none takes more than its share of time.
func BenchmarkBodies(b *testing.B) {
	o := exchanging(b, "{type: object, additionalProperties: true, properties: {a: {type: object}}}", "")
	for _, size := range []int{1 << 10, 100 << 10, 10 << 20} {
		repeat := func(item func(i int) string) string {
			var s strings.Builder
			for i := 0; s.Len() < size; i++ {
				s.WriteString(item(i))
			}
			return strings.TrimSuffix(s.String(), ",")
		}
		for shape, body := range map[string]string{
			"flat":    `{"a":{` + repeat(func(i int) string { return fmt.Sprintf(`"name%d":%d,`, i, i) }) + `}}`,
			"open":    `{` + repeat(func(i int) string { return fmt.Sprintf(`"name%d":%d,`, i, i) }) + `}`,
			"nested":  `{"a":{` + repeat(func(i int) string { return fmt.Sprintf(`"n%d":{"x":{"y":"z"},"w":[1,2]},`, i) }) + `}}`,
			"strings": `{"a":{"l":[` + repeat(func(i int) string { return fmt.Sprintf(`"text number %d",`, i) }) + `]}}`,
		} {
			for how, text := range map[string]string{"accepted": body, "refused": strings.TrimSuffix(body, "}") + `,"A":1}`} {
				b.Run(fmt.Sprintf("%s/%d/%s", shape, size, how), func(b *testing.B) {
					b.SetBytes(int64(len(text)))
					for b.Loop() {
						found, _ := o.CheckResponse(http.StatusOK, header("Content-Type", jsonType), []byte(text))
						if (found == nil) != (how == "accepted") {
							b.Fatal(found)
						}
					}
				})
			}
		}
	}
}

// TestDeepTextsAreFollowedToTheirEnd has texts that took from 7 s to 45 s where each level, or each violation, cost a pass over all others.
func TestDeepTextsAreFollowedToTheirEnd(t *testing.T) {
	t.Parallel()
	const list = "{$ref: '#/components/schemas/List'}"
	deep := strings.Repeat("[", maxDepth-1) + strings.Repeat("1.0,", 2*maxViolations) + "1" + strings.Repeat("]", maxDepth-1)
	for _, schema := range []string{"{type: array, items: " + list + "}", "{oneOf: [{type: integer}, {type: array, items: " + list + "}]}"} {
		o := exchanging(t, list, "schemas: {List: "+schema+"}")
		if got := violations(t, o, deep); len(got) == 0 {
			t.Errorf("%s: nothing is found", schema)
		}
		o.Decodable(http.StatusOK, header("Content-Type", jsonType), []byte(deep))
	}
}
