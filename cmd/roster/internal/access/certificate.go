package access

import (
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Certificates say which role the owner of a client certificate has, by a name in it: uri:, dns: or
// email: and a subject alternative name, or cn: and the common name. Names are compared exactly, and
// the kind is part of a name, so that a host name in one field is never taken for another.
type Certificates map[string]Role

var certificateKinds = []string{"uri:", "dns:", "email:", "cn:"}

// Validate refuses names of no kind.
func (c Certificates) Validate() error {
	for _, name := range slices.Sorted(maps.Keys(c)) {
		ofKind := func(kind string) bool { return strings.HasPrefix(name, kind) && len(name) > len(kind) }
		if !slices.ContainsFunc(certificateKinds, ofKind) {
			return fmt.Errorf("%q does not say which name of a certificate it is; write uri:…, dns:…, email:… or cn:…", name)
		}
		if role := c[name]; role < Read || role > Kill {
			return fmt.Errorf("%q has no role; give read, operate or kill", name)
		}
	}
	return nil
}

// identify returns who owns a verified certificate. Of several names the one with the most counts.
// A certificate without one has the role None, and the first of its names.
func (c Certificates) identify(cert *x509.Certificate) Identity {
	found := Identity{How: byCertificate}
	for _, name := range certificateNames(cert) {
		if found.Name == "" || c[name] > found.Role {
			found.Name, found.Role = name, c[name]
		}
	}
	return found
}

func certificateNames(cert *x509.Certificate) []string {
	var names []string
	for _, uri := range cert.URIs {
		names = append(names, "uri:"+uri.String())
	}
	for _, name := range cert.DNSNames {
		names = append(names, "dns:"+name)
	}
	for _, name := range cert.EmailAddresses {
		names = append(names, "email:"+name)
	}
	if cert.Subject.CommonName != "" {
		names = append(names, "cn:"+cert.Subject.CommonName)
	}
	return names
}
