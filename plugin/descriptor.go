package plugin

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// A CapabilityKind says how a capability is called.
type CapabilityKind string

// The kinds of capability.
const (
	// KindFunction is a JSON function: one JSON value in, one out.
	KindFunction CapabilityKind = "function"
	// KindService is a gRPC service of the plugin's own.
	KindService CapabilityKind = "service"
)

// A Capability is what a descriptor grants to a plugin: a name under which
// callers reach one of its functions or services.
type Capability struct {
	Name string
	Kind CapabilityKind // empty means KindFunction
	// Service is the full name of the gRPC service of a KindService; empty
	// means that it is the capability's name.
	Service string
	// Idempotent says that running a call twice does no harm, so that a call
	// whose plugin crashed may be run again. Of what the plugin itself declares
	// idempotent that is true without a word here.
	Idempotent bool
	// Weight is the plugin's share of the calls among the plugins that serve the
	// capability on a host: one of weight 9 gets nine times as many as one of
	// weight 1. It is from 1 to 1000; 0 means 1.
	Weight int
	// Standby says that the plugin gets a call only if none of the others can take
	// it.
	Standby bool
}

// A Descriptor says which program a plugin is and what it may serve. It is
// mostly read from a file, plugin.yaml:
//
//	name: markdown
//	version: 1.2.0
//	api_version: v1
//	command: ./markdown            # or a list: [./markdown, --flag]
//	sha256: 9f86d08…               # of the command; optional
//	capabilities:
//	  - markdown.render
//	  - {name: acme.Notes, kind: service, idempotent: true}
//	  - {name: acme.search, weight: 9}   # or standby: true
//	config: {unsafe: false}
//	sandbox: {read: [/usr/share/fonts], write: [cache], memory: 256MiB}
type Descriptor struct {
	// Name is the host's name for the plugin: letters, digits, '.', '_' and
	// '-', at most 64 bytes.
	Name string
	// Version is the plugin's own, for people. If both the descriptor and the
	// plugin give one they must agree.
	Version string
	// APIVersion is the contract version. It must be on the host's allow-list
	// and be the one that the plugin declares.
	APIVersion string
	// Command is the program and its arguments. A relative program is looked up
	// in Dir, never in PATH.
	Command []string
	// Endpoint is a gRPC server of somebody else's, in place of Command: host:port,
	// dns:///host:port or unix:///path. It may be down when it is added: its
	// capabilities are served as soon as it is reached.
	Endpoint string
	// TLS protects an Endpoint. Nil means that calls go in clear, which is accepted on
	// this machine only.
	TLS *TLS
	// Module is the file of a WebAssembly module, in place of Command. A relative one is
	// looked up in Dir.
	Module string
	// Attach is the socket of a plugin that was started by hand, in a debugger for
	// example, in place of Command. The host initialises it and calls it; to start and
	// to end it is not the host's.
	Attach string
	// GoPlugin is for a Command that is a program of hashicorp/go-plugin's and knows
	// nothing of Roster. Nil means that it is a Roster plugin.
	GoPlugin *GoPlugin
	// SHA256 is the hex digest that the program file must have. Empty means
	// that any program is run, which [Status] reports as not pinned.
	SHA256 string
	// Capabilities are granted to the plugin. It may declare more; those are not
	// served.
	Capabilities []Capability
	// Config is a JSON object handed to the plugin's Init; nil means {}.
	Config json.RawMessage
	// Sandbox is what the process is held to, together with the host's own policy.
	// In a file it is [Confined] but for what it says; without one it is nothing.
	Sandbox Sandbox
	// Dir is the folder of the descriptor file and the plugin's working folder.
	Dir string
	// Source is the descriptor file, for people.
	Source string
}

// Limits of what is in a descriptor.
const (
	maxPluginName     = 64  // bytes
	maxCapabilityName = 128 // bytes
	maxWeight         = 1000
)

// normalized returns d with its defaults filled in, or what is wrong with it.
func (d Descriptor) normalized() (Descriptor, error) {
	if d.Source == "" {
		d.Source = "added by the program"
	}
	fault := d.fault
	if problem := nameFault(d.Name, maxPluginName); problem != "" {
		return d, fault("name", problem, "use letters, digits, '.', '_' and '-', as in: name: markdown")
	}
	if d.APIVersion == "" {
		return d, fault("api_version", "api_version is missing", "add the version the plugin is written for, as in: api_version: v1")
	}
	if err := d.checkKind(fault); err != nil {
		return d, err
	}
	if i := slices.IndexFunc(d.Command, func(arg string) bool { return strings.ContainsRune(arg, 0) }); i >= 0 {
		return d, fault("command", fmt.Sprintf("command part %d contains a NUL byte", i+1), "remove it")
	}
	if d.SHA256 != "" {
		if sum, err := hex.DecodeString(d.SHA256); err != nil || len(sum) != 32 {
			return d, fault("sha256", fmt.Sprintf("sha256 %q is not 64 hex digits", d.SHA256),
				"use the output of: sha256sum "+shellQuote(d.program()))
		}
		d.SHA256 = strings.ToLower(d.SHA256)
	}
	if len(d.Config) == 0 || string(d.Config) == "null" {
		d.Config = json.RawMessage("{}")
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(d.Config, &object); err != nil {
		return d, fault("config", "config is not an object", "make it a mapping, as in: config: {theme: dark}")
	}
	if err := d.Sandbox.check(fault); err != nil {
		return d, err
	}
	return d.normalizedCapabilities(fault)
}

// fault is an error about a field of d.
func (d Descriptor) fault(field, problem, fix string) error {
	return &DescriptorError{File: d.Source, Field: field, Problem: problem, Fix: fix}
}

func (d Descriptor) normalizedCapabilities(fault func(field, problem, fix string) error) (Descriptor, error) {
	if len(d.Capabilities) == 0 {
		return d, fault("capabilities", "capabilities is missing, so the plugin could serve nothing",
			"list what it may serve, as in: capabilities: [markdown.render]")
	}
	d.Capabilities = slices.Clone(d.Capabilities)
	for i := range d.Capabilities {
		c := &d.Capabilities[i]
		field := fmt.Sprintf("capabilities[%d]", i)
		if problem := nameFault(c.Name, maxCapabilityName); problem != "" {
			return d, fault(field+".name", problem, "use letters, digits, '.', '_' and '-', as in: markdown.render")
		}
		if slices.ContainsFunc(d.Capabilities[:i], func(other Capability) bool { return other.Name == c.Name }) {
			return d, fault(field+".name", fmt.Sprintf("capability %q is listed twice", c.Name), "remove one of them")
		}
		if c.Weight < 0 || c.Weight > maxWeight {
			return d, fault(field+".weight", fmt.Sprintf("weight %d is not from 1 to %d", c.Weight, maxWeight),
				"give the plugin's share of the calls, or standby: true for none while others can take them")
		}
		c.Weight = max(c.Weight, 1)
		switch {
		case c.Kind == "" && c.Service != "":
			c.Kind = KindService
		case c.Kind == "":
			c.Kind = KindFunction
		}
		switch c.Kind {
		case KindService:
			if c.Service == "" {
				c.Service = c.Name
			}
			if err := d.checkService(*c, field, fault); err != nil {
				return d, err
			}
		case KindFunction:
			if err := d.checkFunction(*c, field, fault); err != nil {
				return d, err
			}
		default:
			return d, fault(field+".kind", fmt.Sprintf("kind %q is unknown", c.Kind), "use function or service")
		}
	}
	return d, nil
}

func (d Descriptor) checkService(c Capability, field string, fault func(field, problem, fix string) error) error {
	problem := nameFault(c.Service, maxCapabilityName)
	switch {
	case d.Module != "":
		return fault(field+".kind", fmt.Sprintf("capability %q is a service, and a module has functions only", c.Name), "remove kind and service")
	case problem != "":
		return fault(field+".service", problem, "use the service's full name, as in: acme.notes.v1.NoteService")
	case reservedService(c.Service) && !d.foreign(), strings.HasPrefix(c.Service, "plugin."):
		return fault(field+".service", fmt.Sprintf("service %q is the host's way to manage the plugin and cannot be granted", c.Service),
			"list a service of the plugin's own")
	default:
		return nil
	}
}

func (d Descriptor) checkFunction(c Capability, field string, fault func(field, problem, fix string) error) error {
	switch {
	case d.GoPlugin != nil:
		return fault(field+".kind", fmt.Sprintf("capability %q is a function, and a program that knows nothing of Roster has services only", c.Name),
			"name the service that it serves, as in: {name: kv, service: proto.KV}")
	case c.Service != "":
		return fault(field+".service", fmt.Sprintf("capability %q is a function and has no service", c.Name),
			"remove service, or set kind: service")
	default:
		return nil
	}
}

// hasProgram reports whether the host runs a file: a program, or a module.
func (d Descriptor) hasProgram() bool { return d.Endpoint == "" && d.Attach == "" }

// runsAs is where what the descriptor makes runs, in words for the log.
func (d Descriptor) runsAs() string {
	switch {
	case d.Endpoint != "":
		return "endpoint"
	case d.Module != "":
		return "WebAssembly module"
	case d.Attach != "":
		return "attached process"
	default:
		return "plugin process"
	}
}

// kind is what kind of provider the descriptor makes.
func (d Descriptor) kind() Kind {
	switch {
	case d.Endpoint != "":
		return Endpoint
	case d.Module != "":
		return Module
	default:
		return Plugin
	}
}

// checkKind sees to it that the descriptor describes one kind of provider.
func (d Descriptor) checkKind(fault func(field, problem, fix string) error) error {
	commanded := len(d.Command) > 0 && d.Command[0] != ""
	given := 0
	for _, there := range []bool{commanded, d.Endpoint != "", d.Module != "", d.Attach != ""} {
		if there {
			given++
		}
	}
	switch {
	case given == 0:
		return fault("command", "command is missing", "add the program to run, as in: command: ./"+d.Name)
	case given > 1:
		return fault("command", "there is more than one of command, endpoint, module and attach", "keep the one that serves the plugin")
	case d.GoPlugin != nil && !commanded:
		return fault("go_plugin", "go_plugin is for a command", "remove it")
	case d.GoPlugin != nil && (d.GoPlugin.CookieKey == "" || d.GoPlugin.CookieValue == "" || d.GoPlugin.Protocol == 0):
		return fault("go_plugin", "go_plugin lacks a part of the handshake", "copy the program's HandshakeConfig: {cookie_key: …, cookie_value: …, protocol: 1}")
	case d.TLS != nil && d.Endpoint == "":
		return fault("tls", "tls is for an endpoint", "remove it: the host and its processes know each other without")
	case !d.hasProgram() && d.SHA256 != "":
		return fault("sha256", "an endpoint has no program to compare with a checksum", "remove sha256")
	case d.foreign() && string(d.Config) != "{}" && len(d.Config) > 0:
		return fault("config", "nobody takes a config there: the server knows nothing of Roster", "remove config")
	case !commanded && d.Sandbox.needsShim():
		return fault("sandbox", "a sandbox is for a command", "remove it")
	case d.Endpoint != "":
		return d.checkEndpoint(fault)
	default:
		return nil
	}
}

// program is the path of the program file.
func (d Descriptor) program() string {
	if d.Module != "" {
		return d.inDir(d.Module)
	}
	if filepath.IsAbs(d.Command[0]) {
		return d.Command[0]
	}
	return filepath.Join(d.Dir, d.Command[0])
}

// reservedService reports whether a service of a plugin process belongs to the
// host alone: the lifecycle, and the ones that come with go-plugin.
func reservedService(name string) bool {
	return slices.ContainsFunc([]string{"roster.plugin.", "roster.v1.", "grpc.", "plugin."}, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}

func nameFault(name string, limit int) string {
	switch {
	case name == "":
		return "the name is missing"
	case len(name) > limit:
		return fmt.Sprintf("the name has %d bytes, the limit is %d", len(name), limit)
	case !utf8.ValidString(name):
		return fmt.Sprintf("the name %q is not valid UTF-8", name)
	}
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-", r)) {
			return fmt.Sprintf("the name %q contains %q at byte %d", name, r, i)
		}
	}
	return ""
}

// shellQuote makes a path safe to paste behind a command that an error shows.
func shellQuote(path string) string {
	if path != "" && !strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+@%", r) && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
