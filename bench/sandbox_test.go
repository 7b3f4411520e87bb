package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/kodexa-community/kodexa-go/bench/gen/stock"
)

// The sandbox serves a client of another kind: oapi-codegen's, as it comes.
func TestSandboxServesAStockClient(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "kodexa-sandbox")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./cmd/kodexa-sandbox") //nolint:gosec // a path of its own
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	ctx, cancel := context.WithCancel(context.Background())
	sandbox := exec.CommandContext(ctx, program, "-addr", "127.0.0.1:0") //nolint:gosec // what was built
	sandbox.Cancel = func() error { return sandbox.Process.Signal(os.Interrupt) }
	stdout, err := sandbox.StdoutPipe()
	if err == nil {
		err = sandbox.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = sandbox.Wait()
	})
	said := map[string]string{} // such as "API key": the key
	for lines := bufio.NewScanner(stdout); lines.Scan() && lines.Text() != ""; {
		name, value, _ := strings.Cut(lines.Text(), "  ")
		said[name] = strings.TrimSpace(value)
	}

	client, err := stock.NewClientWithResponses(said["Page"], stock.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("X-Api-Key", said["API key"])
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse(said["Session"])
	read, err := client.GetSessionWithResponse(t.Context(), id)
	if err != nil || read.JSON200 == nil {
		t.Fatal(err, read)
	}
	session := *read.JSON200
	session.State = new("CLOSED")
	updated, err := client.UpdateSessionWithResponse(t.Context(), id, session)
	if err != nil || updated.JSON200 == nil || *updated.JSON200.ChangeSequence != *session.ChangeSequence+1 || *updated.JSON200.State != "CLOSED" {
		t.Fatal(err, updated)
	}
	again, err := client.UpdateSessionWithResponse(t.Context(), id, session)
	if err != nil || again.StatusCode() != http.StatusConflict {
		t.Error(err, again)
	}
}
