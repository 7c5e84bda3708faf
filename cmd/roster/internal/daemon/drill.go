package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/drill"
)

// serveDrill answers POST /v1/drill: another region plays dead, and a line tells of each
// progress, the last one of the outcome. Who goes away ends the drill.
func (d *daemon) serveDrill(w http.ResponseWriter, r *http.Request) {
	var request api.DrillRequest
	if err := decodeBody(w, r, &request); err != nil {
		writeError(w, err)
		return
	}
	duration, err := time.ParseDuration(request.For)
	if err != nil {
		writeError(w, status.Errorf(codes.InvalidArgument, "for %q is not a duration such as 15s", request.For))
		return
	}
	if d.agent == nil {
		writeError(w, status.Error(codes.FailedPrecondition, "this daemon replicates nothing: start it with --replication ADDRESS"))
		return
	}
	id := drill.NewID()
	if !d.drilling.running.CompareAndSwap(nil, &id) {
		writeError(w, status.Error(codes.FailedPrecondition, "this daemon runs a drill already; wait for its report"))
		return
	}
	defer d.drilling.running.Store(nil)

	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-d.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	lines := json.NewEncoder(w)
	flush := http.NewResponseController(w).Flush
	var mu sync.Mutex // keeps lines apart
	say := func(line api.DrillLine) {
		mu.Lock()
		defer mu.Unlock()
		_ = lines.Encode(line) //nolint:errchkjson // plain structs; who is gone ends the request's context
		_ = flush()
	}
	report, err := drill.Run(ctx, id, d.drillRegions(), drill.Options{
		Coordinator: d.config.Region, Fail: request.Fail, For: duration, Force: request.Force,
		Progress: func(elapsed time.Duration, text string) {
			d.log.Info("drill", "drill", id, "progress", text)
			say(api.DrillLine{Progress: &api.DrillProgress{ElapsedMillis: elapsed.Milliseconds(), Text: text}})
		},
	})
	if err != nil {
		d.log.Warn("drill", "drill", id, "problem", err)
		say(api.DrillLine{Error: drillError(err)})
		access.Fail(r.Context(), err)
		return
	}
	d.log.Info("drill", "drill", id, "verdict", report.Verdict)
	say(api.DrillLine{Report: report})
}

// drillRegions are all regions that are not retired.
func (d *daemon) drillRegions() []drill.Region {
	regions := []drill.Region{ownRegion{d}}
	for _, region := range d.records.Regions().List() {
		if region.Name != d.config.Region && !region.Retired {
			regions = append(regions, remoteRegion{d, region.Name})
		}
	}
	return regions
}

// drillError is how the API names why there is no report.
func drillError(err error) *api.ErrorDetail {
	code, text := codes.Unavailable, err.Error()
	var refused *drill.RefusedError
	switch {
	case errors.As(err, &refused):
		code = codes.FailedPrecondition
		if refused.Forceable {
			text += ", with --force"
		}
	case errors.As(err, new(*drill.CheckError)):
		code = codes.InvalidArgument
	}
	return &api.ErrorDetail{Code: codeName(code), Message: text}
}
