// Package upkeep is for the programs of whoever keeps the contract: cmd/drift tells where a platform documents something else,
// cmd/contract-diff what a change of openapi.yaml means for importers, cmd/record makes an example of a real answer. The
// Makefile has a target for each.
//
// Package released tells what was released last, for these and for package main of internal/release.
//
// Their exit statuses are alike: 0 if all is well, 1 if there is something to be done, 2 if they can't tell.
package upkeep

import (
	"context"
	"fmt"
	"io"
	"os"
)

// Main runs a command and exits with its status. A first argument -C names the directory to run it in, as that of git does.
func Main(command func(ctx context.Context, args []string, stdout, stderr io.Writer) int) {
	args := os.Args[1:]
	if len(args) > 1 && args[0] == "-C" {
		if err := os.Chdir(args[1]); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		args = args[2:]
	}
	os.Exit(command(context.Background(), args, os.Stdout, os.Stderr))
}
