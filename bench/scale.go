package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/bench/peers"
	"github.com/kodexa-community/kodexa-go/internal/contract"
)

const (
	scaleRounds   = 5 // of loading; the largest contract takes some tenths of a second
	schemasPerTen = 18
	membersOfOne  = 10
	checksOfACall = 2000
)

// scale measures what a contract costs by the number of its operations, beside what kin-openapi takes to load it.
func scale(_ context.Context, s settings) (string, error) {
	t := newTable("more operations", "schemas", "New ms", "New ÷ kin-openapi", "kept MB", "kept ÷ kin-openapi",
		"a call's checks µs", "÷ 1 operation")
	for _, references := range []int{0, membersOfOne} {
		var first []float64
		for _, operations := range s.operations {
			spec, schemas := scaledSpec(operations, references)
			c, err := scaleOf(spec, min(scaleRounds, s.starts))
			if err != nil {
				return "", err
			}
			if first == nil {
				first = c.checks
			}
			kind := "plain"
			if references > 0 {
				kind = "dense"
			}
			t.add(fmt.Sprintf("%d, %s", operations, kind), fmt.Sprint(schemas), show(c.made, 1), show(divide(c.made, c.loaded), 1),
				number(c.keeps/1e6), number(c.keeps/c.docKeeps), show(c.checks, 1), show(divide(c.checks, first), 1))
		}
	}
	return "What a contract costs as it grows beside the operations of sessions. The schemas of the others hold no others (plain) or " +
		"ten each (dense); every second path is an odd one, /api/r1/{id}:activate. *New* is all that New does with the contract; " +
		"*kept* is after every operation was used; a call's checks are those of an update of a session, both ways.\n" +
		t.String(), nil
}

// scaledSpec returns the module's contract with so many operations more, and the number of schemas that were added. Each
// has ten members, of which so many are other schemas.
func scaledSpec(operations, references int) (spec string, schemas int) {
	var paths, models strings.Builder
	schemas = operations * schemasPerTen / 10
	for i := range operations {
		content := fmt.Sprintf("content: {application/json: {schema: {$ref: '#/components/schemas/S%d'}}}", i%schemas)
		_, _ = fmt.Fprintf(&paths, "  /api/r%d/{id}%s:\n    put:\n      operationId: o%d\n", i/2, []string{"", ":activate"}[i%2], i)
		_, _ = fmt.Fprintf(&paths, "      parameters: [{name: id, in: path, required: true, schema: {type: string, format: uuid}}, "+
			"{name: page, in: query, schema: {type: integer, minimum: 1}}]\n      requestBody: {%s}\n", content)
		_, _ = fmt.Fprintf(&paths, "      responses: {'200': {description: ok, headers: {X-Total: {schema: {type: integer}}}, %s}}\n", content)
	}
	for i := range schemas {
		_, _ = fmt.Fprintf(&models, "    S%d:\n      type: object\n      description: The schema with this number.\n      properties:\n", i)
		for m := range membersOfOne {
			if m < references {
				_, _ = fmt.Fprintf(&models, "        m%d: {$ref: '#/components/schemas/S%d'}\n", m, (i*7+m*13+1)%schemas)
			} else {
				_, _ = fmt.Fprintf(&models, "        m%d: {type: string, description: The member with this number.}\n", m)
			}
		}
	}
	spec = strings.Replace(string(kodexa.Spec()), "\npaths:\n", "\npaths:\n"+paths.String(), 1)
	return strings.Replace(spec, "\n  schemas:\n", "\n  schemas:\n"+models.String(), 1), schemas
}

// scaleCosts are what a contract costs: milliseconds, bytes and, of a call's checks, microseconds.
type scaleCosts struct {
	loaded, made, checks []float64
	docKeeps, keeps      float64
}

func scaleOf(spec string, rounds int) (c scaleCosts, err error) {
	var document *openapi3.T
	var made *contract.Contract
	load := func() { document, err = openapi3.NewLoader().LoadFromData([]byte(spec)) }
	parse := func() { made, err = contract.Parse([]byte(spec)) }
	for range rounds {
		c.loaded = append(c.loaded, timed(load))
		if err == nil {
			c.made = append(c.made, timed(parse))
		}
		if err != nil {
			return c, err
		}
	}
	document, made = nil, nil
	c.docKeeps = kept(load)
	c.keeps = kept(func() {
		parse()
		if err == nil {
			err = checkCall(made)
		}
	})
	for range rounds {
		c.checks = append(c.checks, 1e3/checksOfACall*timed(func() {
			for i := 0; i < checksOfACall && err == nil; i++ {
				err = checkCall(made)
			}
		}))
	}
	runtime.KeepAlive(document)
	return c, err
}

// checkCall checks an update of a session both ways, as a call does.
func checkCall(c *contract.Contract) error {
	path, body := "/api/sessions/"+peers.SessionID.String(), usualSession()
	header := http.Header{"Content-Type": {"application/json"}, "X-Api-Key": {"key"}}
	operation := c.Find(http.MethodPut, path)
	if operation == nil {
		return errors.New("the contract has no update of sessions")
	}
	sent, _ := operation.CheckRequest(path, "", header, body)
	answered, _ := operation.CheckResponse(http.StatusOK, header, body)
	if len(sent)+len(answered) > 0 {
		return fmt.Errorf("a good session is refused: %v, %v", sent, answered)
	}
	return nil
}

// timed returns how many milliseconds f takes.
func timed(f func()) float64 {
	runtime.GC()
	start := time.Now()
	f()
	return milliseconds(time.Since(start))
}

// kept returns how many bytes more are in use after f.
func kept(f func()) float64 {
	var before, after runtime.MemStats
	collect := func() { runtime.GC(); runtime.GC() } // twice, for what pools keep
	collect()
	runtime.ReadMemStats(&before)
	f()
	collect()
	runtime.ReadMemStats(&after)
	return float64(after.HeapAlloc) - float64(before.HeapAlloc)
}
