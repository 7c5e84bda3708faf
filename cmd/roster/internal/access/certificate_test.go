package access

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

var discard = slog.New(slog.DiscardHandler)

func TestCertificatesGiveRoles(t *testing.T) {
	t.Parallel()
	uri := &url.URL{Scheme: "spiffe", Host: "example", Path: "/alice"}
	cert := &x509.Certificate{
		Subject: pkix.Name{CommonName: "alice"}, URIs: []*url.URL{uri}, DNSNames: []string{"a.example"}, EmailAddresses: []string{"alice@example"},
	}
	for name, c := range map[string]struct {
		roles Certificates
		who   string
		role  Role
	}{
		"by URI":                      {Certificates{"uri:spiffe://example/alice": Operate}, "uri:spiffe://example/alice", Operate},
		"by name":                     {Certificates{"cn:alice": Kill}, "cn:alice", Kill},
		"by DNS name":                 {Certificates{"dns:a.example": Read}, "dns:a.example", Read},
		"by address":                  {Certificates{"email:alice@example": Read}, "email:alice@example", Read},
		"the highest role":            {Certificates{"cn:alice": Kill, "dns:a.example": Read}, "cn:alice", Kill},
		"a name of another kind":      {Certificates{"dns:alice": Kill, "cn:a.example": Kill}, "uri:spiffe://example/alice", None},
		"a part of a name":            {Certificates{"cn:alic": Kill, "dns:example": Kill, "uri:spiffe://example/": Kill}, "uri:spiffe://example/alice", None},
		"another case is another one": {Certificates{"cn:Alice": Kill}, "uri:spiffe://example/alice", None},
	} {
		if who := c.roles.identify(cert); who.Name != c.who || who.Role != c.role || who.How != byCertificate {
			t.Errorf("%s: %+v", name, who)
		}
	}
	for name, role := range map[string]Role{"alice": Kill, "cn:": Kill, "CN:alice": Kill, "cn:alice": None, "": Read, "ip:1.2.3.4": Read} {
		if (Certificates{name: role}).Validate() == nil {
			t.Errorf("%q with the role %s is taken", name, role)
		}
	}
}

// Only a certificate that was verified counts, and a token that is given comes first.
func TestGuardTakesVerifiedCertificates(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *Options) { o.Certificates = Certificates{"cn:alice": Kill} })
	certificate := func(name string, life time.Duration) *x509.Certificate {
		return &x509.Certificate{Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(life)}
	}
	alice, bob, late := certificate("alice", time.Hour), certificate("bob", time.Hour), certificate("alice", -time.Second)
	for name, c := range map[string]struct {
		state  *tls.ConnectionState
		token  string
		status int
		says   string
	}{
		"verified":              {&tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{alice}}}, "", http.StatusOK, ""},
		"of nobody with a role": {&tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{bob}}}, "", http.StatusForbidden, "cn:bob has none; give the certificate's name that role in access.certificates"},
		"not verified":          {&tls.ConnectionState{PeerCertificates: []*x509.Certificate{alice}}, "", http.StatusUnauthorized, "who you are"},
		"expired since":         {&tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{late}}}, "", http.StatusUnauthorized, "has expired"},
		"none":                  {&tls.ConnectionState{}, "", http.StatusUnauthorized, "who you are"},
		"with a lesser token":   {&tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{alice}}}, s.tokens[Read], http.StatusForbidden, "who-read has read"},
	} {
		r := httptest.NewRequest(http.MethodPost, "https://localhost/kill", http.NoBody)
		r.TLS = c.state
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.says) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}
