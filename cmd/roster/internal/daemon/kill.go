package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/kill"
)

// serveKill answers POST /v1/kills: an order goes out, and a line tells of each progress, the
// last one of the outcome.
func (d *daemon) serveKill(w http.ResponseWriter, r *http.Request) {
	var request kill.Request
	if err := decodeBody(w, r, &request); err != nil {
		writeError(w, err)
		return
	}
	if err := request.Target.Validate(); err != nil {
		writeError(w, status.Error(codes.InvalidArgument, err.Error()))
		return
	}
	if err := killable(request); err != nil {
		writeError(w, status.Error(codes.InvalidArgument, err.Error()))
		return
	}
	// It is written down before anything happens. A full disk does not keep anybody from a kill.
	if err := recordKill(r.Context(), &request); err != nil {
		w.Header().Set(api.AuditProblemHeader, err.Error())
	}
	operator, release, err := d.operator()
	if err != nil {
		writeError(w, status.Error(codes.Unavailable, err.Error()))
		return
	}
	defer release()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	lines := json.NewEncoder(w)
	flush := http.NewResponseController(w).Flush
	say := func(line api.KillLine) {
		_ = lines.Encode(line) //nolint:errchkjson // who is gone ends the request's context
		_ = flush()
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-d.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	report, err := operator.Kill(ctx, request, func(p kill.Progress) { say(api.KillLine{Progress: &p}) })
	report.Order.Target = request.Target // also if nothing was ordered
	line := api.KillLine{Report: &report}
	if err != nil {
		d.log.Warn("kill", "target", request.Target, "revive", request.Revive, "problem", err)
		line.Error = killError(err)
		access.Fail(r.Context(), err)
	}
	say(line)
}

// recordKill puts an order into the audit log, and who gives it into the order: where it is known, what
// the request says about that does not count.
func recordKill(ctx context.Context, request *kill.Request) error {
	act := access.Act{Action: "kill", Target: request.Target.String(), Why: request.Reason, Says: request.By}
	switch {
	case request.DryRun:
		act.Action = "count a kill"
	case request.Revive:
		act.Action = "revive"
	}
	if who := access.Who(ctx); who.Proved() {
		request.By = who.Name[:min(len(who.Name), kill.MaxBy)]
	}
	return access.Record(ctx, act)
}

// killError is how the API names what became of a request.
func killError(err error) *api.ErrorDetail {
	code := codes.Unavailable
	switch {
	case errors.As(err, new(*kill.IncompleteError)):
		code = codes.DeadlineExceeded
	case errors.As(err, new(*kill.LastError)):
		code = codes.FailedPrecondition
	case errors.As(err, new(*kill.RequestError)), errors.As(err, new(*kill.TargetError)), errors.As(err, new(*kill.OrderError)):
		code = codes.InvalidArgument
	}
	return &api.ErrorDetail{Code: codeName(code), Message: err.Error()}
}

// serveKills answers GET /v1/kills with what stands here, and how the hub is.
func (d *daemon) serveKills(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, d.kills(r.Context()))
}

func (d *daemon) kills(ctx context.Context) api.Kills {
	c := d.control
	set := c.sw.Set()
	answer := api.Kills{Hash: set.Hash().String(), Source: c.sw.Source(), Durable: c.sw.Durable(), Orders: []kill.Order{}}
	for _, order := range set.Orders() {
		if order.Target.Kind != kill.KindCanary {
			answer.Orders = append(answer.Orders, order)
		}
	}
	c.mu.Lock()
	if c.runtime != nil {
		s := c.runtime.Status()
		answer.Connected, answer.Hub, answer.Current = s.Connected, s.Hub, s.Current
		if s.Err != nil {
			answer.Problem = s.Err.Error()
		}
		answer.First = c.runtime.First().String()
	}
	c.mu.Unlock()
	hubStatus, err := d.hubStatus(ctx)
	if err != nil {
		answer.Problem = err.Error()
	} else {
		hubStatus.Orders = nil // they are above, or differ as the hashes tell
		answer.Status = &hubStatus
	}
	return answer
}

func (d *daemon) hubStatus(ctx context.Context) (kill.Status, error) {
	if d.control.hub != nil {
		return d.control.hub.Status(), nil
	}
	client, err := d.hubClient()
	if err != nil {
		return kill.Status{}, err
	}
	defer client.Close()
	return client.Status(ctx)
}

// serveForget answers DELETE /v1/kills/runtimes/{id...}: an operator knows that a runtime is
// gone, and nobody waits for it any more.
func (d *daemon) serveForget(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	err := d.forget(r.Context(), id)
	if err != nil {
		writeError(w, status.Error(codes.NotFound, err.Error()))
		return
	}
	writeJSON(w, http.StatusOK, struct {
		Forgotten string `json:"forgotten"`
	}{id})
}

func (d *daemon) forget(ctx context.Context, id string) error {
	if d.control.hub != nil {
		if !d.control.hub.Forget(id) {
			return fmt.Errorf("no runtime %q is known that is not connected; roster ls runtimes lists them", id)
		}
		return nil
	}
	client, err := d.hubClient()
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Forget(ctx, id)
}
