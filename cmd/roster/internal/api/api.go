// Package api holds the JSON that the daemon answers with and the command line
// reads. Field names are part of the interface.
package api

import (
	"encoding/json"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/drill"
	"github.com/roster-go/roster/kill"
)

// Paths of the daemon.
const (
	CallPath         = "/v1/call/" // + capability
	CapabilitiesPath = "/v1/capabilities"
	PluginsPath      = "/v1/plugins"
	InstancesPath    = "/v1/instances"
	EtcdPath         = "/v1/etcd"
	RegistriesPath   = "/debug/registry"
	DrillPath        = "/v1/drill"
	KillsPath        = "/v1/kills"
	RuntimesPath     = "/v1/kills/runtimes" // + id, to forget one
	RecordsPath      = "/v1/records"        // + key
	ConflictsPath    = "/v1/conflicts"      // + key, to dismiss them
	RegionsPath      = "/v1/regions"        // + name
	NamespacesPath   = "/v1/namespaces"     // + namespace
	AuditPath        = "/v1/audit"
)

// ReloadVerb ends the path that reloads a plugin: PluginsPath/{name}/reload.
const ReloadVerb = "reload"

// WatchVerb ends the path that follows a service: InstancesPath/{service}/watch.
const WatchVerb = "watch"

// ServedByHeader names who answered a call, in words.
const ServedByHeader = "Roster-Served-By"

// KeyHeader has the key of a call that is to stay with one provider.
const KeyHeader = "Roster-Key"

// Headers of a record: the version for If-Match, whose write it is, and how many concurrent
// writes lost against it.
const (
	VersionHeader   = "Roster-Version"
	RegionHeader    = "Roster-Region"
	ConflictsHeader = "Roster-Conflicts"
)

// AuditProblemHeader says that a kill is not in the audit log, and why.
const AuditProblemHeader = "Roster-Audit-Problem"

// MaxBody limits the body of a call and of its answer, in bytes.
const MaxBody = 32 << 20

// An Error is the body of every answer that is not a success.
type Error struct {
	Error ErrorDetail `json:"error"`
}

// ErrorDetail says what went wrong. Code is a gRPC code in lower case, such as
// "not_found".
type ErrorDetail struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Access is set if the daemon itself refused who asked, and not what was asked.
	Access bool `json:"access,omitempty"`
	// Needs is the role that was missing.
	Needs string `json:"needs,omitempty"`
}

// Capabilities lists what can be called here, wherever it is served.
type Capabilities struct {
	Capabilities []Capability `json:"capabilities"`
}

// Capability is a name that can be called.
type Capability struct {
	Name string `json:"name"`
	// Kind is "function" or "service", or empty if only other hosts serve it.
	Kind      string     `json:"kind,omitempty"`
	Providers []Provider `json:"providers"`
}

// Provider serves a capability.
type Provider struct {
	Kind   string `json:"kind"` // "linked", "plugin" or "remote"
	Name   string `json:"name,omitempty"`
	Host   string `json:"host"`
	Region string `json:"region"`
}

// Plugins lists the plugins of the daemon.
type Plugins struct {
	Plugins []Plugin `json:"plugins"`
}

// Plugin is one plugin's state.
type Plugin struct {
	Name         string    `json:"name"`
	Version      string    `json:"version"`
	APIVersion   string    `json:"api_version"`
	State        string    `json:"state"`
	PID          int       `json:"pid"`
	Restarts     int       `json:"restarts"`
	Since        time.Time `json:"since"`
	LastError    string    `json:"last_error,omitempty"`
	Checksum     string    `json:"checksum"`
	Capabilities []string  `json:"capabilities"`
	Open         []string  `json:"open_circuits,omitempty"` // capabilities that are not asked of it for a while
	Source       string    `json:"source"`
	// EndOfLife is that of the API version; absent if none is stated.
	EndOfLife *time.Time `json:"end_of_life,omitempty"`
	// Sandbox and ConfigSchema are of the process in service. They are in the answer
	// about one plugin only.
	Sandbox      []Control       `json:"sandbox,omitempty"`
	ConfigSchema json.RawMessage `json:"config_schema,omitempty"`
}

// Control is one layer of a plugin's sandbox.
type Control struct {
	Name   string `json:"name"`
	Wanted string `json:"wanted,omitempty"`
	State  string `json:"state"` // "enforced", "degraded", "unavailable" or "not requested"
	Detail string `json:"detail,omitempty"`
}

// Instances is the daemon's view of the fleet.
type Instances struct {
	Stale     bool       `json:"stale"`
	StaleFor  string     `json:"stale_for,omitempty"` // a duration
	Reason    string     `json:"reason,omitempty"`    // why it is stale
	Revision  int64      `json:"revision"`
	Instances []Instance `json:"instances"`

	StaleSince *time.Time `json:"stale_since,omitempty"`
	// FromCopy says that what is listed is from the copy on disk, and CopyError why that
	// could not be read or written.
	FromCopy  bool   `json:"from_copy,omitempty"`
	CopyError string `json:"copy_error,omitempty"`
	// ProtectingSince is set while expired instances are held back, and Held how many.
	ProtectingSince *time.Time `json:"protecting_since,omitempty"`
	Held            int        `json:"held,omitempty"`
}

// A WatchLine is one line of the answer to a watch.
type WatchLine struct {
	// Event is added, updated or removed, with an instance; ready, when all that is there has
	// been told; stale, with since and a reason; fresh; or alive, which says nothing else.
	Event    string     `json:"event"`
	Instance *Instance  `json:"instance,omitempty"`
	Since    *time.Time `json:"since,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Hint     string     `json:"hint,omitempty"` // with ready: what may be meant, if there is no instance
}

// Etcd is where services are announced.
type Etcd struct {
	Endpoints []string `json:"endpoints"`
	Prefix    string   `json:"prefix,omitempty"`

	// NamingEndpoints says that what is announced is readable for etcd's own gRPC resolver.
	NamingEndpoints bool `json:"naming_endpoints,omitempty"`
}

// Instance is a host that serves a service.
type Instance struct {
	Service  string            `json:"service"`
	ID       string            `json:"id"`
	Address  string            `json:"address"`
	Region   string            `json:"region"`
	Zone     string            `json:"zone"`
	Version  string            `json:"version,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Draining bool              `json:"draining,omitempty"`
}

// Kills is what the kill switch of the daemon has, and how it is connected.
type Kills struct {
	Hash    string       `json:"hash"`
	Source  string       `json:"source"`
	Durable bool         `json:"durable"`
	Orders  []kill.Order `json:"orders"`
	// First is what the daemon started with, in words.
	First     string `json:"first,omitempty"`
	Connected bool   `json:"connected"`
	Hub       string `json:"hub,omitempty"` // the region of the hub
	Current   bool   `json:"current"`       // the hub has said so
	Problem   string `json:"problem,omitempty"`
	// Status is the hub's, without the orders.
	Status *kill.Status `json:"status,omitempty"`
}

// A KillLine is one line of the answer to a request for a kill: progress, or at last a
// report, with an error unless everybody has acknowledged.
type KillLine struct {
	Progress *kill.Progress `json:"progress,omitempty"`
	Report   *kill.Report   `json:"report,omitempty"`
	Error    *ErrorDetail   `json:"error,omitempty"`
}

// Records are the records of all regions, as this one has them.
type Records struct {
	Region    string   `json:"region"`
	Staleness string   `json:"staleness"` // how old the view may be, a duration or "unknown"
	Behind    string   `json:"behind"`    // the region of which that is so
	Records   []Record `json:"records"`
}

// Record is a record without its value.
type Record struct {
	Key       string `json:"key"`
	Size      int    `json:"size"`
	Version   int64  `json:"version"`
	Region    string `json:"region"` // whose write it is
	Conflicts int    `json:"conflicts,omitempty"`
}

// Written is the answer to a write.
type Written struct {
	Key     string `json:"key"`
	Version int64  `json:"version,omitempty"`
}

// Conflicts are writes that lost against concurrent ones.
type Conflicts struct {
	Conflicts []Conflict `json:"conflicts"`
}

// Conflict is one of them.
type Conflict struct {
	Key     string `json:"key"`
	Region  string `json:"region"` // whose write it was
	Deleted bool   `json:"deleted,omitempty"`
	Value   []byte `json:"value,omitempty"` // base64 in JSON
	Winner  string `json:"winner"`
}

// Regions is how a region stands towards the others.
type Regions struct {
	Region      string   `json:"region"`
	Replicating bool     `json:"replicating"`
	Leader      bool     `json:"leader"` // this daemon replicates for its region
	Regions     []Region `json:"regions"`
}

// Region is a row of the table of regions.
type Region struct {
	Name        string   `json:"name"`
	Replication []string `json:"replication,omitempty"`
	Control     []string `json:"control,omitempty"`
	Retired     bool     `json:"retired,omitempty"`
	// These are known to the daemon that replicates for its region.
	Connected   bool   `json:"connected"`
	LagMillis   int64  `json:"lag_ms"`
	Pending     int    `json:"pending"`
	Equal       bool   `json:"equal"`    // when everything was compared last
	HeardMillis int64  `json:"heard_ms"` // since its latest heartbeat
	Problem     string `json:"problem,omitempty"`
}

// Namespaces are those that live in one region at a time.
type Namespaces struct {
	Strong     bool        `json:"strong"` // there is a store that says where they live
	Namespaces []Namespace `json:"namespaces"`
}

// Namespace says where a namespace lives.
type Namespace struct {
	Name  string `json:"name"`
	Home  string `json:"home"`
	State string `json:"state"`
	Epoch uint64 `json:"epoch"`
	To    string `json:"to,omitempty"` // the next home, while it moves
}

// NamespaceChange asks for a new namespace, or for a move. Without a home a move that is under
// way is brought to its end.
type NamespaceChange struct {
	Home   string `json:"home,omitempty"`
	Force  bool   `json:"force,omitempty"`  // without the present home
	Insist bool   `json:"insist,omitempty"` // although it gives signs of life
	Abort  bool   `json:"abort,omitempty"`
}

// Moved is what came of a move.
type Moved struct {
	Namespace    Namespace `json:"namespace"`
	From         string    `json:"from"`
	Items        int       `json:"items"`
	Bytes        int64     `json:"bytes"`
	FrozenMillis int64     `json:"frozen_ms"` // how long nobody took writes
	WaitedMillis int64     `json:"waited_ms"` // for leases to run out
	Lost         string    `json:"lost,omitempty"`
}

// Ready is the answer of /readyz.
type Ready struct {
	Ready    bool   `json:"ready"`
	Problem  string `json:"problem,omitempty"`
	Degraded string `json:"degraded,omitempty"` // it serves, but something is missing
}

// A DrillRequest has a region play dead for a while.
type DrillRequest struct {
	Fail  string `json:"fail"`            // the region
	For   string `json:"for"`             // a duration
	Force bool   `json:"force,omitempty"` // also while a region is not reached
}

// A DrillLine is one line of the answer to a request for a drill: progress, or at last a report
// or why there is none.
type DrillLine struct {
	Progress *DrillProgress `json:"progress,omitempty"`
	Report   *drill.Report  `json:"report,omitempty"`
	Error    *ErrorDetail   `json:"error,omitempty"`
}

// DrillProgress is what happens in a drill.
type DrillProgress struct {
	ElapsedMillis int64  `json:"elapsed_ms"`
	Text          string `json:"text"`
}
