package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/plugin"
)

// A Config says what a daemon serves and where. In a file it is YAML with the
// names given here; unknown names are refused.
type Config struct {
	// Listen is the address for HTTP and gRPC. It is a loopback address unless Access says who others
	// are.
	Listen string `yaml:"listen"`
	// Data is the folder for the embedded etcd and for the last view of the fleet.
	Data string `yaml:"data"`
	// Plugins is a folder of plugins, each in a folder of its own; empty for none.
	Plugins string `yaml:"plugins"`
	// Watch follows the folder of plugins while the daemon runs.
	Watch bool `yaml:"watch"`
	// TrustedKeys are public keys of minisign. If there are any, each program of a plugin
	// must be signed with one of them.
	TrustedKeys []string `yaml:"trusted_keys"`
	// Sandbox is what every plugin is held to at least: none, confined, or strict.
	Sandbox string `yaml:"sandbox"`
	// Host names this daemon in the fleet, where it must be unique.
	Host   string `yaml:"host"`
	Region string `yaml:"region"`
	Zone   string `yaml:"zone"`
	// Etcd says where services are announced.
	Etcd EtcdConfig `yaml:"etcd"`
	// Regions says how kills and records travel between the daemons of all regions.
	Regions RegionsConfig `yaml:"regions"`
	// Access says who may do what.
	Access AccessConfig `yaml:"access"`
	// LeaseTTL is how long this daemon stays listed after it died, 2 s to 1 h.
	// It is renewed three times as often. etcd may round it up.
	LeaseTTL time.Duration `yaml:"lease_ttl"`
	// Protect keeps hosts in the view that expire in great numbers at once.
	Protect bool `yaml:"protect"`
	// CallTimeout bounds calls that bring no deadline of their own.
	CallTimeout time.Duration `yaml:"call_timeout"`
	// Telemetry says where metrics and traces are sent to.
	Telemetry TelemetryConfig `yaml:"telemetry"`
	// Config is handed on: it is read again on SIGHUP, all else only at the start.
	Config PartConfigs `yaml:"config"`

	// File is where this was read from; empty if from nowhere.
	File string `yaml:"-"`
}

// PartConfigs are configs that the daemon hands on to others.
type PartConfigs struct {
	// Plugins has an object for each plugin, by its name. It is merged into the
	// config of the plugin's descriptor; null removes a field.
	Plugins map[string]map[string]any `yaml:"plugins"`
}

// EtcdConfig is either an external cluster or where the embedded one listens.
type EtcdConfig struct {
	Endpoints []string `yaml:"endpoints"`
	// The files are PEM. They, the user and the prefix are for an external cluster.
	CAFile       string `yaml:"ca_file"`
	CertFile     string `yaml:"cert_file"`
	KeyFile      string `yaml:"key_file"`
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"` // readable for its owner alone
	Prefix       string `yaml:"prefix"`        // before every key
	// NamingEndpoints makes what is announced readable for etcd's own resolver.
	NamingEndpoints bool `yaml:"naming_endpoints"`
	// Listen is the loopback address for clients of the embedded etcd. Empty
	// means the port after that of the daemon, or any if that is any.
	Listen string `yaml:"listen"`
}

// Defaults of a Config.
const (
	DefaultListen      = "127.0.0.1:7070"
	DefaultRegion      = "local"
	DefaultZone        = "local"
	DefaultLeaseTTL    = 30 * time.Second
	DefaultCallTimeout = 30 * time.Second
)

const (
	minLeaseTTL = 2 * time.Second
	maxLeaseTTL = time.Hour
)

// A ConfigError reports a setting that cannot be used.
type ConfigError struct {
	Setting string // as in the config file, with the flag in mind
	Problem string // what is wrong and what to do
	Err     error
}

func (e *ConfigError) Error() string { return e.Setting + ": " + e.Problem }

// Unwrap returns the cause, if there is one.
func (e *ConfigError) Unwrap() error { return e.Err }

// ReadConfig reads a config file over c, so that what the file leaves out keeps
// its value.
func ReadConfig(path string, c *Config) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return &ConfigError{"config", fmt.Sprintf("cannot read the file: %v", err), err}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict())
	if err := decoder.Decode(c); err != nil && !errors.Is(err, io.EOF) { // an empty file changes nothing
		return &ConfigError{"config", path + ":" + oneLine(err), err}
	}
	c.File = path
	return nil
}

// oneLine is a YAML error without the excerpt of the file that follows it:
// "[3:1] unknown field" becomes "3:1: unknown field".
func oneLine(err error) string {
	text, _, _ := strings.Cut(yaml.FormatError(err, false, false), "\n")
	if position, problem, ok := strings.Cut(strings.TrimPrefix(text, "["), "] "); ok && position != text {
		return position + ": " + problem
	}
	return " " + text
}

// complete fills in defaults and refuses what cannot work.
func (c *Config) complete() error {
	setDefault(&c.Listen, DefaultListen)
	setDefault(&c.Region, DefaultRegion)
	setDefault(&c.Zone, DefaultZone)
	if c.LeaseTTL == 0 {
		c.LeaseTTL = DefaultLeaseTTL
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = DefaultCallTimeout
	}
	if c.LeaseTTL < minLeaseTTL || c.LeaseTTL > maxLeaseTTL {
		return &ConfigError{"lease_ttl", fmt.Sprintf("%v is out of range; give %v to %v", c.LeaseTTL, minLeaseTTL, maxLeaseTTL), nil}
	}
	if c.CallTimeout < 0 {
		return &ConfigError{"call_timeout", fmt.Sprintf("%v is negative; give a duration such as 30s", c.CallTimeout), nil}
	}
	if _, err := c.pluginSandbox(); err != nil {
		return err
	}
	if err := c.completeAccess(); err != nil {
		return err
	}
	if err := c.Telemetry.OTLP.complete(); err != nil {
		return err
	}
	if len(c.Etcd.Endpoints) > 0 {
		if c.Etcd.Listen != "" {
			return &ConfigError{"etcd.listen", "it is for the embedded etcd, which etcd.endpoints replaces; give one of the two", nil}
		}
	} else if err := c.completeEtcd(); err != nil {
		return err
	}
	if err := c.completeRegions(); err != nil {
		return err
	}
	if c.Data == "" {
		dir, err := StateDir()
		if err != nil {
			return &ConfigError{"data", "no default, since " + err.Error() + "; give --data DIR", err}
		}
		c.Data = dir
	}
	return nil
}

// pluginSandbox is the host's policy for plugins.
func (c *Config) pluginSandbox() (plugin.Sandbox, error) {
	confined := plugin.Confined()
	confined.Read, confined.Write = []string{"."}, []string{"."}
	switch c.Sandbox {
	case "", "none":
		return plugin.Sandbox{}, nil
	case "confined":
		return confined, nil
	case "strict":
		confined.Strict = true
		return confined, nil
	default:
		return plugin.Sandbox{}, &ConfigError{"sandbox", fmt.Sprintf("%q is none of none, confined, strict", c.Sandbox), nil}
	}
}

func (c *Config) completeEtcd() error {
	if setting := c.Etcd.external(); setting != "" {
		return &ConfigError{setting, "it is for an external cluster; give its endpoints as well, with --etcd or etcd.endpoints", nil}
	}
	if c.Etcd.Listen == "" {
		host, port, err := net.SplitHostPort(c.Listen)
		if err != nil {
			return &ConfigError{"listen", err.Error(), err}
		}
		if checkLoopback("listen", c.Listen) != nil {
			host = "127.0.0.1" // others have no business with it
		}
		next, err := strconv.Atoi(port)
		if err != nil {
			return &ConfigError{"listen", fmt.Sprintf("port %q is not a number", port), err}
		}
		if next != 0 {
			next++
		}
		c.Etcd.Listen = net.JoinHostPort(host, strconv.Itoa(next))
	}
	return checkLoopback("etcd.listen", c.Etcd.Listen)
}

// completeHost names the daemon after the machine and the port it got, so that
// two on one machine differ and a restarted one is the same.
func (c *Config) completeHost(address net.Addr) error {
	if c.Host == "" {
		machine, err := os.Hostname()
		if err != nil {
			return &ConfigError{"host", "no default, since the machine's name is unknown; give --host NAME", err}
		}
		_, port, err := net.SplitHostPort(address.String())
		if err != nil {
			return fmt.Errorf("address of the listener: %w", err)
		}
		c.Host = machine + "-" + port
	}
	probe := discovery.Instance{Service: "probe", ID: c.Host, Address: address.String(), Region: c.Region, Zone: c.Zone}
	if err := probe.Validate(); err != nil {
		return &ConfigError{"host", err.Error(), err}
	}
	return nil
}

// checkLoopback refuses addresses that others could reach, for what neither TLS nor
// authentication protects.
func checkLoopback(setting, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return &ConfigError{setting, fmt.Sprintf("%q is not host:port, such as %s", address, DefaultListen), err}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return &ConfigError{setting, fmt.Sprintf("%q has no port from 0 to 65535, such as %s", address, DefaultListen), err}
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return &ConfigError{setting, fmt.Sprintf(
			"%q is not a loopback address, and other machines must not reach a daemon without authentication; listen on %s",
			address, net.JoinHostPort("127.0.0.1", port)), nil}
	}
	return nil
}

// StateDir is where programs keep state for a user: $XDG_STATE_HOME, or the
// place the XDG base directory specification gives for it.
func StateDir() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "roster"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("the home folder is unknown: %w", err)
	}
	return filepath.Join(home, ".local", "state", "roster"), nil
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}
