package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/access"
)

// Environment variables for who asks.
const (
	tokenVariable     = "ROSTER_TOKEN"
	tokenFileVariable = "ROSTER_TOKEN_FILE" //nolint:gosec // the name of a variable
	caVariable        = "ROSTER_TLS_CA"
	certVariable      = "ROSTER_TLS_CERT"
	keyVariable       = "ROSTER_TLS_KEY"
)

// credentials are by what a daemon knows who asks, and by what it is known itself.
type credentials struct {
	tokenFile       string
	ca, cert, key   string
	fromEnvironment func(string) string // os.Getenv; nil for none
}

func (c *credentials) add(cmd *cobra.Command) {
	c.fromEnvironment = os.Getenv
	flags := cmd.Flags()
	flags.StringVar(&c.tokenFile, "token-file", os.Getenv(tokenFileVariable), "`FILE` with the token to show the daemon; or $"+tokenVariable+" is the token")
	flags.StringVar(&c.ca, "tls-ca", os.Getenv(caVariable),
		"`FILE` (PEM) with the authority of the daemon's certificate (default: the system's, or $"+caVariable+")")
	flags.StringVar(&c.cert, "tls-cert", os.Getenv(certVariable), "`FILE` (PEM) with the certificate to show the daemon (or $"+certVariable+")")
	flags.StringVar(&c.key, "tls-key", os.Getenv(keyVariable), "`FILE` (PEM) with its key (or $"+keyVariable+")")
}

// token returns the token to show, empty for none. A file that is given wins over the environment.
func (c *credentials) token() (string, error) {
	if c.tokenFile != "" {
		token, err := access.ReadToken(c.tokenFile)
		if err != nil {
			return "", usageError{fmt.Errorf("--token-file: %w", err)}
		}
		return token, nil
	}
	if c.fromEnvironment == nil {
		return "", nil
	}
	token := strings.TrimSpace(c.fromEnvironment(tokenVariable))
	if token == "" {
		return "", nil
	}
	if err := access.CheckToken(token); err != nil {
		return "", usageError{fmt.Errorf("$%s: %w", tokenVariable, err)}
	}
	return token, nil
}

// transport connects to a daemon at a URL.
func (c *credentials) transport(base *url.URL) (http.RoundTripper, error) {
	token, err := c.token()
	if err != nil {
		return nil, err
	}
	if token != "" && base.Scheme == "http" && !isLoopback(base.Hostname()) {
		return nil, usageError{fmt.Errorf("the token is not sent to %s, where others could read it on its way; use https://%s", base, base.Host)}
	}
	if (c.cert == "") != (c.key == "") {
		return nil, usageError{errors.New("--tls-cert and --tls-key go together; give both")}
	}
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.ca != "" {
		text, err := os.ReadFile(c.ca)
		if err != nil {
			return nil, usageError{fmt.Errorf("--tls-ca: %w", err)}
		}
		secured.RootCAs = x509.NewCertPool()
		if !secured.RootCAs.AppendCertsFromPEM(text) {
			return nil, usageError{fmt.Errorf("--tls-ca: %s has no certificate in PEM form", c.ca)}
		}
	}
	if c.cert != "" {
		pair, err := tls.LoadX509KeyPair(c.cert, c.key)
		if err != nil {
			return nil, usageError{fmt.Errorf("--tls-cert and --tls-key: %w", err)}
		}
		secured.Certificates = []tls.Certificate{pair}
	}
	shared, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return nil, errors.New("the program has a transport of its own")
	}
	own := shared.Clone()
	own.TLSClientConfig = secured
	return &authorized{own, token}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// An authorized transport shows a token.
type authorized struct {
	next  http.RoundTripper
	token string
}

// RoundTrip is that of [http.RoundTripper].
func (a *authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.token != "" {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+a.token)
	}
	return a.next.RoundTrip(r) //nolint:wrapcheck // the client wraps it
}

// describeTLS says what to do about a connection that failed for its certificates, and nothing about
// others.
func describeTLS(err error) string {
	switch {
	case errors.As(err, new(x509.UnknownAuthorityError)):
		return "the daemon's certificate is of an authority that is not known here; give its file with --tls-ca"
	case errors.As(err, new(x509.HostnameError)), errors.As(err, new(x509.CertificateInvalidError)):
		return fmt.Sprintf("the daemon's certificate is not good: %v", cause(err))
	case errors.As(err, new(tls.RecordHeaderError)):
		return "there is no TLS; use http://, or see whether it is the right port"
	case errors.As(err, new(tls.AlertError)):
		return fmt.Sprintf("the daemon refused the connection: %v; see --tls-cert and --tls-key", cause(err))
	default:
		return ""
	}
}
