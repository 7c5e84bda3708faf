package discoveryhttp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/roster-go/roster/discovery/pick"
)

// DefaultSuffix marks the hosts of URLs that name a service.
const DefaultSuffix = ".roster"

// MaxServices is how many services with instances one [Transport] keeps a balancer for,
// which knows what is busy and what is failing. Requests to others are balanced one by one.
const MaxServices = 10_000

// DefaultAttempts is how often a request is sent at most.
const DefaultAttempts = 3

// Options adjust a [Transport]. The zero value is a good choice.
type Options struct {
	// Suffix marks the hosts that name a service, [DefaultSuffix] if empty, in upper or lower
	// case. Requests for other hosts go to Base as they are.
	Suffix string
	// Pick says how an instance is chosen.
	Pick pick.Options
	// Key returns the key of a request for [pick.ConsistentHash]; nil for none.
	Key func(*http.Request) string
	// Base sends the requests, a clone of [http.DefaultTransport] if nil.
	Base http.RoundTripper
	// Attempts is how often a request is sent at most, [DefaultAttempts] if zero.
	Attempts int
}

// A Transport is an [http.RoundTripper] for URLs whose host is a service's name and a
// suffix: http://payments.roster/v1 goes to an instance of payments. A service whose name has
// capitals has to be written with them; any other may be written in capitals as well, since
// the hosts of URLs have no case. The instance's address
// is host:port, or a URL whose scheme is used and whose path stands before the request's.
// The request's Host header becomes the instance's, unless the request sets its own.
//
// # Retries
//
// A request that certainly did not reach an instance, since no connection could be made, is
// sent to another one. So is one whose connection broke before there was an answer, but
// only if repeating it does no harm: by its method, which is GET, HEAD, OPTIONS, TRACE, PUT
// or DELETE as RFC 9110 has it, or because it has the header Idempotency-Key. A request
// with a body is repeated only if it has GetBody. An answer, whatever its status, is never
// repeated. What failed counts against the instance, see [pick.Outliers]; so does an answer
// with status 502, 503 or 504.
type Transport struct {
	view     pick.Source
	opts     Options
	base     http.RoundTripper
	own      *http.Transport // base, if it was made here
	attempts int

	mu        sync.RWMutex // guards balancers
	balancers map[string]*pick.Balancer
}

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport returns a transport for the services of a view. It returns an error if the
// options of package pick are wrong.
func NewTransport(view pick.Source, opts Options) (*Transport, error) {
	opts.Suffix = cmp.Or(opts.Suffix, DefaultSuffix)
	if !strings.HasPrefix(opts.Suffix, ".") || len(opts.Suffix) < 2 {
		return nil, fmt.Errorf("discoveryhttp: the suffix %q does not begin with a dot and go on; write one such as %q", opts.Suffix, DefaultSuffix)
	}
	if _, err := pick.New(view, "probe", opts.Pick); err != nil {
		return nil, fmt.Errorf("discoveryhttp: %w", err)
	}
	t := &Transport{view: view, opts: opts, base: opts.Base, attempts: opts.Attempts, balancers: make(map[string]*pick.Balancer)}
	if t.attempts <= 0 {
		t.attempts = DefaultAttempts
	}
	if t.base == nil {
		standard, ok := http.DefaultTransport.(*http.Transport)
		if !ok {
			standard = new(http.Transport)
		}
		t.own = standard.Clone()
		t.own.Proxy = nil // the addresses are those of instances
		t.base = t.own
	}
	return t, nil
}

// CloseIdleConnections closes the connections that no request uses.
func (t *Transport) CloseIdleConnections() {
	if closer, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		closer.CloseIdleConnections()
	}
}

// RoundTrip implements [http.RoundTripper]. If the service has no instance, the error is a
// [*pick.NoneError].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	service := t.service(req.URL.Hostname())
	if service == "" {
		return t.base.RoundTrip(req) //nolint:wrapcheck // not ours
	}
	balancer, err := t.balancer(service)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	key := ""
	if t.opts.Key != nil {
		key = t.opts.Key(req)
	}
	var tried []pick.Picked
	var failures []error
	for {
		picked, err := balancer.PickOther(key, tried...)
		if err != nil {
			closeBody(req)
			return nil, errors.Join(append(failures, fmt.Errorf("discoveryhttp: %w", err))...)
		}
		tried = append(tried, picked)
		attempt, err := aim(req, picked.Instance().Address, len(tried) > 1)
		if err != nil {
			picked.Done(err)
			closeBody(req)
			return nil, errors.Join(append(failures, err)...)
		}
		response, err := t.base.RoundTrip(attempt)
		if err == nil {
			settle(picked, response)
			return response, nil
		}
		if errors.Is(req.Context().Err(), context.Canceled) {
			picked.Done(context.Canceled) // says nothing about the instance; a deadline that passed does
		} else {
			picked.Done(err)
		}
		failures = append(failures, fmt.Errorf("instance %s of %s at %s: %w", picked.Instance().ID, service, picked.Instance().Address, err))
		if len(tried) >= t.attempts || req.Context().Err() != nil || !repeatable(req, err) {
			return nil, errors.Join(failures...)
		}
	}
}

// service returns the name of the service that a host stands for, or "" if it is an ordinary
// host.
func (t *Transport) service(host string) string {
	cut := len(host) - len(t.opts.Suffix)
	if cut <= 0 || !strings.EqualFold(host[cut:], t.opts.Suffix) {
		return ""
	}
	name := host[:cut]
	if lower := strings.ToLower(name); lower != name && len(t.view.Get(name)) == 0 {
		return lower
	}
	return name
}

// balancer returns the balancer of a service. One without instances has none to keep: URLs
// may come from outside.
func (t *Transport) balancer(service string) (*pick.Balancer, error) {
	t.mu.RLock()
	balancer := t.balancers[service]
	t.mu.RUnlock()
	if balancer != nil {
		return balancer, nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if balancer := t.balancers[service]; balancer != nil {
		return balancer, nil
	}
	made, err := pick.New(t.view, service, t.opts.Pick)
	if err != nil {
		return nil, fmt.Errorf("discoveryhttp: %w", err)
	}
	if len(t.view.Get(service)) == 0 {
		return made, nil
	}
	if len(t.balancers) >= MaxServices {
		maps.DeleteFunc(t.balancers, func(known string, _ *pick.Balancer) bool { return len(t.view.Get(known)) == 0 })
	}
	if len(t.balancers) < MaxServices {
		t.balancers[service] = made
	}
	return made, nil
}

// aim returns a copy of the request for an address.
func aim(req *http.Request, address string, again bool) (*http.Request, error) {
	scheme, host, path := req.URL.Scheme, address, ""
	if strings.Contains(address, "://") {
		parsed, err := url.Parse(address)
		if err != nil || parsed.Host == "" {
			return nil, fmt.Errorf("discoveryhttp: the address %q is neither host:port nor a URL", address)
		}
		scheme, host, path = parsed.Scheme, parsed.Host, strings.TrimSuffix(parsed.Path, "/")
	}
	attempt := req.Clone(req.Context())
	if req.Host == "" || strings.EqualFold(req.Host, req.URL.Host) {
		attempt.Host = host
	}
	attempt.URL.Scheme, attempt.URL.Host = scheme, host
	if path != "" {
		attempt.URL = attempt.URL.JoinPath() // a copy
		attempt.URL.Path = path + req.URL.Path
		if req.URL.RawPath != "" {
			attempt.URL.RawPath = path + req.URL.RawPath
		}
	}
	if again && req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, fmt.Errorf("discoveryhttp: send the body once more: %w", err)
		}
		attempt.Body = body
	}
	return attempt, nil
}

// repeatable tells whether a request that failed may be sent once more.
func repeatable(req *http.Request, err error) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return true // it never reached anybody
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	return req.Header.Get("Idempotency-Key") != ""
}

// settle ends a pick when the answer's body has been read or closed: until then the
// instance is busy with it.
func settle(picked pick.Picked, response *http.Response) {
	var outcome error
	switch response.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		outcome = errors.New(response.Status)
	}
	if response.StatusCode == http.StatusSwitchingProtocols { // its body is a connection
		picked.Done(outcome)
		return
	}
	response.Body = &body{ReadCloser: response.Body, picked: picked, outcome: outcome}
}

// A body is an answer's, and ends a pick.
type body struct {
	io.ReadCloser

	once    sync.Once
	picked  pick.Picked
	outcome error
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		outcome := b.outcome
		if outcome == nil && !errors.Is(err, io.EOF) {
			outcome = err
		}
		b.once.Do(func() { b.picked.Done(outcome) })
	}
	return n, err //nolint:wrapcheck // a reader's errors are passed on
}

func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.once.Do(func() { b.picked.Done(b.outcome) })
	return err //nolint:wrapcheck // as for Read
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
}
