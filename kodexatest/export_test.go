package kodexatest

import "github.com/kodexa-community/kodexa-go/internal/contract"

// NewServerOf starts a server that keeps another contract than the shipped one.
func NewServerOf(spec []byte) *Server {
	c, err := contract.Parse(spec)
	if err != nil {
		panic(err)
	}
	s := newServer(c)
	s.server.Start()
	s.URL = s.server.URL + basePath
	return s
}
