package daemon

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/roster-go/roster/cmd/roster/internal/access"
)

// AccessConfig says who may do what. Without tokens and certificates everybody who reaches the daemon
// may do everything, which is why it then listens on loopback addresses only.
type AccessConfig struct {
	// TokensFile has the hashes of tokens, made by roster token new. It is looked at on each use.
	TokensFile string `yaml:"tokens_file"`
	// CertFile and KeyFile, in PEM, let the daemon serve TLS. They are read anew for each handshake.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ClientCAFile has the authorities of client certificates, and Certificates the roles of the
	// names in them.
	ClientCAFile string              `yaml:"client_ca_file"`
	Certificates access.Certificates `yaml:"certificates"`
	// Hosts are names under which the daemon may be asked for, besides loopback names, the address of
	// the connection, and Advertise.
	Hosts []string `yaml:"hosts"`
	// Advertise is the address, host:port, at which other hosts reach the daemon: by default the one it
	// listens on.
	Advertise string `yaml:"advertise"`
	// PlaintextBecauseTLSEndsInFront lets a daemon with tokens listen beyond loopback without TLS.
	// Whoever sees the traffic between it and what ends TLS sees the tokens.
	PlaintextBecauseTLSEndsInFront bool `yaml:"plaintext_because_tls_ends_in_front"`
	// AuditFile is the audit log; by default below the data folder.
	AuditFile string `yaml:"audit_file"`
	// PeerTokenFile has the token with which this daemon calls other hosts, and PeerCAFile the
	// authorities of their certificates: by default those of the system.
	PeerTokenFile string `yaml:"peer_token_file"`
	PeerCAFile    string `yaml:"peer_ca_file"`
}

// asks tells whether callers are asked who they are.
func (a *AccessConfig) asks() bool { return a.TokensFile != "" || a.ClientCAFile != "" }

// scheme is that of the daemon's URL.
func (a *AccessConfig) scheme() string {
	if a.CertFile != "" {
		return "https"
	}
	return "http"
}

// completeAccess refuses to serve others than this machine without asking them who they are, and in a
// way that others can listen to.
func (c *Config) completeAccess() error {
	a := &c.Access
	if (a.CertFile == "") != (a.KeyFile == "") {
		return &ConfigError{"access.cert_file", "cert_file and key_file go together; give both or none", nil}
	}
	if (a.ClientCAFile == "") != (len(a.Certificates) == 0) {
		return &ConfigError{"access.client_ca_file", "client_ca_file says whose certificates count, and certificates which role each has; give both or none", nil}
	}
	if a.ClientCAFile != "" && a.CertFile == "" {
		return &ConfigError{"access.client_ca_file", "client certificates need TLS; give cert_file and key_file as well", nil}
	}
	if err := a.Certificates.Validate(); err != nil {
		return &ConfigError{"access.certificates", err.Error(), err}
	}
	for _, host := range a.Hosts {
		if host == "" || strings.ContainsAny(host, "/*:@ ") {
			return &ConfigError{"access.hosts", fmt.Sprintf("%q is not the name of a host; give names such as roster.example.org, without a port", host), nil}
		}
	}
	if a.Advertise != "" {
		if err := checkListen("access.advertise", a.Advertise, true); err != nil {
			return err
		}
	}
	return c.checkReach()
}

// checkReach checks the listen address against that.
func (c *Config) checkReach() error {
	a := &c.Access
	loopback := checkLoopback("listen", c.Listen)
	host, port, err := net.SplitHostPort(c.Listen)
	if loopback == nil || err != nil {
		return loopback
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return loopback
	}
	switch {
	case !a.asks():
		return &ConfigError{"listen", fmt.Sprintf(
			"%q is not a loopback address, and a daemon that others reach has to know who they are: give it access.cert_file and access.key_file for TLS, "+
				"and access.tokens_file (roster token new makes it) or access.client_ca_file with access.certificates; or listen on %s",
			c.Listen, net.JoinHostPort("127.0.0.1", port)), nil}
	case a.CertFile == "" && !a.PlaintextBecauseTLSEndsInFront:
		return &ConfigError{"listen", fmt.Sprintf(
			"%q is not a loopback address, and without TLS others can read the tokens on their way: give access.cert_file and access.key_file, "+
				"or, if something in front of the daemon ends TLS, access.plaintext_because_tls_ends_in_front: true; or listen on %s",
			c.Listen, net.JoinHostPort("127.0.0.1", port)), nil}
	}
	if ip := net.ParseIP(host); (host == "" || ip != nil && ip.IsUnspecified()) && a.Advertise == "" {
		return &ConfigError{"access.advertise", fmt.Sprintf(
			"listen is %q, which stands for all addresses of the machine; give with access.advertise the host:port at which other hosts reach this one", c.Listen), nil}
	}
	return nil
}

// tls is how the daemon serves; nil for in the clear. A client without a certificate is let in as far as
// the guard, which answers and writes it down.
func (a *AccessConfig) tls() (*tls.Config, error) {
	if a.CertFile == "" {
		return nil, nil //nolint:nilnil // it means that there is none
	}
	if _, err := a.certificate(); err != nil {
		return nil, err
	}
	config := &tls.Config{
		MinVersion:     tls.VersionTLS12, // not every browser and library of a fleet has 1.3
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.certificate() },
	}
	if a.ClientCAFile != "" {
		authorities, err := readAuthorities("access.client_ca_file", a.ClientCAFile)
		if err != nil {
			return nil, err
		}
		config.ClientCAs, config.ClientAuth = authorities, tls.VerifyClientCertIfGiven
	}
	return config, nil
}

func (a *AccessConfig) certificate() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(a.CertFile, a.KeyFile)
	if err != nil {
		return nil, &ConfigError{"access.cert_file", fmt.Sprintf("the certificate and its key cannot be used: %v", err), err}
	}
	return &pair, nil
}

func readAuthorities(setting, path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, &ConfigError{setting, fmt.Sprintf("cannot read the file: %v", err), err}
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(text) {
		return nil, &ConfigError{setting, path + " has no certificate in PEM form", nil}
	}
	return authorities, nil
}

// openAccess reads the tokens and opens the audit log.
func (d *daemon) openAccess(stops *cleanup) error {
	a := &d.config.Access
	if err := a.checkPeerToken(); err != nil {
		return err
	}
	options := access.Options{
		Table: rules, Certificates: a.Certificates, Hosts: append([]string{}, a.Hosts...),
		TLSEndsInFront: a.PlaintextBecauseTLSEndsInFront, Home: homePath, Logger: d.log,
	}
	if a.Advertise != "" {
		options.Hosts = append(options.Hosts, a.Advertise)
	}
	if a.TokensFile != "" {
		tokens, err := access.OpenTokens(a.TokensFile)
		if err != nil {
			return &ConfigError{"access.tokens_file", err.Error(), err}
		}
		options.Tokens = tokens
	}
	if a.AuditFile == "" {
		a.AuditFile = filepath.Join(d.config.Data, "audit", url.PathEscape(d.config.Host)+".jsonl")
	}
	log, err := access.OpenLog(a.AuditFile, d.log)
	if err != nil {
		return &ConfigError{"access.audit_file", err.Error(), err}
	}
	stops.add(func(context.Context) error { return log.Close() })
	options.Log, d.audit = log, log
	d.guard = access.NewGuard(options)
	if a.asks() && d.config.Regions.CertFile == "" {
		d.log.Warn("the port of the kill switch asks nobody who he is, so whoever is on this machine can kill through it; set regions.cert_file")
	}
	if a.asks() && len(d.config.Etcd.Endpoints) == 0 {
		d.log.Warn("the embedded etcd asks nobody who he is, so whoever is on this machine can write to it; use an etcd with users where that matters")
	}
	return nil
}
