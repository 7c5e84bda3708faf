package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/builtin"
	"github.com/roster-go/roster/cmd/roster/internal/daemon"
)

func newUp() *cobra.Command {
	var (
		config           daemon.Config
		file             string
		logLevel, format string
	)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Run a daemon",
		Long: `Run a daemon until it is interrupted. It prints one line, "ready URL", on standard
output when it serves, and logs on standard error.

Without flags it keeps its data below $XDG_STATE_HOME, runs an etcd of its own on
the port after its own, and serves process.describe, which is linked in, and
text.stats, which it serves as a plugin of itself.

Flags win over the config file, a YAML file with these names and defaults:

  listen: 127.0.0.1:7070     # loopback only, unless access says who others are
  data: DIR                  # for the embedded etcd and the last view of the fleet
  plugins: DIR               # every plugin.yaml in it and in its folders
  watch: false               # follow that folder: add, swap and remove plugins
  trusted_keys: []           # of minisign; then every plugin's program must be signed
  sandbox: none              # or confined, or strict: what every plugin is held to
  host: NAME                 # unique in the fleet; default: machine-port
  region: local
  zone: local
  etcd:
    endpoints: []            # an etcd cluster to join, instead of an own one
    listen: 127.0.0.1:7071   # of the own one; default: the port after listen's
    ca_file: FILE            # these are for the cluster: its authority,
    cert_file: FILE          # the daemon's certificate and key,
    key_file: FILE
    username: NAME           # or its user, and a file with the password
    password_file: FILE      # that nobody else may read
    prefix: TEXT             # before every key
    naming_endpoints: false  # readable for etcd's own gRPC resolver
  regions:                   # how kills and records travel
    control: 127.0.0.1:7072  # a port for kills; default: the port after etcd's own
    replication: ADDRESS     # a port for records of other regions; default: none
    hub: []                  # of this region, for a daemon that is not it
    others: {}               # NAME: {control: [ADDRESS], replication: [ADDRESS]}
    strong: {endpoints: []}  # an etcd stretched over the regions, with settings as
                             # those of etcd; it says where namespaces live
    ca_file: FILE            # these are for connections between daemons, which are
    cert_file: FILE          # on loopback only without them; the certificate has the
    key_file: FILE           # URIs roster://hub/REGION, roster://region/REGION and
                             # roster://runtime/HOST (and roster://operator/HOST for a
                             # daemon that is not the hub, to pass on roster kill)
  access:                    # who may do what; without it everybody on this machine
    tokens_file: FILE        # made by roster token new; changes count at once
    cert_file: FILE          # serve TLS with this certificate and key
    key_file: FILE
    client_ca_file: FILE     # take client certificates of this authority, and give
    certificates: {}         # roles to names in them: "cn:NAME": read, operate or kill;
                             # also "uri:URI", "dns:NAME", "email:ADDRESS"
    hosts: []                # names it is asked for by, besides loopback and its address
    advertise: ADDRESS       # at which other hosts reach it; default: listen
    audit_file: FILE         # default: audit/HOST.jsonl in data
    peer_token_file: FILE    # a token of role operate, with which it calls other hosts
    peer_ca_file: FILE       # the authority of their certificates; default: the system's
    plaintext_because_tls_ends_in_front: false  # tokens beyond loopback without TLS
  lease_ttl: 30s             # how long a crashed host stays listed
  protect: false             # keep hosts that expire in great numbers at once
  call_timeout: 30s          # for calls that bring no deadline
  telemetry:
    otlp:                    # OpenTelemetry's protocol, over gRPC
      endpoint: ADDRESS      # sends metrics and traces there; default: nowhere
      ca_file: FILE          # TLS with this authority; without it a loopback address is
      cert_file: FILE        # spoken to in clear, and any other over TLS with the
      key_file: FILE         # authorities of the system
      interval: 30s          # between two sets of metrics
      sample: 1              # the share of traces that begin here
  config:
    plugins: {}              # NAME: {…}, merged into the config of its descriptor
                             # and read again on SIGHUP

` + exitCodesHelp,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file != "" {
				var merged daemon.Config
				if err := daemon.ReadConfig(file, &merged); err != nil {
					return err
				}
				override(cmd, &merged, config)
				config = merged
			}
			log, err := newLogger(cmd.ErrOrStderr(), logLevel, format)
			if err != nil {
				return err
			}
			return daemon.Run(cmd.Context(), config, log, func(url string) {
				_, _ = fmt.Fprintln(cmd.OutOrStdout(), "ready", url)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "config", "", "config `FILE` (YAML)")
	flags.StringVar(&config.Access.TokensFile, "tokens", "",
		"`FILE` of the tokens that callers need (see roster token; default: everybody on this machine may do everything)")
	flags.StringVar(&config.Access.CertFile, "tls-cert", "", "`FILE` (PEM) with the certificate to serve TLS with")
	flags.StringVar(&config.Access.KeyFile, "tls-key", "", "`FILE` (PEM) with its key")
	flags.StringVar(&config.Listen, "listen", "", "`ADDRESS` to serve on; beyond loopback only with access in the config (default "+daemon.DefaultListen+")")
	flags.StringVar(&config.Access.Advertise, "advertise", "", "`ADDRESS` at which other hosts reach the daemon (default that of --listen)")
	flags.StringVar(&config.Data, "data", "", "`DIR` for the embedded etcd (default below $XDG_STATE_HOME)")
	flags.StringVar(&config.Plugins, "plugins", "", "`DIR` of plugins")
	flags.BoolVar(&config.Watch, "watch", false, "follow the folder of plugins: add, swap and remove them with their descriptors")
	flags.StringVar(&config.Sandbox, "sandbox", "", "`POLICY` for every plugin: none, confined or strict (default none)")
	flags.StringVar(&config.Host, "host", "", "`NAME` of this host in the fleet (default machine-port)")
	flags.StringVar(&config.Region, "region", "", "`NAME` of the region (default "+daemon.DefaultRegion+")")
	flags.StringVar(&config.Zone, "zone", "", "`NAME` of the zone (default "+daemon.DefaultZone+")")
	addEtcdFlags(flags, &config.Etcd, "`ENDPOINTS` of an etcd cluster to join, separated by commas")
	flags.BoolVar(&config.Protect, "protect", false, "keep hosts that expire in great numbers at once")
	flags.StringVar(&config.Etcd.Listen, "etcd-listen", "", "loopback `ADDRESS` of the embedded etcd (default the port after --listen)")
	flags.StringVar(&config.Regions.Control, "control", "", "`ADDRESS` of the port for kills (default the port after etcd's own)")
	flags.StringVar(&config.Regions.Replication, "replication", "", "`ADDRESS` of the port for records of other regions (default: none are exchanged)")
	flags.DurationVar(&config.LeaseTTL, "lease-ttl", 0, "`TIME` a crashed host stays listed (default "+daemon.DefaultLeaseTTL.String()+")")
	flags.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&format, "log-format", "text", "text or json")
	return cmd
}

// override copies the settings whose flags were given.
func override(cmd *cobra.Command, into *daemon.Config, flags daemon.Config) {
	for name, copyOne := range map[string]func(){
		"advertise":          func() { into.Access.Advertise = flags.Access.Advertise },
		"listen":             func() { into.Listen = flags.Listen },
		"data":               func() { into.Data = flags.Data },
		"tokens":             func() { into.Access.TokensFile = flags.Access.TokensFile },
		"tls-cert":           func() { into.Access.CertFile = flags.Access.CertFile },
		"tls-key":            func() { into.Access.KeyFile = flags.Access.KeyFile },
		"plugins":            func() { into.Plugins = flags.Plugins },
		"watch":              func() { into.Watch = flags.Watch },
		"sandbox":            func() { into.Sandbox = flags.Sandbox },
		"host":               func() { into.Host = flags.Host },
		"region":             func() { into.Region = flags.Region },
		"zone":               func() { into.Zone = flags.Zone },
		"etcd":               func() { into.Etcd.Endpoints = flags.Etcd.Endpoints },
		"etcd-ca":            func() { into.Etcd.CAFile = flags.Etcd.CAFile },
		"etcd-cert":          func() { into.Etcd.CertFile = flags.Etcd.CertFile },
		"etcd-key":           func() { into.Etcd.KeyFile = flags.Etcd.KeyFile },
		"etcd-user":          func() { into.Etcd.Username = flags.Etcd.Username },
		"etcd-password-file": func() { into.Etcd.PasswordFile = flags.Etcd.PasswordFile },
		"protect":            func() { into.Protect = flags.Protect },
		"etcd-listen":        func() { into.Etcd.Listen = flags.Etcd.Listen },
		"control":            func() { into.Regions.Control = flags.Regions.Control },
		"replication":        func() { into.Regions.Replication = flags.Regions.Replication },
		"lease-ttl":          func() { into.LeaseTTL = flags.LeaseTTL },
	} {
		if cmd.Flags().Changed(name) {
			copyOne()
		}
	}
}

func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	options := &slog.HandlerOptions{}
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %q is none of debug, info, warn, error", level)}
	}
	options.Level = l
	switch format {
	case "text":
		options.ReplaceAttr = shortTime
		return slog.New(slog.NewTextHandler(w, options)), nil
	case formatJSON:
		return slog.New(slog.NewJSONHandler(w, options)), nil
	default:
		return nil, usageError{fmt.Errorf("--log-format %q is neither text nor json", format)}
	}
}

// shortTime keeps lines for people short.
func shortTime(groups []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey && len(groups) == 0 {
		return slog.String(slog.TimeKey, a.Value.Time().Format(time.TimeOnly))
	}
	return a
}

// newServePlugin is how the daemon runs this program as a plugin of itself.
func newServePlugin() *cobra.Command {
	return &cobra.Command{
		Use:    builtin.PluginCommand,
		Short:  "Serve the built-in plugin; started by roster up",
		Hidden: true,
		Args:   usage(cobra.NoArgs),
		RunE:   func(cmd *cobra.Command, _ []string) error { return builtin.Serve(cmd.Context()) },
	}
}
