package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// A client talks to a daemon.
type client struct {
	base *url.URL
	http *http.Client
}

func newClient(a *addressFlag) (*client, error) {
	base, err := url.Parse(a.url)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, usageError{fmt.Errorf("--address %q is not a URL such as http://127.0.0.1:7070", a.url)}
	}
	transport, err := a.transport(base)
	if err != nil {
		return nil, err
	}
	return &client{base: base, http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a token goes nowhere else
	}}, nil
}

// An unreachableError reports that no daemon answered.
type unreachableError struct {
	url string
	err error
}

func (e *unreachableError) Error() string {
	if errors.Is(e.err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer from %s in time; give --timeout more, or see what the daemon logs", e.url)
	}
	if tlsProblem := describeTLS(e.err); tlsProblem != "" {
		return fmt.Sprintf("%s: %s", e.url, tlsProblem)
	}
	return fmt.Sprintf("no daemon answers at %s: %v; start one with `roster up`, or say with --address where it is", e.url, cause(e.err))
}

func (e *unreachableError) Unwrap() error { return e.err }

// cause leaves out what net/http says about method and URL.
func cause(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

// A callError is an error that the daemon answered with.
type callError struct {
	status int
	code   string
	text   string
	access bool // the daemon refused who asks
}

func (e *callError) Error() string { return e.text + " (" + e.code + ")" }

func (e *callError) exitCode() int {
	if e.access && e.code != "unavailable" {
		return exitDenied
	}
	switch e.code {
	case "not_found":
		return exitNotFound
	case "unavailable", "deadline_exceeded", "canceled":
		return exitUnavailable
	default:
		return exitRefused
	}
}

// call runs a capability and returns its output and who served it.
func (c *client) call(ctx context.Context, capability, key string, input []byte) (output json.RawMessage, servedBy string, err error) {
	path := api.CallPath + url.PathEscape(capability)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url(path), bytes.NewReader(input))
	if err != nil {
		return nil, "", fmt.Errorf("the request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set(api.KeyHeader, key)
	}
	body, header, err := c.do(req)
	if err != nil {
		return nil, "", err
	}
	return bytes.TrimSpace(body), header.Get(api.ServedByHeader), nil
}

// get reads a list.
func (c *client) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url(path), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("the request: %w", err)
	}
	body, _, err := c.do(req)
	return body, err
}

func (c *client) url(escapedPath string) string {
	return strings.TrimSuffix(c.base.String(), "/") + escapedPath
}

func (c *client) do(req *http.Request) ([]byte, http.Header, error) {
	res, err := c.open(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = res.Body.Close() }() // nothing is left to learn from it
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, nil, &unreachableError{c.base.String(), err}
	}
	return body, res.Header, nil
}

// open sends a request and returns an answer of success, whose body the caller closes.
func (c *client) open(req *http.Request) (*http.Response, error) {
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &unreachableError{c.base.String(), err}
	}
	if res.StatusCode == http.StatusOK {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }() // likewise
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, &unreachableError{c.base.String(), err}
	}
	var answer api.Error
	if err := json.Unmarshal(body, &answer); err != nil || answer.Error.Message == "" {
		if bytes.Contains(body, []byte("HTTP request to an HTTPS server")) {
			return nil, usageError{fmt.Errorf("the daemon at %s speaks TLS; use https://%s", c.base, c.base.Host)}
		}
		return nil, fmt.Errorf("%s answered %s, which is not what a roster daemon says; check --address", c.base, res.Status)
	}
	return nil, &callError{res.StatusCode, answer.Error.Code, answer.Error.Message, answer.Error.Access}
}
