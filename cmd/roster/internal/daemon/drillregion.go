package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/drill"
)

// An ownRegion is this daemon's region as a drill reaches it.
type ownRegion struct{ d *daemon }

var _ drill.Region = ownRegion{}

func (o ownRegion) Name() string { return o.d.config.Region }

func (o ownRegion) Standing(context.Context) (drill.Standing, error) {
	s := drill.Standing{Region: o.Name(), Peers: []drill.Peer{}}
	if p := o.d.drilling.playing.Load(); p != nil {
		s.Drilled = &drill.Playing{ID: p.order.ID, By: p.order.By, LeftMillis: p.left().Milliseconds()}
	}
	if id := o.d.drilling.running.Load(); id != nil {
		s.Running = *id
	}
	for _, p := range o.d.agent.Status().Peers {
		peer := drill.Peer{Region: p.To, Connected: p.Connected, LagMillis: p.Lag.Milliseconds(), Pending: p.Pending}
		if p.LastError != nil {
			peer.Problem = p.LastError.Error()
		}
		s.Peers = append(s.Peers, peer)
	}
	return s, nil
}

// refused is what a client of the region would be told about a probe record.
func (o ownRegion) refused(key string) error {
	if !strings.HasPrefix(key, drill.Namespace+"/") {
		return status.Errorf(codes.InvalidArgument, "%q is no probe record of a drill", key)
	}
	if why := o.d.refusal(); why != "" {
		return status.Error(codes.Unavailable, why)
	}
	return nil
}

func (o ownRegion) Write(ctx context.Context, key, value string) error {
	if err := o.refused(key); err != nil {
		return err
	}
	_, err := o.d.records.Put(ctx, key, []byte(value))
	return err
}

func (o ownRegion) Read(_ context.Context, key string) error {
	if err := o.refused(key); err != nil {
		return err
	}
	o.d.records.Get(key)
	return nil
}

func (o ownRegion) Held(context.Context) (map[string]string, error) {
	held := make(map[string]string)
	for _, record := range o.d.records.List(drill.Namespace) {
		held[record.Key] = string(record.Value)
	}
	return held, nil
}

func (o ownRegion) Fail(ctx context.Context, order drill.Order) (drill.Failed, error) {
	return o.d.fail(ctx, order)
}

func (o ownRegion) End(ctx context.Context, id string) error { return o.d.endDrill(ctx, id) }

func (o ownRegion) Clean(ctx context.Context) (int, error) {
	const atOnce = 32 // writes that come together share a transaction
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex // guards errs
		errs []error
	)
	records := o.d.records.List(drill.Namespace)
	slots := make(chan struct{}, atOnce)
	for _, record := range records {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := o.d.records.Delete(ctx, record.Key); err != nil {
				mu.Lock()
				defer mu.Unlock()
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	if len(errs) > 0 {
		return len(records) - len(errs), fmt.Errorf("%d of %d were not deleted: %w", len(errs), len(records), errs[0])
	}
	return len(records), nil
}

// A remoteRegion is another region, asked on its replication port.
type remoteRegion struct {
	d    *daemon
	name string
}

var _ drill.Region = remoteRegion{}

func (r remoteRegion) Name() string { return r.name }

// ask sends a request and reads the answer into a value, if there is one.
func (r remoteRegion) ask(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("the request: %w", err)
	}
	response, err := r.d.agent.Ask(ctx, r.name, method, drillPeerPath+path, text)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // nothing is left to learn from it
	decoder := json.NewDecoder(response.Body)
	if response.StatusCode != http.StatusOK {
		var answer api.Error
		if err := decoder.Decode(&answer); err != nil || answer.Error.Message == "" {
			return fmt.Errorf("region %s answers %s: is its daemon too old to be drilled?", r.name, response.Status)
		}
		return errors.New(answer.Error.Message)
	}
	if into == nil {
		return nil
	}
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("the answer of region %s: %w", r.name, err)
	}
	return nil
}

func (r remoteRegion) Standing(ctx context.Context) (s drill.Standing, err error) {
	err = r.ask(ctx, http.MethodGet, "standing", nil, &s)
	return s, err
}

func (r remoteRegion) Write(ctx context.Context, key, value string) error {
	return r.ask(ctx, http.MethodPut, "records", drillProbe{key, value}, nil)
}

func (r remoteRegion) Read(ctx context.Context, key string) error {
	return r.ask(ctx, http.MethodGet, "record?key="+url.QueryEscape(key), nil, nil)
}

func (r remoteRegion) Held(ctx context.Context) (held map[string]string, err error) {
	err = r.ask(ctx, http.MethodGet, "records", nil, &held)
	return held, err
}

func (r remoteRegion) Fail(ctx context.Context, order drill.Order) (failed drill.Failed, err error) {
	err = r.ask(ctx, http.MethodPost, "fail", order, &failed)
	return failed, err
}

func (r remoteRegion) End(ctx context.Context, id string) error {
	return r.ask(ctx, http.MethodPost, "end", drill.Order{ID: id}, nil)
}

func (r remoteRegion) Clean(ctx context.Context) (n int, err error) {
	err = r.ask(ctx, http.MethodDelete, "records", nil, &n)
	return n, err
}
