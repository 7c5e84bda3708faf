package e2e_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// An authority signs the certificates of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := new(authority)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	a.file = writePEM(t, "CERTIFICATE", raw)
	return a
}

// sign makes files with a certificate, which names its owner in URIs, and its key.
func (a *authority) sign(t *testing.T, uris ...string) (cert, key string) {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "a daemon"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 1, 1), net.IPv4(127, 0, 2, 1)},
	}
	for _, text := range uris {
		uri, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		template.URIs = append(template.URIs, uri)
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return writePEM(t, "CERTIFICATE", raw), writePEM(t, "PRIVATE KEY", der)
}

func writePEM(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Regions prove to each other who they are. One with a certificate of another authority gets nothing
// and changes nothing, and neither does one that calls itself something else.
func TestRegionsProveWhoTheyAre(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	start := func(name string, by *authority, uris ...string) (d *daemon, replication, control string) {
		cert, key := by.sign(t, uris...)
		config := filepath.Join(t.TempDir(), name+".yaml")
		text := "regions:\n  ca_file: " + ours.file + "\n  cert_file: " + cert + "\n  key_file: " + key + "\n"
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replication, control = freePort(t, "127.0.1.1"), freePort(t, "127.0.1.1")
		d = startDaemon(t, "--config", config, "--region", name, "--host", name+"-1", "--replication", replication, "--control", control)
		return d, replication, control
	}
	eu, _, _ := start("eu", ours, "roster://hub/eu", "roster://region/eu", "roster://runtime/eu-1")
	us, replication, control := start("us", ours, "roster://hub/us", "roster://region/us", "roster://runtime/us-1")
	if r := eu.roster(t, "put", "config/a", "secret"); r.code != 0 {
		t.Fatalf("put: %+v", r)
	}
	if r := eu.roster(t, "region", "add", "us", "--replication", replication, "--control", control); r.code != 0 {
		t.Fatalf("region add: %+v", r)
	}
	eventually(t, 30*time.Second, "the record arrives", func() bool { return us.roster(t, "get", "config/a").stdout == "secret" })
	eventually(t, 30*time.Second, "a kill reaches both", func() bool {
		r := us.roster(t, "kill", "capability/text.stats", "--reason", "test", "--force", "--wait", "5s")
		return r.code == 0 && strings.Contains(r.stdout, "eu: hub acked") && strings.Contains(r.stdout, "us-1 acked")
	})

	eventually(t, 30*time.Second, "a drill is asked for under the certificates of regions", func() bool {
		r := eu.roster(t, "region", "drill", "--fail", "us", "--for", "1s")
		return r.code == 0 && strings.Contains(r.stdout, "NOTHING LOST")
	})

	mallory, foreign, other := start("ap", theirs, "roster://hub/ap", "roster://region/ap", "roster://runtime/ap-1")
	for name, at := range map[string][2]string{"ap": {foreign, other}, "sa": {replication, control}} { // the second one is us
		if r := eu.roster(t, "region", "add", name, "--replication", at[0], "--control", at[1]); r.code != 0 {
			t.Fatalf("region add %s: %+v", name, r)
		}
	}
	eventually(t, 30*time.Second, "both are refused, and it is said why", func() bool {
		_, body := eu.get(t, "/v1/regions")
		return strings.Contains(body, "certificate signed by unknown authority") && strings.Contains(body, `is that of region \"us\"`)
	})
	if r := mallory.roster(t, "get", "config/a"); r.code != 3 {
		t.Errorf("a region that is not who it should be has the record: %+v", r)
	}
	if r := mallory.roster(t, "ls", "kills"); strings.Contains(r.stdout, "text.stats") {
		t.Errorf("and the kill: %+v", r)
	}
}
