package faults_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"

	"go.uber.org/goleak"
	xhttp2 "golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// framer is an HTTP/2 server that answers frame by frame, as net/http's can't be made to. What it has no reaction for it has
// the platform answer.
type framer struct {
	*platform

	listener  net.Listener
	mu        sync.Mutex
	reactions []reaction
}

// reaction is what happens to a request in place of an answer.
type reaction struct {
	applied bool
	always  bool // to all that follow too
	with    func(c *framedConn, stream uint32)
}

// frames leads the scene's client to a framer whose next requests meet these reactions.
func (s *scene) frames(reactions ...reaction) {
	s.t.Helper()
	donor := httptest.NewUnstartedServer(http.NotFoundHandler())
	donor.EnableHTTP2 = true
	donor.StartTLS()
	config := donor.TLS.Clone()
	donor.Close()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = listener.Close() })
	f := &framer{platform: s.platform, listener: listener}
	s.resting = append(s.resting, goleak.IgnoreAnyFunction("github.com/kodexa-community/kodexa-go/internal/faults_test.(*framer).serve"))
	go f.serve()
	s.baseURL = "https://" + listener.Addr().String()
	s.renew(&s.ledger)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reactions = reactions
}

func (f *framer) serve() {
	for {
		conn, err := f.listener.Accept()
		if err != nil {
			return
		}
		go f.serveConn(conn)
	}
}

// framedConn is a connection of a framer, with the requests that are on their way.
type framedConn struct {
	*xhttp2.Framer

	conn   net.Conn
	bodies map[uint32]*bytes.Buffer
	heads  map[uint32]*xhttp2.MetaHeadersFrame
}

func (f *framer) serveConn(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if _, err := io.ReadFull(conn, make([]byte, len(xhttp2.ClientPreface))); err != nil {
		return
	}
	c := &framedConn{xhttp2.NewFramer(conn, conn), conn, map[uint32]*bytes.Buffer{}, map[uint32]*xhttp2.MetaHeadersFrame{}}
	c.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if c.WriteSettings() != nil {
		return
	}
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *xhttp2.SettingsFrame:
			if !frame.IsAck() {
				err = c.WriteSettingsAck()
			}
		case *xhttp2.PingFrame:
			if !frame.IsAck() {
				err = c.WritePing(true, frame.Data)
			}
		case *xhttp2.MetaHeadersFrame:
			c.heads[frame.StreamID], c.bodies[frame.StreamID] = frame, new(bytes.Buffer)
			if frame.StreamEnded() {
				f.react(c, frame.StreamID)
			}
		case *xhttp2.DataFrame:
			_, err = c.bodies[frame.StreamID].Write(frame.Data())
			if frame.StreamEnded() {
				f.react(c, frame.StreamID)
			}
		}
		if err != nil {
			return
		}
	}
}

// react answers a request, or does what is to happen to it in place of that.
func (f *framer) react(c *framedConn, stream uint32) {
	f.mu.Lock()
	var r *reaction
	if len(f.reactions) > 0 {
		if r = &f.reactions[0]; !r.always {
			f.reactions = f.reactions[1:]
		}
	}
	f.mu.Unlock()
	if r != nil && !r.applied {
		r.with(c, stream)
		return
	}
	res, body := f.forward(c.heads[stream], c.bodies[stream])
	if r != nil {
		r.with(c, stream)
		return
	}
	var head bytes.Buffer
	enc := hpack.NewEncoder(&head)
	_ = enc.WriteField(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(res.StatusCode)})
	_ = enc.WriteField(hpack.HeaderField{Name: "content-type", Value: res.Header.Get("Content-Type")})
	_ = c.WriteHeaders(xhttp2.HeadersFrameParam{StreamID: stream, BlockFragment: head.Bytes(), EndHeaders: true})
	_ = c.WriteData(stream, true, body)
}

// forward has the platform answer a request.
func (f *framer) forward(head *xhttp2.MetaHeadersFrame, body io.Reader) (*http.Response, []byte) {
	req, err := http.NewRequestWithContext(f.t.Context(), head.PseudoValue("method"), f.URL+head.PseudoValue("path"), body)
	if err != nil {
		panic(err)
	}
	for _, field := range head.RegularFields() {
		req.Header.Add(field.Name, field.Value)
	}
	res, err := f.pastIt.Do(req)
	if err != nil {
		panic(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		panic(err)
	}
	return res, answer
}

// goAway announces that this stream is the last one that was looked at, or that not even it was, and ends the connection.
func goAway(processed bool) reaction {
	return reaction{applied: processed, with: func(c *framedConn, stream uint32) {
		last := stream
		if !processed {
			last = max(stream, 2) - 2
		}
		_ = c.WriteGoAway(last, xhttp2.ErrCodeNo, nil)
		if conn, ok := c.conn.(*tls.Conn); ok {
			_ = conn.CloseWrite() // to close it with something unread would be a reset
		}
	}}
}

// disowned has the platform apply the request that is said not to have been looked at.
func (r reaction) disowned() reaction {
	r.applied = true
	return r
}

func (r reaction) eachTime() reaction {
	r.always = true
	return r
}

// refuseStream says that the stream was not looked at.
func refuseStream() reaction {
	return reaction{with: func(c *framedConn, stream uint32) { _ = c.WriteRSTStream(stream, xhttp2.ErrCodeRefusedStream) }}
}
