package change

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kodexa-community/kodexa-go/internal/upkeep/lonegit"
)

func TestMain(m *testing.M) { lonegit.Run(m) }

const checkout = "../../.."

// older is a repository whose only commit has the contract with its bodies and the tools, under a tag.
type older struct {
	tag   string // "": none
	edits []string
}

// make makes the repository, and then edits its openapi.yaml: pairs of a text, of which the first is replaced, and another.
func (o older) make(t *testing.T, edits ...string) repository {
	t.Helper()
	repo := repository(t.TempDir())
	for _, name := range []string{"openapi.yaml", "go.mod", "tools/go.mod", "tools/go.sum", "api/examples", "api/violations"} {
		from, to := filepath.Join(checkout, name), repo.path(name)
		if filepath.Ext(name) == "" {
			must(t, os.CopyFS(to, os.DirFS(from)))
			continue
		}
		data, err := os.ReadFile(from)
		must(t, err)
		must(t, os.MkdirAll(filepath.Dir(to), 0o750))
		must(t, os.WriteFile(to, data, 0o600))
	}
	must(t, os.WriteFile(repo.path("CHANGELOG.md"), []byte("# Changelog\n\n## [Unreleased]\n"), 0o600))
	edit(t, repo, o.edits)
	git(t, repo, "init", "--quiet")
	git(t, repo, "add", ".")
	git(t, repo, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "commit", "--quiet", "--message", "first")
	if o.tag != "" {
		git(t, repo, "-c", "tag.gpgsign=false", "tag", o.tag)
	}
	edit(t, repo, edits)
	return repo
}

func edit(t *testing.T, repo repository, edits []string) {
	t.Helper()
	spec, err := os.ReadFile(repo.path("openapi.yaml"))
	must(t, err)
	for pair := range slices.Chunk(edits, 2) {
		if !bytes.Contains(spec, []byte(pair[0])) {
			t.Fatalf("openapi.yaml has no %q", pair[0])
		}
		spec = bytes.Replace(spec, []byte(pair[0]), []byte(pair[1]), 1)
	}
	must(t, os.WriteFile(repo.path("openapi.yaml"), spec, 0o600))
}

func git(t *testing.T, repo repository, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = string(repo)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %q: %v: %s", args, err, out)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// What can be done to the contract.
var (
	anotherText    = []string{"description: The session.", "description: A session."}
	anotherMember  = []string{"        state:\n", "        owner: {type: string}\n        state:\n"}
	anotherType    = []string{"State of the session. The platform documents no closed set of values.\n          type: string", "State.\n          type: integer"}
	renamedMember  = []string{"        slug:\n", "        shortName:\n"}
	closedObject   = []string{"      additionalProperties: true\n      properties:\n        changeSequence", "      additionalProperties: false\n      properties:\n        changeSequence"}
	anotherMedia   = []string{"          application/json:\n            schema:\n              $ref: \"#/components/schemas/Session\"\n      responses", "          application/xml:\n            schema:\n              $ref: \"#/components/schemas/Session\"\n      responses"}
	memberOfOthers = []string{"        state:\n", "        status: {type: string}\n        state:\n"} // which an example has as null
	nullableMember = []string{"Token of the session. Treat it as a secret.\n          type: string", "Token.\n          type: string\n          nullable: true"}
	queryParameter = []string{"      parameters:\n", "      parameters:\n        - {name: fields, in: query, schema: {type: string}}\n"}
	moreParameters = []string{"      parameters:\n", "      parameters:\n        - {name: expand, in: query, schema: {type: boolean}}\n"}
	anotherID      = []string{"operationId: getSession", "operationId: readSession"}
	anotherSchema  = []string{`"#/components/schemas/AuthGroupLink"`, `"#/components/schemas/GroupLink"`, "    AuthGroupLink:\n", "    GroupLink:\n"}
	anotherKey     = []string{"name: x-api-key", "name: x-access-token"}
	newOperation   = []string{"    put:\n", "    delete:\n      operationId: deleteSession\n      parameters:\n        - {name: id, in: path, required: true, schema: {type: string, format: uuid}}\n      responses: {\"204\": {description: Gone}}\n    put:\n"}
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		older     older
		edits     []string
		changelog string
		status    int
		want      []string // in what is printed
	}{
		"nothing": {want: []string{"openapi.yaml: v0.1.0 -> now\napi/: ", " examples of v0.1.0 are accepted, ", " violations refused\nversion: no bump: nothing changed\n"}},
		"a text":  {edits: anotherText, want: []string{"version: patch, v0.1.0 -> v0.1.1: texts alone changed\n"}},
		"a member": {edits: anotherMember, want: []string{
			"compatible: /owner: wider: member: none -> string (GET /api/sessions/{id}, response 200; PUT /api/sessions/{id}, request; PUT /api/sessions/{id}, response 200)\n",
			"info: oasdiff: PUT /api/sessions/{id}: added the new optional request property `owner`",
			"version: minor, v0.1.0 -> v0.2.0: importers get more\n",
		}},
		"an operation": {edits: newOperation, want: []string{"compatible: DELETE /api/sessions/{id}: wider: operation: none -> documented\n", "version: minor, v0.1.0 -> v0.2.0: importers get more\n"}},
		"a type": {edits: anotherType, status: 1, want: []string{
			"breaking: /state: different: type: string -> integer (GET /api/sessions/{id}, response 200; ",
			"breaking: oasdiff: GET /api/sessions/{id}: the `state` response's property `type` changed from `string` to `integer`",
			`breaking: api/examples/realistic.json of v0.1.0 is refused, at "/state": value must be an integer` + "\n",
			`compatible: api/violations/types.json of v0.1.0: "state: a number" is accepted` + "\n",
			"version: minor, v0.1.0 -> v0.2.0: a change breaks importers; below v1 that is a minor bump\n",
			"CHANGELOG.md does not name what breaks importers since v0.1.0.", "\n  `state`: /state: different: type: string -> integer",
		}},
		"above v1":                 {older: older{tag: "v1.2.3"}, edits: anotherType, status: 1, want: []string{"version: major, v1.2.3 -> v2.0.0: a change breaks importers\n"}},
		"after a prerelease":       {older: older{tag: "v0.2.0-rc.1"}, edits: anotherType, status: 1, want: []string{"version: minor, v0.2.0-rc.1 -> v0.2.0: a change breaks importers"}},
		"a tag that is no version": {older: older{tag: "vnext"}, edits: anotherType, want: []string{"SKIPPED: no tag yet to compare openapi.yaml with\n"}},

		// What oasdiff does not see, or calls info.
		"a closed object":      {edits: closedObject, status: 1, want: []string{"breaking: /*: narrower: further members: any -> none (", "\n  `GET /api/sessions/{id}` or `PUT /api/sessions/{id}` or `getSession` or `updateSession`: /*: "}},
		"another media type":   {edits: anotherMedia, status: 1, want: []string{"breaking: different: media type: application/json -> application/xml (PUT /api/sessions/{id}, request)\n"}},
		"a renamed member":     {edits: renamedMember, status: 1, want: []string{"breaking: /organization/slug: narrower: member: string -> none (", "info: oasdiff: PUT /api/sessions/{id}: removed the optional property `organization/slug` from the response"}},
		"a member of examples": {edits: memberOfOthers, status: 1, want: []string{`breaking: api/examples/unnamed-members.json of v0.1.0 is refused, at "/status": Value is not nullable` + "\n", "\n  `getSession` or `status` or `updateSession`: "}},

		// What breaks Go programs.
		"nullable":            {edits: nullableMember, status: 1, want: []string{"breaking: /token: wider: nullable: no -> yes (", `compatible: api/violations/nulls.json of v0.1.0: "token: null" is accepted`}},
		"the first parameter": {edits: queryParameter, status: 1, want: []string{"breaking: wider: parameter: none -> optional (GET /api/sessions/{id}, query parameter \"fields\")\n", "\n  `fields`: "}},
		"the second parameter": {older: older{edits: queryParameter}, edits: moreParameters, want: []string{
			"compatible: wider: parameter: none -> optional (GET /api/sessions/{id}, query parameter \"expand\")\n", "-> v0.2.0: importers get more",
		}},
		"an operationId": {edits: anotherID, status: 1, want: []string{"breaking: operationId: getSession -> none\n", "api/: not looked at: there is no operation getSession\n"}},
		"a schema":       {edits: anotherSchema, status: 1, want: []string{"breaking: schema: AuthGroupLink -> none\n"}},
		"the key":        {edits: anotherKey, status: 1, want: []string{"breaking: different: credentials: header x-api-key -> header x-access-token (GET /api/sessions/{id}, security; PUT /api/sessions/{id}, security)\n"}},

		// What the changelog says.
		"named":                     {edits: anotherType, changelog: "## [Unreleased]\n\n### Changed\n\n- **Breaking** `Session.State`, JSON `state`, is a number.\n"},
		"named below Removed":       {edits: renamedMember, changelog: "## [Unreleased]\n### Removed\n* **Breaking** Use\n  `shortName` in place of `/organization/slug`.\n"},
		"named by the operation":    {edits: anotherMedia, changelog: "## [Unreleased]\n### Changed\n- **Breaking** `updateSession` sends XML.\n"},
		"named for the release":     {edits: anotherType, changelog: "## [Unreleased]\n## [0.2.0] - 2026-11-26\n### Changed\n- **Breaking** `state`\n## [0.1.0]\n"},
		"named in an older release": {edits: anotherType, status: 1, changelog: "## [Unreleased]\n## [0.1.0]\n### Changed\n- **Breaking** `state`\n"},
		"not called breaking":       {edits: anotherType, status: 1, changelog: "## [Unreleased]\n### Changed\n- `state` is a number.\n- **Breaking** `token`\n"},
		"named below Added":         {edits: anotherType, status: 1, changelog: "## [Unreleased]\n### Added\n- **Breaking** `state`\n"},
		"without backticks":         {edits: anotherType, status: 1, changelog: "## [Unreleased]\n### Changed\n- **Breaking** state\n"},
		"a closed object, named":    {edits: closedObject, changelog: "## [Unreleased]\n### Changed\n- **Breaking** `updateSession` takes no further members.\n"},
		"one of two":                {edits: slices.Concat(anotherType, renamedMember), status: 1, changelog: "## [Unreleased]\n### Changed\n- **Breaking** `state`\n", want: []string{"\n  `slug`: "}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.older.tag == "" {
				tt.older.tag = "v0.1.0"
			}
			repo := tt.older.make(t, tt.edits...)
			if tt.changelog != "" {
				must(t, os.WriteFile(repo.path("CHANGELOG.md"), []byte(tt.changelog), 0o600))
			}
			var out bytes.Buffer
			status := command(t.Context(), repo, []string{"-check"}, &out, &out)
			for _, want := range append(tt.want, "") {
				if status != tt.status || !strings.Contains(out.String(), want) {
					t.Fatalf("status %d, want %d and %q\n%s", status, tt.status, want, &out)
				}
			}
			if tt.status == 0 && strings.Contains(out.String(), "CHANGELOG") || strings.Contains(out.String(), "api-version-not-bumped") {
				t.Error(out.String())
			}
		})
	}
}

func TestCheckWithoutATagIsSkipped(t *testing.T) {
	t.Parallel()
	tagged := older{tag: "v0.1.0"}.make(t)
	edit(t, tagged, anotherText)
	git(t, tagged, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "commit", "--quiet", "--all", "--message", "second")
	shallow := repository(t.TempDir())
	git(t, shallow, "clone", "--quiet", "--depth=1", "--no-tags", "file://"+string(tagged), ".")
	for name, tt := range map[string]struct {
		repo repository
		want string
	}{
		"no tag":          {older{}.make(t, anotherType...), "SKIPPED: no tag yet to compare openapi.yaml with\n"},
		"a shallow clone": {shallow, "SKIPPED: no tag in this shallow clone to compare openapi.yaml with: git fetch --unshallow --tags gets them\n"},
		"no repository":   {repository(t.TempDir()), "SKIPPED: no tag to compare openapi.yaml with: git: fatal: not a git repository"},
	} {
		var stdout, stderr bytes.Buffer
		status := command(t.Context(), tt.repo, []string{"-check"}, &stdout, &stderr)
		if status != exitGood || !strings.HasPrefix(stdout.String(), tt.want) || stderr.Len() > 0 {
			t.Errorf("%s: status %d, %s%s", name, status, &stdout, &stderr)
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	repo := older{}.make(t)
	spec, err := os.ReadFile(repo.path("openapi.yaml"))
	must(t, err)
	must(t, os.WriteFile(repo.path("older.yaml"), spec, 0o600))
	edit(t, repo, anotherType)
	for base, want := range map[string]string{
		"HEAD":                  " examples of HEAD are accepted, ",
		"older.yaml":            "api/: not looked at: the base is a file\nversion: minor: a change breaks importers; below v1 that is a minor bump\n",
		repo.path("older.yaml"): "breaking: /state: different: type: string -> integer (",
		"openapi.yaml":          "openapi.yaml: openapi.yaml -> now\napi/: not looked at: the base is a file\nversion: no bump: nothing changed\n",
	} {
		var stdout, stderr bytes.Buffer
		if status := command(t.Context(), repo, []string{base}, &stdout, &stderr); status != exitGood || !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: status %d, %s%s", base, status, &stdout, &stderr)
		}
	}
}

func TestDiffSinceAnOlderVersion(t *testing.T) {
	t.Parallel()
	repo := older{tag: "v0.1.0"}.make(t, anotherMedia...)
	git(t, repo, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false", "commit", "--quiet", "--all", "--message", "second")
	git(t, repo, "-c", "tag.gpgsign=false", "tag", "v0.2.0")
	for base, want := range map[string]string{
		"v0.1.0": "\nversion: minor, v0.1.0 -> v0.2.0: a change breaks importers; below v1 that is a minor bump\n",
		"HEAD~1": "\nversion: minor, v0.2.0 -> v0.3.0: a change breaks importers; below v1 that is a minor bump\n",
		"v0.2.0": "\nversion: no bump: nothing changed\n",
	} {
		var stdout, stderr bytes.Buffer
		if status := command(t.Context(), repo, []string{base}, &stdout, &stderr); status != exitGood || !strings.Contains(stdout.String(), want) {
			t.Errorf("%s: status %d, %s%s", base, status, &stdout, &stderr)
		}
	}
}

func TestDiffCanNotTell(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		args  []string
		spoil func(t *testing.T, repo repository)
		want  string
	}{
		"no base":                 {nil, nil, "usage: make contract-diff BASE=<git ref or file>\n"},
		"an empty base":           {[]string{""}, nil, "usage: make contract-diff BASE=<git ref or file>\n"},
		"a ref that is none":      {[]string{"v9"}, nil, "contract-diff: can't tell: v9 is no file and no Git ref: git: fatal: not a valid object name: v9\n"},
		"an option":               {[]string{"--output=x"}, nil, "contract-diff: can't tell: --output=x is no file and no Git ref: git: fatal: "},
		"a directory":             {[]string{"api"}, nil, "contract-diff: can't tell: read "},
		"a file that is broken":   {[]string{"CHANGELOG.md"}, nil, "contract-diff: can't tell: CHANGELOG.md: not OpenAPI"},
		"a ref without the file":  {[]string{"HEAD:api"}, nil, "contract-diff: can't tell: HEAD:api has no openapi.yaml\n"},
		"a contract that is gone": {[]string{"HEAD"}, func(t *testing.T, repo repository) { t.Helper(); must(t, os.Remove(repo.path("openapi.yaml"))) }, "contract-diff: can't tell: open "},
		"a contract that is broken": {[]string{"HEAD"}, func(t *testing.T, repo repository) {
			t.Helper()
			edit(t, repo, []string{"#/components/schemas/Session", "#/components/schemas/Gone"})
		}, "contract-diff: can't tell: openapi.yaml: "},
		"a contract of 3.1": {[]string{"HEAD"}, func(t *testing.T, repo repository) { t.Helper(); edit(t, repo, []string{"3.0.3", "3.1.0"}) }, "contract-diff: can't tell: contract: OpenAPI 3.1.0 is not supported"},
		"a base of 3.1": {[]string{"older.yaml"}, func(t *testing.T, repo repository) {
			t.Helper()
			must(t, os.WriteFile(repo.path("older.yaml"), []byte("openapi: 3.1.0\ninfo: {title: a, version: b}\npaths: {}\n"), 0o600))
		}, "contract-diff: can't tell: older.yaml: OpenAPI 3.1.0 can't be compared with openapi.yaml here: make drift does\n"},
		"no tools":                 {[]string{"HEAD"}, func(t *testing.T, repo repository) { t.Helper(); must(t, os.Remove(repo.path("tools/go.mod"))) }, "contract-diff: can't tell: oasdiff: go: "},
		"a changelog that is gone": {[]string{"-check"}, func(t *testing.T, repo repository) { t.Helper(); must(t, os.Remove(repo.path("CHANGELOG.md"))) }, "contract-diff: can't tell: open "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := older{tag: "v0.1.0"}.make(t)
			if tt.spoil != nil {
				tt.spoil(t, repo)
			}
			var stdout, stderr bytes.Buffer
			status := command(t.Context(), repo, tt.args, &stdout, &stderr)
			if status != exitError || !strings.HasPrefix(stderr.String(), tt.want) {
				t.Errorf("status %d, %s%s", status, &stdout, &stderr)
			}
		})
	}
}
