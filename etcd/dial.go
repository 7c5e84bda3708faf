package etcd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/etcd/internal/zapslog"
)

// DialOptions say how to reach a cluster. The zero value is for one without TLS and users.
type DialOptions struct {
	CAFile   string // PEM file of the authority that signed the servers' certificates; the system's if empty
	CertFile string // PEM file of the client's certificate, read for every connection; needs KeyFile
	KeyFile  string // PEM file of the client's key, read for every connection; needs CertFile
	Username string // needs Password
	Password string // never logged

	// Timeout bounds the attempt to reach the cluster, 5 s if zero. If negative, Dial does
	// not try: it returns a client that connects when it is used, for programs that start
	// while the cluster is away. A user is then authenticated at once if the cluster answers
	// within a second, so that a wrong password is an error of Dial, and otherwise by the
	// first request that it answers. A token that has expired is renewed in any case.
	Timeout time.Duration
	// Logger is told what the client logs, at debug and warn level. Nil is silent.
	Logger *slog.Logger
}

// An EndpointError reports an endpoint that is malformed.
type EndpointError struct {
	Endpoint string // without user and password
	Fault    string // what is wrong, as a clause
}

func (e *EndpointError) Error() string {
	return fmt.Sprintf("etcd: endpoint %q: %s; write host:port, http://host:port or https://host:port", e.Endpoint, e.Fault)
}

// An UnreachableError reports a cluster none of whose members answered in time.
type UnreachableError struct {
	Endpoints []string
	Timeout   time.Duration
	Err       error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("etcd: none of %q answered within %v, check that etcd runs there and is reachable: %v", e.Endpoints, e.Timeout, e.Err)
}

// Unwrap returns why.
func (e *UnreachableError) Unwrap() error { return e.Err }

const defaultDialTimeout = 5 * time.Second

// A connection that is silent for keepAlive is probed, and broken off when the probe is not
// answered within keepAliveTimeout. Servers refuse clients that probe more often than every
// five seconds.
const (
	keepAlive        = 10 * time.Second
	keepAliveTimeout = 5 * time.Second
)

// reconnect is how a lost connection is tried again. gRPC's own default pauses for up to two
// minutes, in which a store that is back would go unnoticed.
var reconnect = grpcbackoff.Config{
	BaseDelay:  100 * time.Millisecond,
	Multiplier: 1.6,
	Jitter:     0.5,
	MaxDelay:   time.Second,
}

// Dial connects to the cluster of which endpoints are the members, or some of them. The
// errors are [*EndpointError], [*UnreachableError], and those of reading the files that the
// options name.
func Dial(ctx context.Context, endpoints []string, opts DialOptions) (*clientv3.Client, error) {
	config, err := clientConfig(endpoints, opts)
	if err != nil {
		return nil, err
	}
	timeout := opts.Timeout
	if timeout <= 0 {
		timeout = defaultDialTimeout
	}
	config.DialTimeout = timeout // bounds the authentication, which New does
	var dialed atomic.Bool
	if opts.Timeout < 0 {
		config.DialOptions = append(config.DialOptions, grpc.WithChainUnaryInterceptor(postponeAuthentication(&dialed)))
	}
	client, err := clientv3.New(config)
	dialed.Store(true)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil, &UnreachableError{Endpoints: endpoints, Timeout: timeout, Err: err}
	case err != nil:
		return nil, fmt.Errorf("etcd: open %q, check the user name and the password: %w", endpoints, err)
	case opts.Timeout < 0:
		return client, nil
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// Any answer of a member that has a leader will do, even that the key may not be read.
	_, err = client.Get(ctx, "roster-dial", clientv3.WithKeysOnly(), clientv3.WithLimit(1))
	if ctx.Err() == nil {
		return client, nil
	}
	err = &UnreachableError{Endpoints: endpoints, Timeout: timeout, Err: reason(context.WithoutCancel(ctx), client, err)}
	return nil, errors.Join(err, client.Close())
}

// authWait is how long a program that need not reach the cluster waits for the answer to
// its user's password.
const authWait = time.Second

// postponeAuthentication lets [clientv3.New] return without a token, as if the cluster did
// not ask for users, if the cluster does not answer. The client fetches a token as soon as
// a request is refused for want of one, and for every stream.
func postponeAuthentication(dialed *atomic.Bool) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		if dialed.Load() || method != authenticateMethod {
			return invoke(ctx, method, req, reply, conn, opts...)
		}
		ctx, cancel := context.WithTimeout(ctx, authWait)
		defer cancel()
		err := invoke(ctx, method, req, reply, conn, opts...)
		switch status.Code(err) {
		case codes.DeadlineExceeded, codes.Unavailable:
			return rpctypes.ErrGRPCAuthNotEnabled
		default:
			return err
		}
	}
}

const authenticateMethod = "/etcdserverpb.Auth/Authenticate"

// reasonTimeout bounds the look for a reason after an attempt has failed.
const reasonTimeout = 500 * time.Millisecond

// reason finds out why there is no connection. Requests of the client wait for one and then
// report no more than that they waited; one that does not wait reports what happened.
func reason(ctx context.Context, client *clientv3.Client, timeout error) error {
	ctx, cancel := context.WithTimeout(ctx, reasonTimeout)
	defer cancel()
	request := &etcdserverpb.RangeRequest{Key: []byte("roster-dial"), KeysOnly: true}
	_, err := etcdserverpb.NewKVClient(client.ActiveConnection()).Range(ctx, request)
	if status.Code(err) == codes.Unavailable {
		return errors.New(status.Convert(err).Message())
	}
	return timeout
}

// Check reports what Dial would refuse without asking anybody: endpoints that are none, settings that do
// not go together, and files that cannot be read.
func (o DialOptions) Check(endpoints []string) error {
	_, err := clientConfig(endpoints, o)
	return err
}

func clientConfig(endpoints []string, opts DialOptions) (clientv3.Config, error) {
	if len(endpoints) == 0 {
		return clientv3.Config{}, &EndpointError{Fault: "there is none"}
	}
	for _, endpoint := range endpoints {
		if fault := endpointFault(endpoint); fault != "" {
			return clientv3.Config{}, &EndpointError{Endpoint: redact(endpoint), Fault: fault}
		}
	}
	config := clientv3.Config{
		Endpoints:            endpoints,
		DialKeepAliveTime:    keepAlive,
		DialKeepAliveTimeout: keepAliveTimeout,
		Username:             opts.Username,
		Password:             opts.Password,
		Logger:               zapslog.New(opts.Logger),
		DialOptions: []grpc.DialOption{grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           reconnect,
			MinConnectTimeout: keepAliveTimeout,
		})},
	}
	if (opts.Username == "") != (opts.Password == "") {
		return config, errors.New("etcd: a user name and a password go together: set both or neither")
	}
	var err error
	config.TLS, err = tlsConfig(endpoints, opts)
	return config, err
}

// redact hides a user and a password that somebody wrote into an endpoint.
func redact(endpoint string) string {
	at := strings.LastIndex(endpoint, "@")
	if at < 0 {
		return endpoint
	}
	scheme, _, ok := strings.Cut(endpoint, "://")
	if !ok {
		return "redacted" + endpoint[at:]
	}
	return scheme + "://redacted" + endpoint[at:]
}

func endpointFault(endpoint string) string {
	address := endpoint
	if scheme, _, ok := strings.Cut(endpoint, "://"); ok {
		parsed, err := url.Parse(endpoint)
		switch {
		case err != nil:
			return "it is not a URL"
		case scheme != "http" && scheme != "https":
			return fmt.Sprintf("its scheme is %q", scheme)
		case parsed.Path != "" && parsed.Path != "/", parsed.RawQuery != "", parsed.Fragment != "", parsed.User != nil:
			return "it has more than a host and a port"
		}
		address = parsed.Host
	}
	host, port, err := net.SplitHostPort(address)
	switch {
	case err != nil:
		return "it is not host:port"
	case host == "":
		return "the host is missing"
	case port == "":
		return "the port is missing"
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return fmt.Sprintf("the port is %q, not a number from 1 to 65535", port)
	}
	return ""
}

// tlsConfig returns nil if nothing asks for TLS.
func tlsConfig(endpoints []string, opts DialOptions) (*tls.Config, error) {
	secure := opts.CAFile != "" || opts.CertFile != "" || opts.KeyFile != ""
	for _, endpoint := range endpoints {
		plain := strings.HasPrefix(endpoint, "http://")
		if plain && secure {
			return nil, &EndpointError{Endpoint: endpoint, Fault: "it is not encrypted, but a certificate or an authority is set"}
		}
		secure = secure || strings.HasPrefix(endpoint, "https://")
	}
	if !secure {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if opts.CAFile != "" {
		pem, err := os.ReadFile(opts.CAFile)
		if err != nil {
			return nil, fmt.Errorf("etcd: read the authority's certificate: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("etcd: %s holds no PEM certificate of an authority", opts.CAFile)
		}
	}
	if (opts.CertFile == "") != (opts.KeyFile == "") {
		return nil, errors.New("etcd: a client certificate and its key go together: set both or neither")
	}
	if opts.CertFile != "" {
		certificate, err := tls.LoadX509KeyPair(opts.CertFile, opts.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("etcd: load the client certificate %s with key %s: %w", opts.CertFile, opts.KeyFile, err)
		}
		config.GetClientCertificate = rotating(certificate, opts)
	}
	return config, nil
}

// rotating returns the certificate that the files hold when a connection is made, or the
// last good one while they are being replaced.
func rotating(first tls.Certificate, opts DialOptions) func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	var last atomic.Pointer[tls.Certificate]
	last.Store(&first)
	return func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if now, err := tls.LoadX509KeyPair(opts.CertFile, opts.KeyFile); err == nil {
			last.Store(&now)
		}
		return last.Load(), nil
	}
}
