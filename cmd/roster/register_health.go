package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// checkLimit bounds one check of a command's health.
const checkLimit = 2 * time.Second

// check returns the check that --health asks for.
func (r *registration) check() (func(context.Context) error, error) {
	switch {
	case r.health == "none":
		return func(context.Context) error { return nil }, nil
	case r.health == "tcp":
		address := r.instance.Address
		if parsed, err := url.Parse(address); err == nil && parsed.Host != "" {
			address = parsed.Host
		}
		if _, _, err := net.SplitHostPort(address); err != nil {
			return nil, fmt.Errorf("the address %q has no port to connect to; write host:port, or choose another --health", r.instance.Address)
		}
		return func(ctx context.Context) error { return connects(ctx, address) }, nil
	case strings.HasPrefix(r.health, "http://"), strings.HasPrefix(r.health, "https://"):
		if parsed, err := url.Parse(r.health); err != nil || parsed.Host == "" {
			return nil, fmt.Errorf("--health %q is not a URL", r.health)
		}
		return func(ctx context.Context) error { return answers(ctx, r.health) }, nil
	default:
		return nil, fmt.Errorf("--health %q is none of tcp, a URL, none", r.health)
	}
}

func connects(ctx context.Context, address string) error {
	conn, err := (&net.Dialer{Timeout: checkLimit}).DialContext(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("no connection: %w", err)
	}
	_ = conn.Close() // it was there
	return nil
}

func answers(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("the check: %w", err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("the check: %w", err)
	}
	_ = res.Body.Close() // the status is all that counts
	if res.StatusCode < http.StatusOK || res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the check is answered with %s", res.Status)
	}
	return nil
}
