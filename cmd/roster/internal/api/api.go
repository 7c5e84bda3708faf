// Package api holds the JSON that the daemon answers with and the command line
// reads. Field names are part of the interface.
package api

import (
	"encoding/json"
	"time"
)

// Paths of the daemon.
const (
	CallPath         = "/v1/call/" // + capability
	CapabilitiesPath = "/v1/capabilities"
	PluginsPath      = "/v1/plugins"
	InstancesPath    = "/v1/instances"
	RegistriesPath   = "/debug/registry"
)

// ReloadVerb ends the path that reloads a plugin: PluginsPath/{name}/reload.
const ReloadVerb = "reload"

// ServedByHeader names who answered a call, in words.
const ServedByHeader = "Roster-Served-By"

// KeyHeader has the key of a call that is to stay with one provider.
const KeyHeader = "Roster-Key"

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
}

// Ready is the answer of /readyz.
type Ready struct {
	Ready    bool   `json:"ready"`
	Problem  string `json:"problem,omitempty"`
	Degraded string `json:"degraded,omitempty"` // it serves, but something is missing
}
