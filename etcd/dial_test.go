package etcd_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/etcd"
)

func TestDialRefusesMalformedEndpoints(t *testing.T) {
	for _, endpoint := range []string{
		"", "localhost", ":2379", "localhost:", "localhost:http:x", "localhost:99999", "ftp://localhost:21",
		"http://localhost", "http://localhost:2379/path", "http://user:secret@localhost:2379", "http://%zz:1", "::1:2379",
		"user:secret@localhost:x", "http://user:secret@%zz:1",
	} {
		_, err := etcd.Dial(t.Context(), []string{"localhost:2379", endpoint}, etcd.DialOptions{})
		var fault *etcd.EndpointError
		switch {
		case !errors.As(err, &fault):
			t.Errorf("endpoint %q: got %v, want an EndpointError", endpoint, err)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("endpoint %q: the error shows the password: %v", endpoint, err)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("endpoint %q: more than one line: %v", endpoint, err)
		}
	}
	if _, err := etcd.Dial(t.Context(), nil, etcd.DialOptions{}); err == nil {
		t.Error("no endpoints at all were accepted")
	}
}

func TestDialIsBounded(t *testing.T) {
	address := freeAddress(t)
	const timeout = 300 * time.Millisecond
	began := time.Now()
	_, err := etcd.Dial(t.Context(), []string{address}, etcd.DialOptions{Timeout: timeout})
	var unreachable *etcd.UnreachableError
	if !errors.As(err, &unreachable) || !strings.Contains(err.Error(), address) {
		t.Errorf("got %v, want an UnreachableError that names the endpoint", err)
	}
	if took := time.Since(began); took > 10*timeout {
		t.Errorf("gave up after %v, want %v", took, timeout)
	}
}

func TestDialReachesAStore(t *testing.T) {
	s := newStore(t)
	for _, endpoint := range []string{s.listen, "http://" + s.listen} {
		client, err := etcd.Dial(t.Context(), []string{endpoint}, etcd.DialOptions{})
		if err != nil {
			t.Fatalf("%s: %v", endpoint, err)
		}
		client.Close()
	}
}

func TestDialChecksItsOptions(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.pem")
	if err := os.WriteFile(garbage, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.pem")
	for name, test := range map[string]struct {
		endpoint string
		opts     etcd.DialOptions
		want     string
	}{
		"password alone":       {"localhost:1", etcd.DialOptions{Password: "secret"}, "set both or neither"},
		"user alone":           {"localhost:1", etcd.DialOptions{Username: "u"}, "set both or neither"},
		"certificate alone":    {"localhost:1", etcd.DialOptions{CertFile: garbage}, "set both or neither"},
		"authority is missing": {"localhost:1", etcd.DialOptions{CAFile: missing}, missing},
		"authority is garbage": {"localhost:1", etcd.DialOptions{CAFile: garbage}, garbage},
		"key pair is garbage":  {"localhost:1", etcd.DialOptions{CertFile: garbage, KeyFile: garbage}, garbage},
		"plain with authority": {"http://localhost:1", etcd.DialOptions{CAFile: garbage}, "not encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := etcd.Dial(t.Context(), []string{test.endpoint}, test.opts)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}
