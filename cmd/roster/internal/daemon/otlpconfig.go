package daemon

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// TelemetryConfig says where metrics and traces are sent to. /metrics is there without it.
type TelemetryConfig struct {
	OTLP OTLPConfig `yaml:"otlp"`
}

// OTLPConfig names a receiver of OpenTelemetry's protocol, over gRPC.
type OTLPConfig struct {
	// Endpoint is host:port. Empty means that nothing is sent. A loopback address is spoken to in
	// clear, unless there is a CAFile; every other one over TLS.
	Endpoint string `yaml:"endpoint"`
	// CAFile is the PEM file of the receiver's authority. Empty means those of the system.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile are the daemon's own, if the receiver asks for a certificate.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// Interval is the time between two sets of metrics, 1 s or more.
	Interval time.Duration `yaml:"interval"`
	// Sample is the share of the traces that begin here which is sent, 0 to 1; nil means all. Of
	// a trace that began elsewhere whoever began it decides.
	Sample *float64 `yaml:"sample"`
}

const (
	defaultOTLPInterval = 30 * time.Second
	minOTLPInterval     = time.Second
)

// complete fills in defaults and refuses what cannot work.
func (c *OTLPConfig) complete() error {
	fault := func(setting, problem string) error {
		return &ConfigError{"telemetry.otlp." + setting, problem, nil}
	}
	if c.Endpoint == "" {
		if *c != (OTLPConfig{}) {
			return fault("endpoint", "it is missing, and the other settings are for it; give host:port of the receiver")
		}
		return nil
	}
	if c.Interval == 0 {
		c.Interval = defaultOTLPInterval
	}
	_, port, err := net.SplitHostPort(c.Endpoint)
	switch {
	case err != nil || port == "":
		return fault("endpoint", fmt.Sprintf("%q is not host:port, such as 127.0.0.1:4317", c.Endpoint))
	case (c.CertFile == "") != (c.KeyFile == ""):
		return fault("key_file", "a certificate and its key go together; give both or neither")
	case c.CertFile != "" && !c.secured():
		return fault("ca_file", "a loopback receiver is spoken to in clear without it, and would see no certificate; give its authority")
	case c.Interval < minOTLPInterval:
		return fault("interval", fmt.Sprintf("%v is too short; give %v or more", c.Interval, minOTLPInterval))
	case c.Sample != nil && !(*c.Sample >= 0 && *c.Sample <= 1):
		return fault("sample", fmt.Sprintf("%v is not from 0 to 1", *c.Sample))
	default:
		return nil
	}
}

// secured tells whether the receiver is spoken to over TLS.
func (c *OTLPConfig) secured() bool {
	return c.CAFile != "" || checkLoopback("telemetry.otlp.endpoint", c.Endpoint) != nil
}

// tls is how the receiver is spoken to; nil means in clear.
func (c *OTLPConfig) tls() (*tls.Config, error) {
	if !c.secured() {
		return nil, nil //nolint:nilnil // as it says
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, &ConfigError{"telemetry.otlp.ca_file", fmt.Sprintf("cannot read the file: %v", err), err}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, &ConfigError{"telemetry.otlp.ca_file", c.CAFile + " has no certificate in PEM", errors.New("no certificate")}
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.KeyFile)
		if err != nil {
			return nil, &ConfigError{"telemetry.otlp.cert_file", fmt.Sprintf("the certificate and its key: %v", err), err}
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
