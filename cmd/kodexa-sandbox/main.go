// Command kodexa-sandbox is a Kodexa Platform on loopback, for whoever tests with curl, Python or a browser. It serves the
// sessions API as package kodexatest does, and a page that shows the sessions and the requests as they come:
//
//	go run ./cmd/kodexa-sandbox
//	go run ./cmd/kodexa-sandbox -addr :9000 -seed sessions.json -fault 503:0.1,slow:0.05:2s
//	go run ./cmd/kodexa-sandbox -h
//
// It prints its address, its API key and lines of curl to begin with.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
)

const usage = `Usage: kodexa-sandbox [flags]

A Kodexa Platform on loopback. It holds requests and its own answers against the contract.
Its page, at / in a browser, shows the sessions, and the requests as they come. Ctrl-C ends it.

  -addr HOST:PORT  where it listens, 127.0.0.1:8080 by default. Without a HOST it is
                   127.0.0.1, and with -public every interface. Port 0 is any free port
  -public          other machines may reach it. It speaks plain HTTP, and its page then
                   wants the API key as a password
  -key KEY         the API key, random by default; letters, digits and ._~-
  -seed FILE       the sessions that it has at first: a session as JSON, or an array of
                   them. Each needs an id; a changeSequence that is missing is 0
  -fault FAULT     a bad day, for a share of the requests. May be given more than once,
                   or as a list with commas. SHARE is a number from 0 to 1
      STATUS:SHARE        this status, 300 to 599, in place of an answer: 503:0.1
      html:SHARE          a login page with status 200 in place of an answer
      reset:SHARE         the request is handled, and the connection reset
      slow:SHARE:DURATION the request is handled, and answered later: slow:0.1:2s
  -fault-seed N    the same N and the same requests, one by one, meet the same faults
  -h               print this text

The log on standard error has a line a request: status, fault, and what broke the contract.
Neither log nor page shows the key or a token.
`

// options are what the flags ask for.
type options struct {
	addr     *net.TCPAddr
	isPublic bool
	key      string
	sessions []kodexa.Session
	faults   []fault
	luck     uint64 // the seed of the faults' random numbers
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main without the process. It returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseArgs(args)
	if errors.Is(err, flag.ErrHelp) {
		_, _ = io.WriteString(stdout, usage)
		return 0
	}
	if err == nil {
		err = o.serve(ctx, stdout, stderr)
	}
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "kodexa-sandbox: "+strings.ReplaceAll(err.Error(), "\n", "\nkodexa-sandbox: "))
		return 1
	}
	return 0
}

// parseArgs returns what the arguments ask for, or everything that is wrong with them.
func parseArgs(args []string) (*options, error) {
	flags := flag.NewFlagSet("kodexa-sandbox", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // run says what is wrong
	o := &options{}
	addr := flags.String("addr", "127.0.0.1:8080", "")
	flags.BoolVar(&o.isPublic, "public", false, "")
	flags.StringVar(&o.key, "key", rand.Text(), "")
	seed := flags.String("seed", "", "")
	flags.Uint64Var(&o.luck, "fault-seed", mathrand.Uint64N(1e6), "")
	var wrong []error
	var sum float64
	flags.Func("fault", "", func(list string) error {
		for text := range strings.SplitSeq(list, ",") {
			f, err := parseFault(text)
			o.faults, wrong, sum = append(o.faults, f), append(wrong, err), sum+f.Share
		}
		return nil
	})
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w; -h tells the flags", err)
	}
	if flags.NArg() > 0 {
		wrong = append(wrong, fmt.Errorf("%q is no flag", flags.Arg(0)))
	}
	if !regexp.MustCompile(`^[\w.~-]+$`).MatchString(o.key) {
		wrong = append(wrong, errors.New("-key: letters, digits and ._~- are what it may have, and it needs one of them"))
	}
	if sum > 1+1e-9 { // as 0.7, 0.2 and 0.1 add up to
		wrong = append(wrong, fmt.Errorf("-fault: the shares add up to %g, more than 1", sum))
	}
	err := o.setAddr(*addr)
	wrong = append(wrong, err)
	o.sessions, err = readSessions(*seed)
	return o, errors.Join(append(wrong, err)...)
}

func (o *options) setAddr(text string) (err error) {
	if o.addr, err = net.ResolveTCPAddr("tcp", text); err != nil {
		return fmt.Errorf("-addr %s: %w", text, err)
	}
	if o.addr.IP == nil && !o.isPublic {
		o.addr.IP = net.IPv4(127, 0, 0, 1)
	}
	if !o.addr.IP.IsLoopback() && !o.isPublic {
		return fmt.Errorf("-addr %s: other machines could reach it; say -public too if they may", text)
	}
	return nil
}

// serve runs the sandbox until ctx ends.
func (o *options) serve(ctx context.Context, stdout, stderr io.Writer) error {
	listener, err := net.ListenTCP("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("-addr: %w", err)
	}
	s := newSandbox(o, log.New(stderr, "", log.Ltime))
	defer s.platform.Close()
	var silent sync.Map // connections without a request
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // what waits, and the page's events, end with it
		ConnState: func(conn net.Conn, state http.ConnState) {
			if silent.Delete(conn); state == http.StateNew {
				silent.Store(conn, nil)
			}
		},
	}
	o.greet(stdout, listener.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err = <-served:
		return err
	case <-ctx.Done():
	}
	silent.Range(func(conn, _ any) bool { // Shutdown would wait for a request
		if conn, ok := conn.(net.Conn); ok {
			_ = conn.Close()
		}
		return true
	})
	// ctx has ended, so this is the one thing with a context of its own.
	last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if server.Shutdown(last) != nil {
		return server.Close()
	}
	return nil
}

// greet says where the sandbox is and how to begin.
func (o *options) greet(w io.Writer, addr net.Addr) {
	host := addr.String()
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		name, _ := os.Hostname()
		host = net.JoinHostPort(cmp.Or(name, "localhost"), fmt.Sprint(tcp.Port))
	}
	id := uuid.MustParse(*o.sessions[0].ID) // a path wants dashes
	_, _ = fmt.Fprintf(w, `Page     http://%[1]s/
API key  %[2]s
Session  %[3]s

export KODEXA_URL=http://%[1]s KODEXA_API_KEY=%[2]s
# A PUT replaces the session: send all of it, with its changeSequence.
curl --fail -H "x-api-key: $KODEXA_API_KEY" $KODEXA_URL/api/sessions/%[3]s -o session.json &&
  sed 's/"state":"[A-Z]*"/"state":"CLOSED"/' session.json | curl -X PUT -H "x-api-key: $KODEXA_API_KEY" \
  -H 'Content-Type: application/json' --data-binary @- $KODEXA_URL/api/sessions/%[3]s

`, host, o.key, id)
	if len(o.faults) > 0 {
		_, _ = fmt.Fprintf(w, "The same faults again: -fault-seed %d\n\n", o.luck)
	}
}
