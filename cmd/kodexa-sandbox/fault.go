package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// fault is what goes wrong with a share of the requests.
type fault struct {
	Text  string // as given: slow:0.1:2s
	Kind  string // a status, html, reset or slow
	Share float64
	Delay time.Duration // of slow
}

// The kinds that are no status.
const (
	html  = "html"
	reset = "reset"
	slow  = "slow"
)

var faultKind = regexp.MustCompile(`^([345]\d\d|html|reset|slow)$`)

func parseFault(text string) (fault, error) {
	f := fault{Text: text}
	var rest string
	f.Kind, rest, _ = strings.Cut(text, ":")
	share, delay, hasDelay := strings.Cut(rest, ":")
	var errShare, errDelay error
	f.Share, errShare = strconv.ParseFloat(share, 64)
	if hasDelay {
		f.Delay, errDelay = time.ParseDuration(delay)
	}
	isShare := errShare == nil && f.Share >= 0 && f.Share <= 1
	isDelay := errDelay == nil && hasDelay == (f.Kind == slow) && f.Delay >= 0
	if !faultKind.MatchString(f.Kind) || !isShare || !isDelay {
		return fault{}, fmt.Errorf("-fault %q: want STATUS:SHARE with a status from 300 to 599, html:SHARE, reset:SHARE "+
			"or slow:SHARE:DURATION, such as 503:0.1 or slow:0.1:2s; a share is from 0 to 1", text)
	}
	return f, nil
}

// pick returns the fault that a number from 0 to 1 falls upon, or none, which is of no Kind.
func pick(faults []fault, at float64) fault {
	for _, f := range faults {
		if at -= f.Share; at < 0 {
			return f
		}
	}
	return fault{}
}

// Effect says what the fault does.
func (f fault) Effect() string {
	switch f.Kind {
	case html:
		return "not handled, a login page in place of an answer"
	case reset:
		return "handled, and the connection reset"
	case slow:
		return "handled, and answered " + f.Delay.String() + " later"
	default:
		return "not handled, this status in place of an answer"
	}
}

// answer answers in place of the platform, if that is what the fault does.
func (f fault) answer(w http.ResponseWriter) bool {
	status, err := strconv.Atoi(f.Kind)
	switch {
	case f.Kind == html:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!DOCTYPE html><title>Log in</title><h1>Log in</h1>\n")
	case err == nil:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"message":"the sandbox was told to: -fault %s"}`, f.Text)
	default:
		return false
	}
	return true
}

// send hands the answer on as the fault has it.
func (f fault) send(ctx context.Context, w http.ResponseWriter, answer *httptest.ResponseRecorder) {
	switch f.Kind {
	case slow:
		select {
		case <-time.After(f.Delay):
		case <-ctx.Done():
		}
	case reset:
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // a reset, and no orderly end
		}
		_ = conn.Close()
		return
	}
	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}
