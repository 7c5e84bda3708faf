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

  listen: 127.0.0.1:7070     # loopback only
  data: DIR                  # for the embedded etcd
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
  lease_ttl: 30s             # how long a crashed host stays listed
  call_timeout: 30s          # for calls that bring no deadline
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
	flags.StringVar(&config.Listen, "listen", "", "loopback `ADDRESS` to serve on (default "+daemon.DefaultListen+")")
	flags.StringVar(&config.Data, "data", "", "`DIR` for the embedded etcd (default below $XDG_STATE_HOME)")
	flags.StringVar(&config.Plugins, "plugins", "", "`DIR` of plugins")
	flags.BoolVar(&config.Watch, "watch", false, "follow the folder of plugins: add, swap and remove them with their descriptors")
	flags.StringVar(&config.Sandbox, "sandbox", "", "`POLICY` for every plugin: none, confined or strict (default none)")
	flags.StringVar(&config.Host, "host", "", "`NAME` of this host in the fleet (default machine-port)")
	flags.StringVar(&config.Region, "region", "", "`NAME` of the region (default "+daemon.DefaultRegion+")")
	flags.StringVar(&config.Zone, "zone", "", "`NAME` of the zone (default "+daemon.DefaultZone+")")
	flags.StringSliceVar(&config.Etcd.Endpoints, "etcd", nil, "`ENDPOINTS` of an etcd cluster to join, separated by commas")
	flags.StringVar(&config.Etcd.Listen, "etcd-listen", "", "loopback `ADDRESS` of the embedded etcd (default the port after --listen)")
	flags.DurationVar(&config.LeaseTTL, "lease-ttl", 0, "`TIME` a crashed host stays listed (default "+daemon.DefaultLeaseTTL.String()+")")
	flags.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")
	flags.StringVar(&format, "log-format", "text", "text or json")
	return cmd
}

// override copies the settings whose flags were given.
func override(cmd *cobra.Command, into *daemon.Config, flags daemon.Config) {
	for name, copyOne := range map[string]func(){
		"listen":      func() { into.Listen = flags.Listen },
		"data":        func() { into.Data = flags.Data },
		"plugins":     func() { into.Plugins = flags.Plugins },
		"watch":       func() { into.Watch = flags.Watch },
		"sandbox":     func() { into.Sandbox = flags.Sandbox },
		"host":        func() { into.Host = flags.Host },
		"region":      func() { into.Region = flags.Region },
		"zone":        func() { into.Zone = flags.Zone },
		"etcd":        func() { into.Etcd.Endpoints = flags.Etcd.Endpoints },
		"etcd-listen": func() { into.Etcd.Listen = flags.Etcd.Listen },
		"lease-ttl":   func() { into.LeaseTTL = flags.LeaseTTL },
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
