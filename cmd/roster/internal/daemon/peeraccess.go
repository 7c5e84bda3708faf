package daemon

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/roster-go/roster/cmd/roster/internal/access"
)

// peerOptions are how this daemon calls other hosts. A daemon that serves TLS takes the others to do so
// as well, and shows them its own certificate.
func (a *AccessConfig) peerOptions() ([]grpc.DialOption, error) {
	var options []grpc.DialOption
	if a.CertFile != "" {
		config := &tls.Config{
			MinVersion:           tls.VersionTLS12,
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return a.certificate() },
		}
		if a.PeerCAFile != "" {
			authorities, err := readAuthorities("access.peer_ca_file", a.PeerCAFile)
			if err != nil {
				return nil, err
			}
			config.RootCAs = authorities
		}
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	}
	if a.PeerTokenFile != "" {
		options = append(options, grpc.WithPerRPCCredentials(peerToken{a.PeerTokenFile, a.CertFile != ""}))
	}
	return options, nil
}

func (a *AccessConfig) checkPeerToken() error {
	if a.PeerTokenFile == "" {
		return nil
	}
	if _, err := access.ReadToken(a.PeerTokenFile); err != nil {
		return &ConfigError{"access.peer_token_file", err.Error(), err}
	}
	return nil
}

// A peerToken gives each call to another host the token in a file. In the clear it does so to loopback
// addresses only.
type peerToken struct {
	path    string
	secured bool
}

var _ credentials.PerRPCCredentials = peerToken{}

var errPlaintextToken = errors.New("the token for other hosts is not sent in the clear beyond loopback; give access.cert_file and access.key_file")

// GetRequestMetadata reads the token, so that it can be renewed while the daemon runs.
func (p peerToken) GetRequestMetadata(_ context.Context, uri ...string) (map[string]string, error) {
	if !p.secured {
		for _, audience := range uri {
			u, err := url.Parse(audience)
			if err != nil {
				return nil, fmt.Errorf("the address of the other host: %w", err)
			}
			if ip := net.ParseIP(u.Hostname()); (ip == nil || !ip.IsLoopback()) && !strings.EqualFold(u.Hostname(), "localhost") {
				return nil, errPlaintextToken
			}
		}
	}
	token, err := access.ReadToken(p.path)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

// RequireTransportSecurity tells gRPC whether a connection in the clear will do.
func (p peerToken) RequireTransportSecurity() bool { return p.secured }
