package replication

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/roster-go/roster/replica"
)

// identityURI is what a region's certificate has among its alternative names, before the name.
const identityURI = "roster://region/"

// pushPath is where a feed is pushed, before the feed's name.
const pushPath = "/replication/v1/"

// regionOfCertificate reads the region from a certificate that has been verified.
func regionOfCertificate(certificate *x509.Certificate) (string, error) {
	var found []string
	for _, uri := range certificate.URIs {
		if name, ok := strings.CutPrefix(uri.String(), identityURI); ok {
			if unescaped, err := url.PathUnescape(name); err == nil {
				found = append(found, unescaped)
			}
		}
	}
	if len(found) != 1 {
		return "", fmt.Errorf("the certificate names %d regions, it has to name one as the URI %sNAME", len(found), identityURI)
	}
	if err := replica.ValidateRegion(found[0]); err != nil {
		return "", fmt.Errorf("the certificate: %w", err)
	}
	return found[0], nil
}

// serverTLS demands a certificate of a region from whoever connects.
func serverTLS(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS13)
	config.ClientAuth = tls.RequireAndVerifyClientCert
	if config.ClientCAs == nil {
		config.ClientCAs = config.RootCAs
	}
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("replication: the peer has no certificate")
		}
		_, err := regionOfCertificate(state.PeerCertificates[0])
		return err
	}
	return config
}

// clientTLS accepts a server only with the certificate of the region that is expected there. The
// host name does not count: regions move, and what a certificate vouches for is the region.
func clientTLS(config *tls.Config, region string) *tls.Config {
	config = config.Clone()
	config.MinVersion = max(config.MinVersion, tls.VersionTLS13)
	config.InsecureSkipVerify = true // VerifyConnection verifies the chain, for the region instead of the host
	roots := config.RootCAs
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("replication: the peer has no certificate")
		}
		intermediates := x509.NewCertPool()
		for _, certificate := range state.PeerCertificates[1:] {
			intermediates.AddCert(certificate)
		}
		leaf := state.PeerCertificates[0]
		if _, err := leaf.Verify(x509.VerifyOptions{
			Roots: roots, Intermediates: intermediates, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}); err != nil {
			return fmt.Errorf("replication: the certificate of region %q: %w", region, err)
		}
		switch name, err := regionOfCertificate(leaf); {
		case err != nil:
			return err
		case name != region:
			return &RegionError{Region: region, Fault: fmt.Sprintf("the certificate there is that of region %q: correct the addresses", name)}
		}
		return nil
	}
	return config
}

// requireLoopback refuses an address off this machine, for agents without TLS.
func requireLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("replication: address %q: write host:port: %w", address, err)
	}
	ip, err := netip.ParseAddr(host)
	if host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("replication: address %q is not on the loopback interface: regions need certificates, set TLS", address)
	}
	return nil
}

// newServer returns the server of an agent's port.
func newServer(config *tls.Config, handler http.Handler) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP2(config != nil)
	protocols.SetUnencryptedHTTP2(config == nil)
	server := &http.Server{
		Handler:           handler,
		Protocols:         &protocols,
		ReadHeaderTimeout: helloTimeout,
		MaxHeaderBytes:    16 << 10,
		HTTP2:             &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: writeTimeout},
	}
	if config != nil {
		server.TLSConfig = serverTLS(config)
	}
	return server
}

// A connection that is silent for pingAfter is probed, and broken off when the probe is not
// answered within pingTimeout, or nothing can be written for writeTimeout.
const (
	pingAfter    = 2 * time.Second
	pingTimeout  = 3 * time.Second
	writeTimeout = 10 * time.Second
	helloTimeout = 5 * time.Second
	dialTimeout  = 3 * time.Second
)

// newTransport returns the way to one region.
func newTransport(config *tls.Config, region string, dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
	var protocols http.Protocols
	protocols.SetHTTP2(config != nil)
	protocols.SetUnencryptedHTTP2(config == nil)
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	transport := &http.Transport{
		DialContext:         dial,
		Protocols:           &protocols,
		TLSHandshakeTimeout: helloTimeout,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout, WriteByteTimeout: writeTimeout},
	}
	if config != nil {
		transport.TLSClientConfig = clientTLS(config, region)
	}
	return transport
}
