package plugin

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// A TLS is how to reach an endpoint that is protected. The zero value checks the
// server with the system's certificates.
type TLS struct {
	CA         string // file of the certificates that the server's is checked with; PEM
	Cert, Key  string // files of the host's own certificate, for mutual TLS; PEM
	ServerName string // to check instead of the endpoint's own
}

// checkEndpoint reports an endpoint that cannot be used, or that would send calls in
// clear over a network.
func (d Descriptor) checkEndpoint(fault func(field, problem, fix string) error) error {
	if strings.ContainsFunc(d.Endpoint, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fault("endpoint", fmt.Sprintf("endpoint %q has white space in it", d.Endpoint), "write it as host:port, as in: notes.internal:443")
	}
	scheme, rest, hasScheme := strings.Cut(d.Endpoint, ":///")
	switch {
	case strings.HasPrefix(d.Endpoint, "unix:"):
		return nil
	case hasScheme && scheme != "dns":
		return fault("endpoint", fmt.Sprintf("endpoint %q has the scheme %q", d.Endpoint, scheme), "write host:port, dns:///host:port or unix:///path")
	case !hasScheme:
		rest = d.Endpoint
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil || host == "" || port == "" {
		return fault("endpoint", fmt.Sprintf("endpoint %q is not host:port", d.Endpoint), "write it as host:port, as in: notes.internal:443")
	}
	loopback := host == "localhost"
	if ip := net.ParseIP(host); ip != nil {
		loopback = ip.IsLoopback()
	}
	if d.TLS == nil && !loopback {
		return fault("endpoint", fmt.Sprintf("calls to %s would go over the network in clear", rest),
			"add tls: {} to check the server with the system's certificates, or tls: {ca: ca.pem}")
	}
	return nil
}

// target is the endpoint as gRPC takes it.
func (d Descriptor) target() string {
	if u, err := url.Parse(d.Endpoint); err == nil && (u.Scheme == "dns" || u.Scheme == "unix") {
		return d.Endpoint
	}
	return "dns:///" + d.Endpoint
}

// credentials reads the files of a TLS.
func (d Descriptor) credentials() (credentials.TransportCredentials, error) {
	if d.TLS == nil {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: d.TLS.ServerName}
	if d.TLS.CA != "" {
		text, err := os.ReadFile(d.inDir(d.TLS.CA))
		if err != nil {
			return nil, d.fault("tls.ca", osFault("tls.ca "+d.TLS.CA, err), "check the path and its permissions")
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, d.fault("tls.ca", "tls.ca "+d.TLS.CA+" has no certificates", "name a file in PEM form")
		}
	}
	if d.TLS.Cert != "" || d.TLS.Key != "" {
		pair, err := tls.LoadX509KeyPair(d.inDir(d.TLS.Cert), d.inDir(d.TLS.Key))
		if err != nil {
			return nil, d.fault("tls.cert", "tls.cert and tls.key cannot be used: "+oneLine(err.Error()), "name a certificate and its key, both in PEM form")
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

func (d Descriptor) inDir(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(d.Dir, path)
}

// errUnreachable is why an endpoint does not serve yet.
var errUnreachable = errors.New("it cannot be reached")

// connect reaches the endpoint of d and asks whether it is well.
func (h *Host) connect(ctx context.Context, d Descriptor) (*process, error) {
	creds, err := d.credentials()
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient(d.target(), dialOptions(
		grpc.WithTransportCredentials(creds),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: h.policy.backoffMin, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second}, //nolint:mnd // gRPC's own
			MinConnectTimeout: 3 * time.Second,
		}),
	)...)
	if err != nil {
		return nil, d.fault("endpoint", "endpoint cannot be used: "+oneLine(err.Error()), "write it as host:port")
	}
	p := &process{life: noLife{}, conn: conn, foreign: true, cancel: func() {}, declared: &pluginv1.DescribeResponse{}}
	if err = h.reach(ctx, conn, d.Endpoint); err == nil {
		ctx, stop := context.WithTimeout(ctx, h.policy.healthTimeout)
		defer stop()
		if err = p.health(ctx); err != nil {
			err = fmt.Errorf("%w: it is not well: %w", errUnreachable, err)
		}
	}
	if err != nil {
		p.disconnect()
		return nil, fmt.Errorf("plugin: %s: endpoint of %q: %w", d.Source, d.Name, err)
	}
	return p, nil
}
