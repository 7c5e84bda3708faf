package daemon

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/plugin"
)

func serveCapabilities(host *plugin.Host, peers fleet) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, api.Capabilities{Capabilities: capabilities(host, peers)})
	}
}

// capabilities merges what this host serves with what the fleet does.
func capabilities(host *plugin.Host, peers fleet) []api.Capability {
	byName := make(map[string]api.Capability)
	for _, c := range host.Capabilities() {
		merged := api.Capability{Name: c.Name, Kind: string(c.Kind)}
		for _, p := range c.Providers {
			merged.Providers = append(merged.Providers, api.Provider{
				Kind: string(p.Kind), Name: p.Name, Host: p.Host, Region: p.Region,
			})
		}
		byName[c.Name] = merged
	}
	for _, name := range peers.Capabilities() {
		merged := byName[name]
		merged.Name = name
		for _, p := range peers.Get(name) {
			merged.Providers = append(merged.Providers, api.Provider{
				Kind: string(plugin.Remote), Host: p.ID, Region: p.Region,
			})
		}
		byName[name] = merged
	}
	list := []api.Capability{}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		list = append(list, byName[name])
	}
	return list
}

func servePlugins(host *plugin.Host) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, api.Plugins{Plugins: plugins(host)})
	}
}

func plugins(host *plugin.Host) []api.Plugin {
	list := []api.Plugin{}
	for _, s := range host.Plugins() {
		list = append(list, pluginStatus(s))
	}
	return list
}

func pluginStatus(s plugin.Status) api.Plugin {
	p := api.Plugin{
		Name: s.Name, Version: s.Version, APIVersion: s.APIVersion,
		State: string(s.State), PID: s.PID, Restarts: s.Restarts, Since: s.Since, LastError: s.LastError,
		Checksum: s.Checksum, Capabilities: s.Capabilities, Open: s.Open, Source: s.Source,
	}
	if !s.EndOfLife.IsZero() {
		p.EndOfLife = &s.EndOfLife
	}
	return p
}

// servePlugin answers GET /v1/plugins/{name} with all that is known of one plugin.
func servePlugin(host *plugin.Host) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s, err := host.Plugin(r.PathValue("name"))
		if err != nil {
			writeError(w, status.Error(codes.NotFound, err.Error()))
			return
		}
		p := pluginDetail(s)
		if json.Valid(s.ConfigSchema) { // it is the plugin's word
			p.ConfigSchema = s.ConfigSchema
		}
		writeJSON(w, http.StatusOK, p)
	}
}

func serveInstances(view *discovery.View) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, instances(view)) }
}

func instances(view *discovery.View) api.Instances {
	s := view.Status()
	answer := api.Instances{Stale: s.Stale, Revision: s.Revision, Instances: []api.Instance{}}
	if s.Stale {
		answer.StaleSince = &s.StaleSince
		answer.StaleFor = time.Since(s.StaleSince).Round(time.Millisecond).String()
		if s.Err != nil {
			answer.Reason = s.Err.Error()
		}
	}
	answer.FromCopy = s.FromCopy
	if s.CopyErr != nil {
		answer.CopyError = s.CopyErr.Error()
	}
	if !s.Protecting.IsZero() {
		answer.ProtectingSince, answer.Held = &s.Protecting, s.Held
	}
	for _, instances := range view.All() {
		for _, i := range instances {
			answer.Instances = append(answer.Instances, api.Instance(i))
		}
	}
	return answer
}
