package kill

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// A Role is what a certificate lets its owner do.
type Role string

// The roles, each the host part of a URI in the certificate's subject alternative names:
//
//	roster://hub/REGION       hub of the region: takes and spreads orders
//	roster://runtime/NAME     runtime with the id NAME, or an id that starts with NAME/
//	roster://operator/NAME    may issue orders, as NAME
//
// A certificate has one of them, or several of different roles, as that of a daemon which is the hub
// of its region and a runtime as well. What the URIs name besides is for others.
const (
	RoleHub      Role = "hub"
	RoleRuntime  Role = "runtime"
	RoleOperator Role = "operator"
)

const identityScheme = "roster"

// An identity is who a peer is: a name in each of its roles. Without TLS it is nobody in particular,
// on this machine.
type identity struct {
	names map[Role]string
	tls   bool
}

// may reports whether the peer may act as one of the roles. Without TLS everybody on the machine may.
func (i identity) may(roles ...Role) bool {
	for _, role := range roles {
		if !i.tls || i.names[role] != "" {
			return true
		}
	}
	return false
}

// speaksFor reports whether a runtime with the id may use the certificate.
func (i identity) speaksFor(id string) bool {
	name := i.names[RoleRuntime]
	return !i.tls || name != "" && (id == name || strings.HasPrefix(id, name+"/"))
}

// String names all roles.
func (i identity) String() string {
	var all []string
	for _, role := range []Role{RoleHub, RoleRuntime, RoleOperator} {
		if name := i.names[role]; name != "" {
			all = append(all, string(role)+" "+name)
		}
	}
	return strings.Join(all, ", ")
}

// An IdentityError reports a peer that is not who it should be.
type IdentityError struct{ Why string }

func (e *IdentityError) Error() string {
	return "kill: " + e.Why + ": a certificate names its owner in URIs, one for each role: " +
		"roster://hub/REGION, roster://runtime/NAME or roster://operator/NAME"
}

// identify reads the identity from a certificate that has been verified.
func identify(cert *x509.Certificate) (identity, error) {
	id := identity{names: make(map[Role]string), tls: true}
	for _, uri := range cert.URIs {
		role, name := Role(uri.Host), strings.TrimPrefix(uri.Path, "/")
		if uri.Scheme != identityScheme || role != RoleHub && role != RoleRuntime && role != RoleOperator {
			continue
		}
		switch {
		case name == "" || !plain(name) || len(name) > MaxName:
			return identity{}, &IdentityError{fmt.Sprintf("the peer's identity %q has no name", uri)}
		case id.names[role] != "":
			return identity{}, &IdentityError{fmt.Sprintf("the peer's certificate has two identities of the role %s", role)}
		}
		id.names[role] = name
	}
	if len(id.names) == 0 {
		return identity{}, &IdentityError{"the peer's certificate has no identity"}
	}
	return id, nil
}

// identifyState is identify for a connection.
func identifyState(state *tls.ConnectionState) (identity, error) {
	if state == nil {
		return identity{}, nil
	}
	if len(state.VerifiedChains) == 0 {
		return identity{}, &IdentityError{"the peer has no certificate that could be verified"}
	}
	return identify(state.VerifiedChains[0][0])
}

// serverTLS demands a certificate from every client.
func serverTLS(config *tls.Config) *tls.Config {
	config = config.Clone()
	config.ClientAuth = tls.RequireAndVerifyClientCert
	config.MinVersion = tls.VersionTLS13
	config.NextProtos = []string{"h2"}
	return config
}

// clientTLS demands the certificate of a hub, of the region if there is one.
func clientTLS(config *tls.Config, region string) *tls.Config {
	config = config.Clone()
	config.MinVersion = tls.VersionTLS13
	config.NextProtos = []string{"h2"}
	verify := config.VerifyConnection
	config.VerifyConnection = func(state tls.ConnectionState) error {
		id, err := identifyState(&state)
		if err != nil {
			return err
		}
		if name := id.names[RoleHub]; name == "" || region != "" && name != region {
			return &IdentityError{fmt.Sprintf("the server is %s and not hub %s", id, region)}
		}
		if verify != nil {
			return verify(state)
		}
		return nil
	}
	return config
}

// checkTLS refuses what would take orders from anybody.
func checkTLS(config *tls.Config) error {
	if config != nil && config.InsecureSkipVerify {
		return errors.New("kill: InsecureSkipVerify would take orders from anybody: name the authority in RootCAs")
	}
	return nil
}

// A PlainError refuses an address that may not be used without TLS.
type PlainError struct{ Address string }

func (e *PlainError) Error() string {
	return fmt.Sprintf("kill: %s is not a loopback address: set TLS, because without it anybody there could send orders", e.Address)
}

// checkAddress refuses addresses off this machine unless there is TLS.
func checkAddress(address string, config *tls.Config) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("kill: the address of a hub is HOST:PORT: %w", err)
	}
	if config == nil && !loopback(host) {
		return &PlainError{address}
	}
	return nil
}

// loopback reports whether the host is an address of this machine that others cannot reach. Of
// names only localhost is one, which nobody else can define.
func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.Unmap().IsLoopback()
}
