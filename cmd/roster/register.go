package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/daemon"
	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd"
)

// A registration is what roster register was asked for.
type registration struct {
	etcd     daemon.EtcdConfig
	instance discovery.Instance
	meta     []string
	ttl      time.Duration

	health   string
	interval time.Duration
	failures int
	start    time.Duration // for the command to be healthy
	linger   time.Duration // between leaving and telling the command to stop
	stop     time.Duration // for the command to stop
}

func newRegister(address *addressFlag) *cobra.Command {
	var r registration
	cmd := &cobra.Command{
		Use:   "register SERVICE ADDRESS [flags] -- COMMAND [ARGUMENT...]",
		Short: "Run a command and announce it as an instance of a service",
		Long: `Run a program that knows nothing of Roster, and announce it while it answers:

  roster register payments 127.0.0.1:8080 -- ./payments --port 8080

It is announced once it is healthy, left out while it is not, and taken out before it is
told to stop, so that no caller finds a closed port. On SIGTERM or an interrupt the
instance is removed, and after --linger the command gets SIGTERM, and SIGKILL if it does
not stop in time. The exit code is the command's own, 128 and the signal's number if a
signal ended it.

Without --etcd the daemon at --address is asked where services are announced. While etcd
is away the command runs on, and is announced when etcd is back.

The command reads what this program would, except from a terminal: that stays with this
program, so that an interrupt reaches it first, and the command reads the end of a file.

--health is tcp (a connection to ADDRESS succeeds), a URL (a GET is answered with 2xx), or
none.

` + exitCodesHelp,
		Args: func(cmd *cobra.Command, args []string) error {
			const fixed = 2
			if dash := cmd.ArgsLenAtDash(); dash != fixed || len(args) <= fixed {
				return usageError{errors.New("register takes SERVICE ADDRESS -- COMMAND; see roster register --help")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			r.instance.Service, r.instance.Address = args[0], args[1]
			if err := r.complete(); err != nil {
				return err
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: shortTime}))
			if len(r.etcd.Endpoints) == 0 {
				given := cmd.Flags().Changed("etcd-naming-endpoints")
				if err := r.ask(cmd.Context(), address, given); err != nil {
					return err
				}
			}
			options, err := r.etcd.DialOptions(nil)
			if err != nil {
				return err
			}
			client, err := etcd.Dial(cmd.Context(), r.etcd.Endpoints, options)
			if err != nil {
				return usageError{err}
			}
			defer func() { _ = client.Close() }() // nothing is left to learn from it
			backend := etcd.New(client, etcd.Options{
				Prefix: r.etcd.Prefix, Endpoints: r.etcd.NamingEndpoints, TTL: r.ttl, Logger: log,
			})
			command := exec.Command(args[2], args[3:]...) //nolint:noctx // what the command line says; it outlives the context for a while
			command.Stdin, command.Stdout, command.Stderr = input(cmd.InOrStdin()), cmd.OutOrStdout(), cmd.ErrOrStderr()
			return r.run(cmd.Context(), backend, command, log)
		},
	}
	address.add(cmd)
	flags := cmd.Flags()
	addEtcdFlags(flags, &r.etcd, "`ENDPOINTS` of the etcd cluster, separated by commas (default the daemon's)")
	flags.StringVar(&r.etcd.Prefix, "etcd-prefix", "", "`TEXT` before every key (default the daemon's)")
	flags.BoolVar(&r.etcd.NamingEndpoints, "etcd-naming-endpoints", false, "make the instance readable for etcd's own gRPC resolver (default as the daemon does)")
	flags.StringVar(&r.instance.ID, "id", "", "`ID` of the instance (default machine-port)")
	flags.StringVar(&r.instance.Region, "region", "", "`NAME` of the region")
	flags.StringVar(&r.instance.Zone, "zone", "", "`NAME` of the zone")
	flags.StringVar(&r.instance.Version, "version-of", "", "`VERSION` of what is served")
	flags.StringArrayVar(&r.meta, "meta", nil, "an entry of the metadata: `KEY=VALUE`; may be repeated")
	flags.StringVar(&r.health, "health", "tcp", "`CHECK`: tcp, a URL, or none")
	flags.DurationVar(&r.interval, "health-interval", 2*time.Second, "`TIME` between checks")
	flags.IntVar(&r.failures, "health-failures", 3, "`NUMBER` of failed checks in a row after which it is left out")
	flags.DurationVar(&r.start, "start-timeout", time.Minute, "`TIME` for the command to be healthy at first")
	flags.DurationVar(&r.linger, "linger", 500*time.Millisecond, "`TIME` between leaving and telling the command to stop")
	flags.DurationVar(&r.stop, "stop-timeout", 30*time.Second, "`TIME` for the command to stop before it is killed")
	flags.DurationVar(&r.ttl, "lease-ttl", daemon.DefaultLeaseTTL, "`TIME` it stays listed if this program is killed")
	return cmd
}

// input is what the command reads. It runs in a group of its own, which the system would
// stop as soon as it read from a terminal.
func input(in io.Reader) io.Reader {
	if file, ok := in.(*os.File); ok {
		if info, err := file.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			return nil // the null device
		}
	}
	return in
}

// complete fills in defaults and refuses what cannot work.
func (r *registration) complete() error {
	if r.instance.ID == "" {
		machine, err := os.Hostname()
		if err != nil {
			return usageError{fmt.Errorf("--id has no default, since the machine's name is unknown: %w", err)}
		}
		r.instance.ID = machine
		if _, port, err := net.SplitHostPort(r.instance.Address); err == nil {
			r.instance.ID += "-" + port
		}
	}
	for _, entry := range r.meta {
		key, value, ok := strings.Cut(entry, "=")
		if !ok || key == "" {
			return usageError{fmt.Errorf("--meta %q is not KEY=VALUE", entry)}
		}
		if r.instance.Metadata == nil {
			r.instance.Metadata = make(map[string]string)
		}
		r.instance.Metadata[key] = value
	}
	if err := r.instance.Validate(); err != nil {
		return usageError{err}
	}
	for flag, d := range map[string]time.Duration{"--health-interval": r.interval, "--start-timeout": r.start, "--stop-timeout": r.stop, "--lease-ttl": r.ttl} {
		if d <= 0 {
			return usageError{fmt.Errorf("%s %v is not more than nothing", flag, d)}
		}
	}
	if r.failures < 1 {
		return usageError{fmt.Errorf("--health-failures %d is less than 1", r.failures)}
	}
	if _, err := r.check(); err != nil {
		return usageError{err}
	}
	return nil
}

// ask takes the place of etcd from the daemon, and whether to write for etcd's own resolver
// unless that is given.
func (r *registration) ask(ctx context.Context, address *addressFlag, given bool) error {
	c, err := newClient(address)
	if err != nil {
		return err
	}
	answer, err := c.get(ctx, api.EtcdPath)
	if err != nil {
		return fmt.Errorf("ask where services are announced, or give --etcd: %w", err)
	}
	var place api.Etcd
	if err := json.Unmarshal(answer, &place); err != nil || len(place.Endpoints) == 0 {
		return fmt.Errorf("the daemon does not say where services are announced; give --etcd: %w", err)
	}
	r.etcd.Endpoints = place.Endpoints
	if r.etcd.Prefix == "" {
		r.etcd.Prefix = place.Prefix
	}
	if !given {
		r.etcd.NamingEndpoints = place.NamingEndpoints
	}
	return nil
}
