package daemon

import (
	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/consolepage"
	"github.com/roster-go/roster/console"
	rosterv1 "github.com/roster-go/roster/plugin/gen/roster/v1"
)

var (
	openToAll = access.Rule{Role: access.Open}
	reading   = access.Rule{Role: access.Read}
	calling   = access.Rule{Role: access.Operate, Action: "call", Folded: true}
)

func operating(action string) access.Rule { return access.Rule{Role: access.Operate, Action: action} }

// rules say which role each route and each gRPC method needs. A route that is not here is refused to
// everybody, and TestEveryRouteHasARole fails.
var rules = access.Table{
	"GET /healthz": openToAll, // for whoever watches the process; they say nothing else
	"GET /readyz":  openToAll,

	access.LoginPagePattern: openToAll,
	access.LoginPattern:     openToAll,
	access.LogoutPattern:    openToAll,

	"GET /{$}":                        reading,
	"GET /metrics":                    reading,
	"GET " + console.Path:             reading,
	"GET " + console.Path + "/":       reading,
	"GET " + consolepage.Path:         reading,
	"GET " + consolepage.Path + "/":   reading,
	consolepage.ReviewPattern:         {Role: access.Kill, Action: "count a kill"},
	consolepage.OrderPattern:          {Role: access.Kill, Action: "kill", Told: true},
	"GET " + api.CapabilitiesPath:     reading,
	"GET " + api.PluginsPath:          reading,
	"GET " + api.PluginsPath + nameOf: reading,
	"GET " + api.InstancesPath:        reading,
	"GET " + api.InstancesPath + "/{service}/" + api.WatchVerb: reading,
	"GET " + api.EtcdPath:                reading,
	"GET " + api.KillsPath:               reading,
	"GET " + api.AuditPath:               reading,
	"GET " + api.RecordsPath:             reading,
	"GET " + api.RecordsPath + keyOf:     reading,
	"GET " + api.ConflictsPath:           reading,
	"GET " + api.NamespacesPath:          reading,
	"GET " + api.NamespacesPath + keysOf: reading,
	"GET " + api.RegionsPath:             reading,

	"POST " + api.CallPath + "{capability...}":                calling,
	"POST " + api.PluginsPath + nameOf + "/" + api.ReloadVerb: operating("reload"),
	"PUT " + api.RecordsPath + keyOf:                          operating("put record"),
	"DELETE " + api.RecordsPath + keyOf:                       operating("delete record"),
	"DELETE " + api.ConflictsPath + keyOf:                     operating("dismiss conflicts"),
	"PUT " + api.NamespacesPath + namespaceOf:                 operating("create namespace"),
	"POST " + api.NamespacesPath + namespaceOf + "/move":      operating("move namespace"),
	"PUT " + api.NamespacesPath + keysOf:                      operating("put key"),
	"DELETE " + api.NamespacesPath + keysOf:                   operating("delete key"),
	"PUT " + api.RegionsPath + nameOf:                         {Role: access.Kill, Action: "add region"},    // it says whom kills are sent to
	"DELETE " + api.RegionsPath + nameOf:                      {Role: access.Kill, Action: "retire region"}, // likewise
	"POST " + api.DrillPath:                                   operating("drill"),

	"POST " + api.KillsPath:                   {Role: access.Kill, Action: "kill", Told: true},
	"DELETE " + api.RuntimesPath + "/{id...}": {Role: access.Kill, Action: "forget runtime"},

	access.RPC + rosterv1.CapabilityService_List_FullMethodName: reading,
	access.RPC + rosterv1.CapabilityService_Call_FullMethodName: calling,
	access.AnyRPC: calling, // the capabilities of kind service
}

// Parts of the patterns.
const (
	nameOf      = "/{name}"
	keyOf       = "/{key...}"
	namespaceOf = "/{namespace}"
	keysOf      = namespaceOf + "/keys" + keyOf
)
