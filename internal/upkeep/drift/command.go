package drift

import (
	"context"
	"fmt"
	"io"

	"github.com/getkin/kin-openapi/openapi3"

	kodexa "github.com/kodexa-community/kodexa-go"
)

// Exit statuses of Command.
const (
	ExitSame  = 0
	ExitDrift = 1
	ExitError = 2 // can't tell
)

// Command compares openapi.yaml with the document of a platform, and prints each difference on a line.
func Command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) != 1 || args[0] == "" {
		_, _ = fmt.Fprintln(stderr, "usage: make drift SPEC=<file or URL of the platform's whole document, OpenAPI 3.x, YAML or JSON>")
		return ExitError
	}
	ours, err := openapi3.NewLoader().LoadFromData(kodexa.Spec())
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "drift: can't tell: openapi.yaml: %v\n", err)
		return ExitError
	}
	data, err := Read(ctx, args[0])
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "drift: can't tell: %v\n", err)
		return ExitError
	}
	theirs, err := Load(data, ours)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "drift: can't tell: %s: %v\n", args[0], err)
		return ExitError
	}
	found := Compare(ours, theirs)
	if len(found) == 0 {
		_, _ = fmt.Fprintf(stdout, "drift: none: %s describes our operations as openapi.yaml does\n", args[0])
		return ExitSame
	}
	_, _ = fmt.Fprintf(stdout, "openapi.yaml -> %s\n", args[0])
	for _, d := range found {
		_, _ = fmt.Fprintln(stdout, d)
	}
	count := "1 difference"
	if len(found) > 1 {
		count = fmt.Sprintf("%d differences", len(found))
	}
	_, _ = fmt.Fprintf(stdout, "drift: %s; narrower or wider is what the platform documents\n", count)
	return ExitDrift
}
