package affine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica/move"
)

// beats is how often the warden renews within the time that a lease lasts.
const beats = 4

// A warden is what a region does for its namespaces.
type warden struct {
	region   *Region
	executor executor
	terms    move.Terms
	lease    clientv3.LeaseID
	beat     uint64
}

// Warden keeps the region's lease and does what the region has to do for its namespaces: it opens
// those that have arrived, and cleans up after those that have left. It runs until ctx ends, and
// returns the cause. At least one process of the region has to run it, or the region takes no
// writes; more than one may.
//
// The lease in the region's own store is renewed only after the region has shown itself in the
// strong store, so that a region that is cut off stops taking writes by itself.
func (r *Region) Warden(ctx context.Context) error {
	w := &warden{region: r}
	w.executor = executor{directory: r.Directory(), contents: w.contents}
	changed := make(chan struct{}, 1)
	var watching sync.WaitGroup
	defer watching.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watching.Go(func() {
		for range r.store.Changes(ctx) {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	})
	level := slog.LevelWarn // of the next failure: the first of several in a row is news
	beat := time.NewTimer(0)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
			w.tend(ctx)
			continue
		case <-beat.C:
		}
		err := w.renew(ctx)
		if err == nil {
			level = slog.LevelWarn
			w.tend(ctx)
		} else if ctx.Err() == nil {
			r.log.Log(ctx, level, "the region's lease was not renewed, trying again", slog.String("region", r.name), slog.Any("error", err))
			level = slog.LevelDebug
		}
		wait := w.terms.TTL / beats
		if wait <= 0 || err != nil {
			wait = time.Second / beats
		}
		beat.Reset(pace.Jitter(wait))
	}
}

var errElsewhere = errors.New("affine: another region is out of a warden's reach")

func (w *warden) contents(region string) (Contents, error) {
	if region != w.region.name {
		return nil, errElsewhere
	}
	return w.region.local, nil
}

// renew shows the region in the strong store, and then renews its lease in its own.
func (w *warden) renew(ctx context.Context) error {
	began := time.Now()
	agreed, err := w.executor.directory.Terms(ctx)
	if err != nil {
		return err
	}
	w.terms = agreed
	ctx, cancel := context.WithDeadline(ctx, began.Add(agreed.TTL))
	defer cancel()
	w.beat++
	if _, err := w.region.store.Put(ctx, aliveDir+w.region.name, strconv.AppendUint(nil, w.beat, 10)); err != nil {
		return err
	}
	return w.extend(ctx)
}

// extend renews the lease in the region's own store, or takes one, and hangs the key on it that
// all writes depend on. Several wardens take turns in whose lease it hangs on.
func (w *warden) extend(ctx context.Context) error {
	client := w.region.local.client
	if w.lease != 0 {
		_, err := client.KeepAliveOnce(ctx, w.lease)
		switch {
		case errors.Is(err, rpctypes.ErrLeaseNotFound):
			w.lease = 0
		case err != nil:
			return fmt.Errorf("affine: renew the lease: %w", err)
		}
	}
	if w.lease == 0 {
		granted, err := client.Grant(ctx, int64(math.Ceil(w.terms.TTL.Seconds())))
		if err != nil {
			return fmt.Errorf("affine: take a lease: %w", err)
		}
		w.lease = granted.ID
	}
	if _, err := client.Put(ctx, w.region.local.prefix+aliveKey, w.region.name, clientv3.WithLease(w.lease)); err != nil {
		return fmt.Errorf("affine: hang %s on the lease: %w", aliveKey, err)
	}
	return nil
}

// tend does what is to be done here for all namespaces. What it has read may be outdated; guards
// and versions see to it that nothing comes of it then.
func (w *warden) tend(ctx context.Context) {
	view := w.region.store.View()
	for entry := range view.List(namespacesDir) {
		record, err := move.Decode(entry.Value)
		if err != nil {
			w.region.log.Warn("skipped a namespace", slog.String("namespace", strings.TrimPrefix(entry.Key, namespacesDir)), slog.Any("error", err))
			continue
		}
		step, due := record.Step()
		if !due {
			step, due = record.Leftover(w.region.name)
		}
		if !due || step.Region != w.region.name || step.Action != move.OpenUp && step.Action != move.Clean && step.Action != move.SetAside {
			continue
		}
		_, _, err = w.executor.finish(ctx, record, entry.Version, step)
		switch {
		case err == nil:
			w.region.log.Info("did what was due", slog.String("namespace", record.Namespace), slog.String("step", step.String()))
		case !errors.Is(err, errStale) && ctx.Err() == nil:
			w.region.log.Warn("could not do what is due", slog.String("namespace", record.Namespace), slog.String("step", step.String()), slog.Any("error", err))
		}
	}
}
