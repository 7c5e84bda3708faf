package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/etcd"
	"github.com/roster-go/roster/etcd/affine"
	etcdstrong "github.com/roster-go/roster/etcd/strong"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/replica/move"
	"github.com/roster-go/roster/replica/strong"
)

// namespaces are those that live in one region at a time.
type namespaces struct {
	store  *strong.Store
	region *affine.Region
	mover  *affine.Mover
}

// startNamespaces joins the strong store, if there is one, and keeps this region's lease in it.
// It waits for nothing: what is missing is tried for ever.
func (d *daemon) startNamespaces(local *clientv3.Client, stops *cleanup) error {
	config := d.config.Regions.Strong
	if len(config.Endpoints) == 0 {
		return nil
	}
	options, err := config.DialOptions(d.log)
	if err != nil {
		return err
	}
	client, err := etcd.Dial(context.Background(), config.Endpoints, options)
	if err != nil {
		return &ConfigError{"regions.strong.endpoints", err.Error(), err}
	}
	stops.add(func(context.Context) error { return ignoreCanceled(client.Close()) })
	store := strong.New(etcdstrong.New(client, etcdstrong.Options{Prefix: config.Prefix, Logger: d.log}))
	region, err := affine.NewRegion(d.config.Region, local, store, affine.Options{Prefix: d.config.Etcd.Prefix, Logger: d.log})
	if err != nil {
		return &ConfigError{"region", err.Error(), err}
	}
	n := &namespaces{store: store, region: region}
	n.mover = affine.NewMover(region.Directory(), func(name string) (affine.Contents, error) {
		if name == d.config.Region {
			return region.Contents(), nil
		}
		if d.agent == nil {
			return nil, fmt.Errorf("the contents of region %s cannot be reached: start this daemon with --replication ADDRESS", name)
		}
		return affine.Remote(name, func(ctx context.Context, path string, body []byte) (io.ReadCloser, error) {
			return d.askForContents(ctx, name, path, body)
		}), nil
	})
	d.namespaces = n
	running, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = store.Run(running) }) // it ends when it is told to
	wg.Go(func() { d.tendNamespaces(running) })
	stops.add(func(context.Context) error { stop(); wg.Wait(); return nil })
	return nil
}

// tendNamespaces makes this region one that can be a home, and runs its warden.
func (d *daemon) tendNamespaces(ctx context.Context) {
	const pause = time.Second
	for ctx.Err() == nil {
		directory := d.namespaces.region.Directory()
		err := directory.Setup(ctx, move.Terms{})
		if err == nil {
			err = directory.AddRegion(ctx, d.config.Region)
		}
		if err == nil {
			err = d.namespaces.region.Warden(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		d.log.Warn("namespaces are not tended, trying again", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// askForContents asks another region at its port for records.
func (d *daemon) askForContents(ctx context.Context, region, path string, body []byte) (io.ReadCloser, error) {
	answer, err := d.agent.Ask(ctx, region, http.MethodPost, path, body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer func() { _ = answer.Body.Close() }() // nothing is left to learn from it
		var why api.Error
		if err := json.NewDecoder(answer.Body).Decode(&why); err != nil || why.Error.Message == "" {
			return nil, fmt.Errorf("region %s answers %s", region, answer.Status)
		}
		return nil, errors.New(why.Error.Message)
	}
	return answer.Body, nil
}

// forRegions is what other regions may ask of this one at its port for records.
func (d *daemon) forRegions() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", d.drillPeers())
	mux.HandleFunc("GET "+lagsPath, d.serveLags)
	if d.namespaces != nil {
		mux.Handle(affine.RemotePath, d.unlessDead(affine.Handler(d.namespaces.region.Contents())))
	}
	return mux
}

// namespace is the one that a request is for, or an error for the caller.
func (d *daemon) namespace(r *http.Request) (*affine.Namespace, error) {
	name := r.PathValue("namespace")
	if d.namespaces == nil {
		return nil, status.Error(codes.FailedPrecondition, "this daemon has no strong store, which says where namespaces live: give its endpoints in regions.strong")
	}
	if order, killed := d.control.sw.Killed(kill.Namespace(name)); killed {
		return nil, status.Error(codes.FailedPrecondition, (&kill.KilledError{Order: order}).Error())
	}
	return d.namespaces.region.Namespace(name), nil
}

// namespaceError is an error of a namespace as the API says it.
func namespaceError(err error) error {
	code := codes.Unavailable
	switch {
	case errors.As(err, new(*affine.NotHomeError)):
		code = codes.FailedPrecondition
	case errors.As(err, new(*affine.UnknownError)):
		code = codes.NotFound
	case errors.As(err, new(*affine.NameError)):
		code = codes.InvalidArgument
	case errors.As(err, new(*affine.InDoubtError)), errors.As(err, new(*strong.InDoubtError)):
		code = codes.DeadlineExceeded
	case errors.As(err, new(*affine.HomeAliveError)), errors.As(err, new(*strong.ConflictError)),
		errors.As(err, new(*move.StateError)), errors.As(err, new(*move.RegionError)):
		code = codes.FailedPrecondition
	}
	return status.Error(code, err.Error())
}

// serveNamespaceKey answers GET, PUT and DELETE /v1/namespaces/{namespace}/keys/{key...}.
func (d *daemon) serveNamespaceKey(w http.ResponseWriter, r *http.Request) {
	n, err := d.namespace(r)
	if err != nil {
		writeError(w, err)
		return
	}
	key := r.PathValue("key")
	switch r.Method {
	case http.MethodGet:
		value, found, err := n.Get(r.Context(), key)
		switch {
		case err != nil:
			writeError(w, namespaceError(err))
		case !found:
			writeError(w, status.Errorf(codes.NotFound, "namespace %s has no key %q", r.PathValue("namespace"), key))
		default:
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			_, _ = w.Write(value) //nolint:gosec // its type keeps a browser from taking it for a page
		}
		return
	case http.MethodPut:
		var value []byte
		if value, err = io.ReadAll(http.MaxBytesReader(w, r.Body, affine.MaxValue)); err != nil {
			writeError(w, status.Errorf(codes.InvalidArgument, "the value cannot be read, or has more than %d bytes: %v", affine.MaxValue, err))
			return
		}
		_, err = n.Put(r.Context(), key, value)
	default:
		_, err = n.Delete(r.Context(), key)
	}
	if err != nil {
		writeError(w, namespaceError(err))
		return
	}
	writeJSON(w, http.StatusOK, api.Written{Key: key})
}

// serveNamespaces answers GET /v1/namespaces from this region's view of the directory, which
// needs no quorum.
func (d *daemon) serveNamespaces(w http.ResponseWriter, r *http.Request) {
	if d.namespaces == nil {
		writeJSON(w, http.StatusOK, api.Namespaces{Namespaces: []api.Namespace{}})
		return
	}
	records, err := d.namespaces.region.Directory().All(r.Context())
	if err != nil {
		writeError(w, namespaceError(err))
		return
	}
	answer := api.Namespaces{Strong: true, Namespaces: []api.Namespace{}}
	for _, record := range records {
		answer.Namespaces = append(answer.Namespaces, namespaceNow(record))
	}
	writeJSON(w, http.StatusOK, answer)
}

func namespaceNow(r move.Record) api.Namespace {
	return api.Namespace{Name: r.Namespace, Home: r.Home, State: string(r.State), Epoch: r.Epoch, To: r.To}
}

// serveCreateNamespace answers PUT /v1/namespaces/{namespace}.
func (d *daemon) serveCreateNamespace(w http.ResponseWriter, r *http.Request) {
	if _, err := d.namespace(r); err != nil {
		writeError(w, err)
		return
	}
	var wanted api.NamespaceChange
	if err := decodeBody(w, r, &wanted); err != nil {
		writeError(w, err)
		return
	}
	record, err := d.namespaces.region.Directory().Create(r.Context(), r.PathValue("namespace"), wanted.Home)
	if err != nil {
		writeError(w, namespaceError(err))
		return
	}
	writeJSON(w, http.StatusOK, namespaceNow(record))
}

// serveMoveNamespace answers POST /v1/namespaces/{namespace}/move.
func (d *daemon) serveMoveNamespace(w http.ResponseWriter, r *http.Request) {
	if _, err := d.namespace(r); err != nil {
		writeError(w, err)
		return
	}
	var wanted api.NamespaceChange
	if err := decodeBody(w, r, &wanted); err != nil {
		writeError(w, err)
		return
	}
	name := r.PathValue("namespace")
	var report affine.Report
	var err error
	switch {
	case wanted.Abort:
		report, err = d.namespaces.mover.Abort(r.Context(), name)
	case wanted.Home == "":
		report, err = d.namespaces.mover.Resume(r.Context(), name)
	case wanted.Force:
		report, err = d.namespaces.mover.Force(r.Context(), name, wanted.Home, wanted.Insist)
	default:
		report, err = d.namespaces.mover.Move(r.Context(), name, wanted.Home)
	}
	if err != nil {
		writeError(w, namespaceError(err))
		return
	}
	writeJSON(w, http.StatusOK, api.Moved{
		Namespace: namespaceNow(report.Record), From: report.From, Items: report.Contents.Items, Bytes: report.Contents.Bytes,
		FrozenMillis: report.Frozen.Milliseconds(), WaitedMillis: report.Waited.Milliseconds(), Lost: report.Lost,
	})
}
