package etcd_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
)

// certificate writes a certificate for the loopback address, its own authority, and returns
// its files.
func certificate(t *testing.T) (certFile, keyFile string) {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))(t)
	write := func(name, kind string, data []byte) string {
		t.Helper()
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("cert.pem", "CERTIFICATE", der),
		write("key.pem", "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(key))(t))
}

// secured puts mutual TLS in front of a store and returns the address.
func secured(t *testing.T, s *store, certFile, keyFile string) string {
	t.Helper()
	authority := x509.NewCertPool()
	authority.AppendCertsFromPEM(must(os.ReadFile(certFile))(t))
	listener := must(tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{must(tls.LoadX509KeyPair(certFile, keyFile))(t)},
		ClientCAs:    authority, ClientAuth: tls.RequireAndVerifyClientCert,
		// In version 1.3 the refusal of a certificate races with the first request.
		NextProtos: []string{"h2"}, MaxVersion: tls.VersionTLS12,
	}))(t)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer in.Close()
				out, err := net.Dial("tcp", s.listen)
				if err != nil {
					return
				}
				defer out.Close()
				go func() { defer out.Close(); _, _ = io.Copy(out, in) }()
				_, _ = io.Copy(in, out)
			}()
		}
	}()
	return listener.Addr().String()
}

func TestDialWithMutualTLS(t *testing.T) {
	s := newStore(t)
	certFile, keyFile := certificate(t)
	endpoint := "https://" + secured(t, s, certFile, keyFile)
	client, err := etcd.Dial(t.Context(), []string{endpoint}, etcd.DialOptions{CAFile: certFile, CertFile: certFile, KeyFile: keyFile})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	view := runView(t, etcd.New(client, etcd.Options{}))
	announce(t, etcd.New(client, etcd.Options{}), instance("mail", 1))
	eventually(t, "it is seen", func() bool { return len(view.Get("mail")) == 1 })

	const timeout = time.Second
	for want, opts := range map[string]etcd.DialOptions{
		"certificate signed by unknown authority": {Timeout: timeout},
		"remote error: tls":                       {Timeout: timeout, CAFile: certFile},
	} {
		_, err := etcd.Dial(t.Context(), []string{endpoint}, opts)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("got %v, want one line with %q", err, want)
		}
	}
}

func TestDialWithUser(t *testing.T) {
	s := withUser(t)

	opts := etcd.DialOptions{Username: "root", Password: "right"}
	client, err := etcd.Dial(t.Context(), []string{s.listen}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	view := runView(t, etcd.New(client, etcd.Options{}))
	announce(t, etcd.New(client, etcd.Options{}), instance("mail", 1))
	eventually(t, "it is seen", func() bool { return len(view.Get("mail")) == 1 })

	opts.Password = "wrong"
	_, err = etcd.Dial(t.Context(), []string{s.listen}, opts)
	if err == nil || !strings.Contains(err.Error(), "check the user name") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("with a wrong password: %v", err)
	}

	opts.Timeout = 300 * time.Millisecond
	began := time.Now()
	if _, err := etcd.Dial(t.Context(), []string{freeAddress(t)}, opts); err == nil || time.Since(began) > 10*opts.Timeout {
		t.Errorf("without a store: %v after %v", err, time.Since(began))
	}
}

// withUser makes a store ask for the user root.
func withUser(t *testing.T) *store {
	t.Helper()
	s := newStore(t)
	admin := s.client()
	must(admin.UserAdd(t.Context(), "root", "right"))(t)
	must(admin.UserGrantRole(t.Context(), "root", "root"))(t)
	must(admin.AuthEnable(t.Context()))(t)
	return s
}

// A program with a user starts while the store is away, joins when it is back, and goes on
// when the store does not know its token any more.
func TestDialWithUserWhileAway(t *testing.T) {
	s := withUser(t)
	s.stop()
	opts := etcd.DialOptions{Timeout: -1, Username: "root", Password: "right"}
	began := time.Now()
	client, err := etcd.Dial(t.Context(), []string{s.listen}, opts)
	if err != nil {
		t.Fatalf("after %v: %v", time.Since(began), err)
	}
	defer client.Close()
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("took %v, want about 1 s", took)
	}
	backend := etcd.New(client, etcd.Options{TTL: ttl, Heartbeat: heartbeat})
	view := discovery.NewView(discovery.In(roster.NewDirectory()))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = view.Run(ctx, backend) }()
	defer func() { cancel(); <-ended }()
	announcement := announce(t, backend, instance("mail", 1))
	for round := range 2 { // etcd forgets its tokens when it is stopped
		s.start()
		eventually(t, "it is registered and seen", func() bool {
			return announcement.Status().Registered && len(view.Get("mail")) == 1 && !view.Status().Stale
		})
		if round == 0 {
			s.stop()
			eventually(t, "the view is stale", func() bool { return view.Status().Stale })
		}
	}
	opts.Password = "wrong"
	if _, err := etcd.Dial(t.Context(), []string{s.listen}, opts); err == nil || !strings.Contains(err.Error(), "check the user name") {
		t.Errorf("with a wrong password, and the store there: %v", err)
	}
}

// A certificate that is replaced is used for the next connection.
func TestClientCertificateRotates(t *testing.T) {
	s := newStore(t)
	certFile, keyFile := certificate(t)
	otherCert, otherKey := certificate(t)
	endpoint := "https://" + secured(t, s, certFile, keyFile)
	mine, mineKey := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	replace := func(cert, key string) {
		t.Helper()
		for to, from := range map[string]string{mine: cert, mineKey: key} {
			if err := os.WriteFile(to, must(os.ReadFile(from))(t), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace(otherCert, otherKey) // which the server does not accept
	client := must(etcd.Dial(t.Context(), []string{endpoint}, etcd.DialOptions{CAFile: certFile, CertFile: mine, KeyFile: mineKey, Timeout: -1}))(t)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := client.Get(ctx, "x"); err == nil {
		t.Fatal("the server accepts a certificate that it does not know")
	}
	replace(certFile, keyFile)
	ctx, cancel = context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := client.Get(ctx, "x"); err != nil {
		t.Errorf("with the right certificate in the same files: %v", err)
	}
}
