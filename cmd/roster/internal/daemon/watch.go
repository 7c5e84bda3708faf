package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/discovery"
)

const (
	maxWatches    = 1000             // clients that follow services at once
	staleInterval = time.Second      // how often a watch looks whether the view is stale
	aliveInterval = 10 * time.Second // the longest that a watch says nothing
)

// serveWatch answers GET /v1/instances/{service}/watch with a line for each instance there
// is, and then one for each change, until the client leaves or the daemon stops.
func (d *daemon) serveWatch(w http.ResponseWriter, r *http.Request) {
	service := r.PathValue("service")
	if err := (discovery.Key{Service: service, ID: "probe"}).Validate(); err != nil {
		writeError(w, status.Error(codes.InvalidArgument, err.Error()))
		return
	}
	if d.watches.Add(1) > maxWatches {
		d.watches.Add(-1)
		writeError(w, status.Errorf(codes.ResourceExhausted, "%d clients follow services already; end one", maxWatches))
		return
	}
	defer d.watches.Add(-1)
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")

	ctx, cancel := context.WithCancel(r.Context())
	var following sync.WaitGroup
	defer func() {
		cancel()
		following.Wait()
	}()
	batches := make(chan discovery.Batch)
	following.Go(func() {
		for batch := range d.view.Changes(ctx) {
			select {
			case batches <- batch:
			case <-ctx.Done():
				return
			}
		}
	})
	lines := watchLines{encoder: json.NewEncoder(w), flush: http.NewResponseController(w).Flush, spoke: time.Now()}
	look := time.NewTicker(staleInterval)
	defer look.Stop()
	for ready := false; lines.err == nil; {
		select {
		case <-ctx.Done():
			return
		case <-d.closing:
			return
		case batch := <-batches:
			lines.tell(batch, service)
			if !ready {
				ready = true
				lines.say(api.WatchLine{Event: "ready", Hint: hint(d.view, service)})
			}
			lines.flushed()
		case <-look.C:
		}
		lines.staleness(d.view.Status())
	}
}

// hint names services that may be meant, if there is none of that name.
func hint(view *discovery.View, service string) string {
	_, err := view.Lookup(service)
	if unknown := (*roster.UnknownError)(nil); errors.As(err, &unknown) {
		return strings.TrimPrefix(unknown.Error(), "roster: ")
	}
	return ""
}

// watchLines writes the lines of a watch.
type watchLines struct {
	encoder *json.Encoder
	flush   func() error
	spoke   time.Time
	stale   string // the reason that was told, "" if the view is fresh as far as was told
	err     error
}

func (l *watchLines) say(line api.WatchLine) {
	if l.err == nil {
		l.err = l.encoder.Encode(line)
		l.spoke = time.Now()
	}
}

func (l *watchLines) flushed() {
	if l.err == nil {
		l.err = l.flush()
	}
}

func (l *watchLines) tell(batch discovery.Batch, service string) {
	for _, event := range batch.Events {
		if event.Instance.Service == service {
			instance := api.Instance(event.Instance)
			l.say(api.WatchLine{Event: event.Kind.String(), Instance: &instance})
		}
	}
}

// staleness says whether the view turned stale or fresh, or that the watch is alive.
func (l *watchLines) staleness(s discovery.ViewStatus) {
	switch {
	case s.Stale && l.stale == "":
		l.stale = "unknown"
		if s.Err != nil {
			l.stale = s.Err.Error()
		}
		l.say(api.WatchLine{Event: "stale", Since: &s.StaleSince, Reason: l.stale})
	case !s.Stale && l.stale != "":
		l.stale = ""
		l.say(api.WatchLine{Event: "fresh"})
	case time.Since(l.spoke) >= aliveInterval:
		l.say(api.WatchLine{Event: "alive"})
	default:
		return
	}
	l.flushed()
}
