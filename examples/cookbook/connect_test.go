package cookbook

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	kodexa "github.com/kodexa-community/kodexa-go"
	"github.com/kodexa-community/kodexa-go/kodexatest"
)

func newClientFor(
	caPEM, certPEM, keyPEM []byte, proxy *url.URL, opts ...kodexa.Option,
) (*kodexa.Client, error) {
	roots, err := x509.SystemCertPool() // NewCertPool trusts the CA below alone
	if err != nil {
		return nil, err
	}
	if !roots.AppendCertsFromPEM(caPEM) {
		return nil, errors.New("no certificate in the CA's file")
	}
	own, err := tls.X509KeyPair(certPEM, keyPEM) // mutual TLS: what the client shows
	if err != nil {
		return nil, err
	}
	transport := kodexa.DefaultTransport()
	transport.TLSClientConfig = &tls.Config{
		RootCAs: roots, Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS12,
	}
	transport.Proxy = http.ProxyURL(proxy) // leave this out to have HTTPS_PROXY and NO_PROXY decide
	return kodexa.New(append(slices.Clip(opts), kodexa.WithHTTPClient(&http.Client{Transport: transport}))...)
}

func TestOwnCAProxyAndMutualTLS(t *testing.T) {
	t.Parallel()
	server, id := startServer(t, "OPEN")
	certPEM, keyPEM := newCertificate(t)
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(certPEM)
	gateway := startGateway(t, server, func(gateway *httptest.Server) {
		gateway.TLS = &tls.Config{ClientCAs: known, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12}
	}, nil)
	caPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: gateway.Certificate().Raw})
	proxy, tunnels := startProxy(t)
	once := kodexa.WithRetry(kodexa.RetryPolicy{MaxAttempts: 1})
	platform := []kodexa.Option{kodexa.WithBaseURL(gateway.URL), kodexa.WithAPIKey(server.APIKey), once}

	client, err := newClientFor(caPEM, certPEM, keyPEM, proxy, platform...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetSession(t.Context(), id); err != nil || tunnels.Load() != 1 {
		t.Errorf("%v, through %d tunnels", err, tunnels.Load())
	}

	otherCert, otherKey := newCertificate(t)
	client, err = newClientFor(caPEM, otherCert, otherKey, proxy, platform...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.GetSession(t.Context(), id); err == nil {
		t.Error("a certificate that the gateway does not know is accepted")
	}
	client, err = newClientFor(certPEM, certPEM, keyPEM, proxy, platform...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.GetSession(t.Context(), id)
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("a gateway of another CA: %v", err)
	}
	if _, err = newClientFor([]byte("none"), certPEM, keyPEM, proxy, platform...); err == nil {
		t.Error("a file without a certificate is accepted")
	}
}

// startGateway starts a TLS server that passes on what check lets through.
func startGateway(
	t *testing.T, server *kodexatest.Server, configure func(*httptest.Server), check func(http.ResponseWriter, *http.Request) bool,
) *httptest.Server {
	t.Helper()
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	gateway := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if check == nil || check(w, r) {
			pass.ServeHTTP(w, r)
		}
	}))
	if configure != nil {
		configure(gateway)
	}
	gateway.Config.ErrorLog = log.New(io.Discard, "", 0) // a refused handshake is what a test wants
	gateway.EnableHTTP2 = true
	gateway.StartTLS()
	t.Cleanup(gateway.Close)
	return gateway
}

// startProxy starts a proxy that tunnels, and counts its tunnels.
func startProxy(t *testing.T) (*url.URL, *atomic.Int64) {
	t.Helper()
	tunnels := &atomic.Int64{}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		target, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
		if r.Method != http.MethodConnect || err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = target.Close() }()
		w.WriteHeader(http.StatusOK)
		conn, early, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		tunnels.Add(1)
		go func() {
			_, _ = io.Copy(target, early)
			_ = target.Close()
		}()
		_, _ = io.Copy(conn, target)
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	return address, tunnels
}

// newCertificate returns a certificate that is its own CA, for clients, and its key.
func newCertificate(t *testing.T) (certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func withGatewayToken(token func(context.Context) (string, error)) kodexa.Option {
	return kodexa.WithRequestEditor(func(ctx context.Context, req *http.Request) error {
		value, err := token(ctx) // a cache that fetches a new one in time
		if err != nil {
			return err
		}
		req.Header.Set("cf-access-token", value)
		return nil
	})
}

func TestGatewayHeader(t *testing.T) {
	t.Parallel()
	server, id := startServer(t, "OPEN")
	gateway := startGateway(t, server, nil, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Cf-Access-Token") == "gateway token" {
			return true
		}
		http.Redirect(w, r, "https://login.example.com/", http.StatusFound)
		return false
	})
	token, failure := "gateway token", error(nil)
	client := server.Client(kodexa.WithBaseURL(gateway.URL), kodexa.WithHTTPClient(gateway.Client()),
		withGatewayToken(func(context.Context) (string, error) { return token, failure }))

	if _, err := client.GetSession(t.Context(), id); err != nil {
		t.Error(err)
	}
	token = "expired"
	_, err := client.GetSession(t.Context(), id)
	if answer, ok := errors.AsType[*kodexa.APIError](err); !ok || answer.StatusCode != http.StatusFound {
		t.Errorf("a token that the gateway refuses: %v", err)
	}
	failure = errors.New("no token")
	if _, err = client.GetSession(t.Context(), id); !errors.Is(err, failure) {
		t.Errorf("no token: %v", err)
	}
}

type platform struct{ url, key string }

func newClients(platforms map[string]platform, logger *slog.Logger) (map[string]*kodexa.Client, error) {
	clients := map[string]*kodexa.Client{}
	for name, p := range platforms {
		client, err := kodexa.New(
			kodexa.WithBaseURL(p.url), kodexa.WithAPIKey(p.key), kodexa.WithLogger(logger.With("platform", name)),
		)
		if err != nil {
			return nil, fmt.Errorf("platform %s: %w", name, err)
		}
		clients[name] = client
	}
	return clients, nil
}

func TestSeveralPlatforms(t *testing.T) {
	t.Parallel()
	platforms, sharedID := map[string]platform{}, uuid.New()
	for _, name := range []string{"staging", "production"} {
		server, _ := startServer(t, "OPEN")
		server.SetSession(kodexa.Session{ID: new(sharedID.String()), State: &name})
		platforms[name] = platform{server.URL, server.APIKey}
	}
	clients, err := newClients(platforms, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for name, client := range clients {
		if session, err := client.GetSession(t.Context(), sharedID); err != nil || *session.State != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newClients(map[string]platform{"bad": {}}, slog.Default()); err == nil {
		t.Error("a platform without URL and key is accepted")
	}
}

func newRotatingClient(key *atomic.Pointer[string], opts ...kodexa.Option) (*kodexa.Client, error) {
	return kodexa.New(append(slices.Clip(opts),
		kodexa.WithAPIKey(*key.Load()), // New needs one, and checks it
		kodexa.WithRequestEditor(func(_ context.Context, req *http.Request) error {
			req.Header.Set("x-api-key", *key.Load()) // key.Store rotates it
			return nil
		}),
	)...)
}

func TestRotatingKey(t *testing.T) {
	t.Parallel()
	server, id := startServer(t, "OPEN")
	var key atomic.Pointer[string]
	key.Store(new("the old key"))
	client, err := newRotatingClient(&key, kodexa.WithBaseURL(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.GetSession(t.Context(), id); !errors.Is(err, kodexa.ErrUnauthorized) {
		t.Errorf("the old key: %v", err)
	}
	key.Store(&server.APIKey)
	if _, err = client.GetSession(t.Context(), id); err != nil {
		t.Errorf("the new key: %v", err)
	}
}
