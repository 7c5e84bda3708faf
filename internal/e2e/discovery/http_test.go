package discovery_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/discoveryhttp"
)

// callHTTP returns a call over HTTP that is made once, whatever happens.
func callHTTP(t *testing.T, v *discovery.View, service string) func(context.Context) error {
	t.Helper()
	transport := must(discoveryhttp.NewTransport(v, discoveryhttp.Options{Attempts: 1}))(t)
	t.Cleanup(transport.CloseIdleConnections)
	client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+service+".roster/", http.NoBody)
		if err != nil {
			return err
		}
		response, err := client.Do(req)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %s", response.Status)
		}
		return nil
	}
}

func reachable(t *testing.T, address string) error {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}
