package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/consolepage"
	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/plugin"
)

// consoleParts are what the console needs of a daemon beyond what the API answers with.
type consoleParts struct {
	tail    consolepage.Tail
	traffic traffic
	lags    lagWatch
}

// consoleSource shows a daemon to its console.
type consoleSource struct{ d *daemon }

var _ consolepage.Source = consoleSource{}

// serveConsole makes the console. It ends before what it shows.
func (d *daemon) serveConsole(stops *cleanup) http.Handler {
	page := consolepage.New(consoleSource{d}, consolepage.Options{Closing: d.closing, Logger: d.log})
	stops.add(func(context.Context) error { page.Close(); d.console.lags.close(); return nil })
	return page
}

// pluginLog is the log of the plugin host, of which the console shows the latest lines.
func (d *daemon) pluginLog() *slog.Logger { return slog.New(d.console.tail.Handler(d.log.Handler())) }

func (s consoleSource) State(ctx context.Context) consolepage.State {
	d := s.d
	state := consolepage.State{
		Version: Version, Host: d.config.Host, Region: d.config.Region, Zone: d.config.Zone,
		Ready: d.readiness(), Instances: instances(d.view), Regions: d.regionsNow(), Lags: d.lags(ctx), Kills: d.killsSoon(ctx),
	}
	for _, p := range d.host.Plugins() {
		state.Plugins = append(state.Plugins, pluginDetail(p))
	}
	local := make(map[string]plugin.CapabilityStatus)
	for _, c := range d.host.Capabilities() {
		local[c.Name] = c
	}
	for _, c := range capabilities(d.host, d.peers) {
		if c.Name == controlService {
			continue // nobody calls it
		}
		shown := consolepage.Capability{Capability: c}
		called := c.Name
		if service := local[c.Name].Service; service != "" {
			called = service
		}
		for _, share := range local[c.Name].Shares {
			shown.Shares = append(shown.Shares, consolepage.Share{
				Plugin: share.Plugin, State: string(share.State), Weight: share.Weight, Standby: share.Standby,
				Calls: d.console.traffic.count(share.Plugin, called),
			})
		}
		state.Capabilities = append(state.Capabilities, shown)
	}
	return state
}

func (s consoleSource) Log(name string) []consolepage.LogLine {
	return s.d.console.tail.Lines(name)
}

// Kill orders a kill as serveKill does.
func (s consoleSource) Kill(ctx context.Context, request kill.Request, progress func(kill.Progress)) (kill.Report, error) {
	if err := killable(request); err != nil {
		return kill.Report{}, err
	}
	operator, release, err := s.d.operator()
	if err != nil {
		return kill.Report{}, err
	}
	defer release()
	report, err := operator.Kill(ctx, request, progress)
	if err != nil && !request.DryRun {
		_ = s.d.audit.Write(access.Entry{ // the order itself was written before it was given
			Who: request.By, Action: "kill", Target: request.Target.String(), Why: request.Reason, Outcome: access.Failed, Error: err.Error(),
		}, false)
	}
	return report, err
}

// Record puts an order into the audit log.
func (s consoleSource) Record(ctx context.Context, request kill.Request) error {
	return recordKill(ctx, &request)
}

// shownAudit is how many entries of the audit log the console has.
const shownAudit = 200

// Audit is the end of the audit log.
func (s consoleSource) Audit(context.Context) ([]consolepage.Audit, bool) {
	entries := s.d.audit.Last(shownAudit)
	list := make([]consolepage.Audit, 0, len(entries))
	for _, e := range slices.Backward(entries) {
		shown := consolepage.Audit{
			Time: e.Time, Who: e.Who, Role: e.Role, Action: e.Action, Target: e.Target, Why: e.Why, From: e.From, Outcome: e.Outcome,
		}
		if e.Says != "" && e.Who != e.Says {
			shown.Who += " (says: " + e.Says + ")"
		}
		if e.Error != "" {
			shown.Outcome += ": " + e.Error
		}
		if e.Count > 1 {
			shown.Action += fmt.Sprintf(" (%d times)", e.Count)
		}
		list = append(list, shown)
	}
	return list, true
}

// Caller is who proved an identity.
func (s consoleSource) Caller(r *http.Request) consolepage.Caller {
	who := access.Who(r.Context())
	if !who.Proved() {
		return consolepage.Caller{}
	}
	caller := consolepage.Caller{Name: who.Name}
	if who.BySession() {
		caller.SignOut = access.LogoutPath
	}
	return caller
}

// serveHome leads a browser to the console, and tells everybody else what there is.
func (d *daemon) serveHome(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Vary", "Accept")
	if isBrowser(r) {
		http.Redirect(w, r, consolepage.Path, http.StatusSeeOther)
		return
	}
	d.serveOverview(w)
}

// isBrowser tells who wants a page from who wants JSON.
func isBrowser(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// errControlService refuses to kill what a revival would go through.
var errControlService = errors.New("capability/" + controlService + " is how daemons find the hub that would revive it: kill what is dangerous instead")

// killable refuses what no operator can mean.
func killable(request kill.Request) error {
	if request.Target.Name == controlService && !request.Revive {
		return errControlService
	}
	return nil
}

// pluginDetail is all that is known of a plugin, but for its schema.
func pluginDetail(s plugin.Status) api.Plugin {
	p := pluginStatus(s)
	for _, c := range s.Sandbox {
		p.Sandbox = append(p.Sandbox, api.Control{Name: c.Name, Wanted: c.Wanted, State: string(c.State), Detail: c.Detail})
	}
	return p
}

// hubPatience is how long a page waits for the hub, if that is another process.
const hubPatience = time.Second

func (d *daemon) killsSoon(ctx context.Context) api.Kills {
	ctx, cancel := context.WithTimeout(ctx, hubPatience)
	defer cancel()
	return d.kills(ctx)
}
