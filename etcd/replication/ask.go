package replication

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
)

// PeerOf returns the region whose certificate has vouched for a request to
// [AgentOptions] Handler. It is empty without TLS, where everybody on this machine may ask.
func PeerOf(r *http.Request) string {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return ""
	}
	name, err := regionOfCertificate(r.TLS.PeerCertificates[0])
	if err != nil { // the handshake would have failed
		return ""
	}
	return name
}

// Ask sends a request to the [AgentOptions] Handler of another region's agents, at the first of
// the region's addresses that answers, with the mutual TLS that records travel under. The
// caller closes the body of the answer, whatever its status. It works while replication is
// paused, at any agent, whether it leads or not, and only while [Agent.Run] runs.
func (a *Agent) Ask(ctx context.Context, region, method, path string, body []byte) (*http.Response, error) {
	row, ok := a.store.Regions().Get(region)
	switch {
	case !ok || len(row.Replication) == 0:
		return nil, &RegionError{Region: region, Fault: "there is no address of it in the table of regions: add it"}
	case row.Retired:
		return nil, &RegionError{Region: region, Fault: "it was retired: add it again first"}
	}
	transport := a.asking(region)
	scheme := "http"
	if a.opts.TLS != nil {
		scheme = "https"
	}
	var errs []error
	for _, address := range row.Replication {
		if a.opts.TLS == nil {
			if err := requireLoopback(address); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		request, err := http.NewRequestWithContext(ctx, method, scheme+"://"+address+path, bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("replication: address %q of region %q: %w", address, region, err)
		}
		response, err := transport.RoundTrip(request)
		if err == nil {
			return response, nil
		}
		errs = append(errs, fmt.Errorf("replication: ask region %q at %s: %w", region, address, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// asking is the way to a region for requests that are no feeds.
func (a *Agent) asking(region string) *http.Transport {
	a.mu.Lock()
	defer a.mu.Unlock()
	transport := a.transports[region]
	if transport == nil {
		transport = newTransport(a.opts.TLS, region, a.opts.Dial)
		a.transports[region] = transport
	}
	return transport
}

// serveOther hands on a request that is no feed, from a region that is in the table of regions
// and not retired.
func (a *Agent) serveOther(w http.ResponseWriter, r *http.Request) {
	if r.TLS != nil {
		row, ok := a.store.Regions().Get(PeerOf(r))
		if !ok || row.Retired {
			refusal := Refusal{Region: a.store.region, Code: RefusedRetired, Text: "the region was retired, or never added: add it first"}
			http.Error(w, refusal.Error(), http.StatusForbidden)
			return
		}
	}
	a.opts.Handler.ServeHTTP(w, r)
}
