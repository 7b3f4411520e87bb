package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/kodexa-community/kodexa-go/bench/peers"
)

// targetOf returns the update that is measured. The server takes any key.
func targetOf(url string, session []byte) peers.Target {
	return peers.Target{URL: url, Charset: url + charsetPath, APIKey: "key", Session: session}
}

// charsetPath begins the paths to which the media type of the answer has a parameter.
const charsetPath = "/charset"

// newServer starts a server that does the least: it reads a request and answers the session. To GET it answers how many
// connections were opened to it.
func newServer(session []byte) *httptest.Server {
	var opened atomic.Int64
	length := strconv.Itoa(len(session))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method == http.MethodGet {
			_, _ = fmt.Fprint(w, opened.Load())
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		mediaType := "application/json"
		if strings.HasPrefix(req.URL.Path, charsetPath+"/") {
			mediaType = "application/json; charset=UTF-8"
		}
		w.Header().Set("Content-Type", mediaType)
		w.Header().Set("Content-Length", length)
		_, _ = w.Write(session)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	return server
}

// serveVariable makes the program the server of another one, see startServer.
const serveVariable = "KODEXA_BENCH_SERVE"

// serveIfAsked turns the program into a server until its standard input ends, and reports whether it did.
func serveIfAsked() bool {
	if os.Getenv(serveVariable) == "" {
		return false
	}
	server := newServer(usualSession())
	defer server.Close()
	fmt.Println(server.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
	return true
}

// remote is a server in a process of its own.
type remote struct {
	url     string
	process *exec.Cmd
	stdin   io.Closer
	counter *http.Client // its one connection is there before anything is counted
}

// startServer starts this program once more as a server.
func startServer(ctx context.Context) (*remote, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	process := command(ctx, program)
	process.Env = append(os.Environ(), serveVariable+"=1")
	process.Stderr = os.Stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	r := &remote{process: process, stdin: stdin, counter: &http.Client{Transport: &http.Transport{}}}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(err, r.close())
	}
	r.url = strings.TrimSpace(line)
	return r, nil
}

// connections returns how many connections were opened to the server.
func (r *remote) connections(ctx context.Context) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url, http.NoBody)
	if err != nil {
		return 0, err
	}
	res, err := r.counter.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(body))
}

func (r *remote) close() error { return errors.Join(r.stdin.Close(), r.process.Wait()) }

// command is to run this program, one that it built, or go.
func command(ctx context.Context, program string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, program, args...) //nolint:gosec // see above
}
