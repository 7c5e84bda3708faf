package daemon

import (
	"strings"
	"testing"

	"github.com/roster-go/roster/cmd/roster/internal/access"
)

// TestWhoMayListenBeyondLoopback: nothing but TLS with somebody to ask for will do, and each refusal says what
// to configure.
func TestWhoMayListenBeyondLoopback(t *testing.T) {
	t.Parallel()
	roles := access.Certificates{"cn:alice": access.Kill}
	secured := func(a AccessConfig) AccessConfig { a.CertFile, a.KeyFile = "c", "k"; return a }
	for name, c := range map[string]struct {
		listen  string
		access  AccessConfig
		refused string // part of the error; empty if it is taken
	}{
		"loopback":                      {"127.0.0.1:7070", AccessConfig{}, ""},
		"loopback with tokens":          {"[::1]:7070", AccessConfig{TokensFile: "t"}, ""},
		"nothing":                       {"10.0.0.1:7070", AccessConfig{}, "access.tokens_file"},
		"a name":                        {"roster.example:7070", AccessConfig{}, "access.tokens_file"},
		"all addresses":                 {":7070", AccessConfig{}, "access.tokens_file"},
		"TLS alone":                     {"10.0.0.1:7070", secured(AccessConfig{}), "access.client_ca_file"},
		"tokens alone":                  {"10.0.0.1:7070", AccessConfig{TokensFile: "t"}, "access.plaintext_because_tls_ends_in_front"},
		"the loud setting alone":        {"10.0.0.1:7070", AccessConfig{PlaintextBecauseTLSEndsInFront: true}, "access.tokens_file"},
		"tokens and the loud setting":   {"10.0.0.1:7070", AccessConfig{TokensFile: "t", PlaintextBecauseTLSEndsInFront: true}, ""},
		"tokens and TLS":                {"10.0.0.1:7070", secured(AccessConfig{TokensFile: "t"}), ""},
		"certificates":                  {"10.0.0.1:7070", secured(AccessConfig{ClientCAFile: "a", Certificates: roles}), ""},
		"all addresses, not advertised": {"0.0.0.0:7070", secured(AccessConfig{TokensFile: "t"}), "access.advertise"},
		"all addresses, advertised":     {"[::]:7070", secured(AccessConfig{TokensFile: "t", Advertise: "a.example:7070"}), ""},
		"advertised as all addresses":   {"[::]:7070", secured(AccessConfig{TokensFile: "t", Advertise: "0.0.0.0:7070"}), "access.advertise"},
		"half of a pair":                {"127.0.0.1:7070", AccessConfig{CertFile: "c"}, "cert_file and key_file"},
		"certificates of no authority":  {"127.0.0.1:7070", AccessConfig{Certificates: roles}, "give both or none"},
		"an authority for nobody":       {"127.0.0.1:7070", secured(AccessConfig{ClientCAFile: "a"}), "give both or none"},
		"certificates in the clear":     {"127.0.0.1:7070", AccessConfig{ClientCAFile: "a", Certificates: roles}, "client certificates need TLS"},
		"a host with a port":            {"127.0.0.1:7070", AccessConfig{Hosts: []string{"a.example:7070"}}, "access.hosts"},
		"a host for all":                {"127.0.0.1:7070", AccessConfig{Hosts: []string{"*"}}, "access.hosts"},
		"no port":                       {"10.0.0.1", secured(AccessConfig{TokensFile: "t"}), "host:port"},
		"an odd port":                   {"10.0.0.1:99999", secured(AccessConfig{TokensFile: "t"}), "port"},
	} {
		config := Config{Listen: c.listen, Access: c.access, Data: "d"}
		err := config.complete()
		if c.refused == "" && err != nil || c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: %v, want %q", name, err, c.refused)
		}
		if c.refused == "" && checkLoopback("etcd.listen", config.Etcd.Listen) != nil {
			t.Errorf("%s: the embedded etcd listens on %s", name, config.Etcd.Listen)
		}
	}
}
