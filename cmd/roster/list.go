package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// A listing is something that roster ls can show.
type listing struct {
	path  string
	table func(answer []byte, w io.Writer) error
}

var listings = map[string]listing{
	"capabilities": {api.CapabilitiesPath, capabilityTable},
	"plugins":      {api.PluginsPath, pluginTable},
	"instances":    {api.InstancesPath, instanceTable},
	"registries":   {api.RegistriesPath, registryTable},
	"kills":        {api.KillsPath, killTable},
	"runtimes":     {api.KillsPath, runtimeTable},
	"records":      {api.RecordsPath, recordTable},
	"conflicts":    {api.ConflictsPath, conflictTable},
	"regions":      {api.RegionsPath, regionTable},
	"namespaces":   {api.NamespacesPath, namespaceTable},
}

var listNames = []string{"capabilities", "plugins", "instances", "registries", "records", "conflicts", "regions", "namespaces", "kills", "runtimes"}

func newList(address *addressFlag) *cobra.Command {
	var format formatFlag
	cmd := &cobra.Command{
		Use:       "ls " + strings.Join(listNames, "|"),
		Short:     "List capabilities, plugins, instances, records, regions, kills, and more",
		Long:      "List what the daemon knows, as a table or with -o json as it says it.\n\n" + exitCodesHelp,
		ValidArgs: listNames,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(listNames, args[0]) {
				return usageError{fmt.Errorf("ls takes one of %s, not %q", strings.Join(listNames, ", "), strings.Join(args, " "))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			c, err := newClient(address)
			if err != nil {
				return err
			}
			wanted := listings[args[0]]
			answer, err := c.get(cmd.Context(), wanted.path)
			if err != nil {
				return err
			}
			if asJSON {
				return printOut(cmd.OutOrStdout(), answer)
			}
			return wanted.table(answer, cmd.OutOrStdout())
		},
	}
	address.add(cmd)
	format.add(cmd)
	return cmd
}

// table decodes an answer and prints a row for each item.
func table[A any](answer []byte, w io.Writer, header string, rows func(A, func(cells ...string))) error {
	var a A
	if err := json.Unmarshal(answer, &a); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	var b bytes.Buffer
	const minWidth, tabWidth, padding = 0, 8, 2
	t := tabwriter.NewWriter(&b, minWidth, tabWidth, padding, ' ', 0)
	_, _ = fmt.Fprintln(t, strings.ReplaceAll(header, " ", "\t")) // a buffer takes everything
	rows(a, func(cells ...string) {
		_, _ = fmt.Fprintln(t, strings.Join(cells, "\t"))
	})
	if err := t.Flush(); err != nil {
		return fmt.Errorf("the table: %w", err)
	}
	return printOut(w, b.Bytes())
}

func capabilityTable(answer []byte, w io.Writer) error {
	return table(answer, w, "NAME KIND SERVED-BY", func(a api.Capabilities, row func(...string)) {
		for _, c := range a.Capabilities {
			var by []string
			for _, p := range c.Providers {
				switch p.Kind {
				case "remote":
					by = append(by, fmt.Sprintf("host %s (region %s)", p.Host, p.Region))
				case "plugin":
					by = append(by, "plugin "+p.Name)
				default:
					by = append(by, p.Kind)
				}
			}
			row(c.Name, orDash(c.Kind), strings.Join(by, ", "))
		}
	})
}

func pluginTable(answer []byte, w io.Writer) error {
	return table(answer, w, "NAME VERSION STATE SINCE PID RESTARTS CHECKSUM CAPABILITIES LAST-ERROR", func(a api.Plugins, row func(...string)) {
		for _, p := range a.Plugins {
			since := p.Since.Local().Format(time.DateTime) //nolint:gosmopolitan // the reader's own clock
			row(p.Name, p.Version, p.State, since, strconv.Itoa(p.PID), strconv.Itoa(p.Restarts),
				p.Checksum, strings.Join(p.Capabilities, ","), orDash(p.LastError))
		}
	})
}

func instanceTable(answer []byte, w io.Writer) error {
	return table(answer, w, "SERVICE HOST ADDRESS REGION ZONE VERSION", func(a api.Instances, row func(...string)) {
		for _, i := range a.Instances {
			version := orDash(i.Version)
			if i.Draining {
				version += " (draining)"
			}
			row(i.Service, i.ID, i.Address, i.Region, i.Zone, version)
		}
		if a.Stale {
			row(fmt.Sprintf("stale for %s: %s", a.StaleFor, a.Reason))
		}
		if a.FromCopy {
			row("this is the copy on disk: the store has not answered since the daemon started")
		}
		if a.CopyError != "" {
			row(a.CopyError)
		}
		if a.ProtectingSince != nil {
			since := a.ProtectingSince.Local().Format(time.DateTime) //nolint:gosmopolitan // the reader's own clock
			row(fmt.Sprintf("holding back %d instances that expired in great numbers, since %s", a.Held, since))
		}
	})
}

func registryTable(answer []byte, w io.Writer) error {
	type registries struct {
		Registries []struct {
			Name, Type, Lifecycle string
			Size                  int
			Version               uint64
		}
	}
	return table(answer, w, "NAME LIFECYCLE SIZE VERSION TYPE", func(a registries, row func(...string)) {
		for _, r := range a.Registries {
			row(r.Name, r.Lifecycle, strconv.Itoa(r.Size), strconv.FormatUint(r.Version, 10), r.Type)
		}
	})
}

func killTable(answer []byte, w io.Writer) error {
	return table(answer, w, "TARGET STATE EPOCH REGION BY AT REASON", func(a api.Kills, row func(...string)) {
		for _, o := range a.Orders {
			state := "killed"
			if o.Revived {
				state = "revived"
			}
			at := o.At.Local().Format(time.DateTime) //nolint:gosmopolitan // the reader's own clock
			row(o.Target.String(), state, strconv.FormatUint(o.Epoch, 10), orDash(o.Region), orDash(o.By), at, o.Reason)
		}
		if !a.Durable {
			row("not all of this is on disk here")
		}
		if !a.Connected {
			row("not connected to a hub, so newer orders may be missing: " + orDash(a.Problem))
		}
	})
}

func runtimeTable(answer []byte, w io.Writer) error {
	return table(answer, w, "RUNTIME REGION STATE DURABLE SEEN", func(a api.Kills, row func(...string)) {
		if a.Status == nil {
			row("the hub does not answer: " + orDash(a.Problem))
			return
		}
		for _, p := range a.Status.Peers {
			state := "differs"
			switch {
			case p.Err != "":
				state = p.Err
			case p.Equal:
				state = "equal"
			}
			row("hub "+p.Region, p.Region, state, "-", p.Seen.Local().Format(time.DateTime)) //nolint:gosmopolitan // the reader's own clock
		}
		for i := range a.Status.Runtimes {
			r := &a.Status.Runtimes[i]
			row(r.ID, orDash(r.Region), string(r.State), strconv.FormatBool(r.Durable), r.Seen.Local().Format(time.DateTime)) //nolint:gosmopolitan // likewise
		}
	})
}

func recordTable(answer []byte, w io.Writer) error {
	return table(answer, w, "KEY SIZE VERSION REGION CONFLICTS", func(a api.Records, row func(...string)) {
		for _, r := range a.Records {
			row(r.Key, strconv.Itoa(r.Size), strconv.FormatInt(r.Version, 10), r.Region, strconv.Itoa(r.Conflicts))
		}
		switch {
		case a.Staleness == "unknown":
			row("how far this is behind region " + a.Behind + " is not known")
		case a.Behind != a.Region:
			row(fmt.Sprintf("at most %s behind region %s", a.Staleness, a.Behind))
		}
	})
}

func conflictTable(answer []byte, w io.Writer) error {
	return table(answer, w, "KEY LOST-OF WON-BY VALUE", func(a api.Conflicts, row func(...string)) {
		const shown = 60
		for _, c := range a.Conflicts {
			value := strconv.QuoteToGraphic(string(c.Value[:min(len(c.Value), shown)]))
			if c.Deleted {
				value = "deleted"
			}
			row(c.Key, c.Region, c.Winner, value)
		}
	})
}

func regionTable(answer []byte, w io.Writer) error {
	return table(answer, w, "REGION STATE LAG PENDING HEARD REPLICATION CONTROL", func(a api.Regions, row func(...string)) {
		for _, r := range a.Regions {
			state, lag, pending, heard := "connected", "-", "-", "-"
			switch {
			case r.Name == a.Region:
				state = "this one"
			case r.Retired:
				state = "retired"
			case !a.Leader:
				state = "another daemon of this region replicates"
			default:
				if !r.Connected {
					state = "not reached"
				}
				lag = (time.Duration(r.LagMillis) * time.Millisecond).String()
				heard = (time.Duration(r.HeardMillis) * time.Millisecond).String() + " ago"
				pending = strconv.Itoa(r.Pending)
			}
			row(r.Name, state, lag, pending, heard, orDash(strings.Join(r.Replication, ",")), orDash(strings.Join(r.Control, ",")))
			if r.Problem != "" {
				row("  " + r.Problem)
			}
		}
		if !a.Replicating {
			row("this daemon replicates nothing: it was started without --replication")
		}
	})
}

func namespaceTable(answer []byte, w io.Writer) error {
	return table(answer, w, "NAMESPACE HOME STATE EPOCH TO", func(a api.Namespaces, row func(...string)) {
		for _, n := range a.Namespaces {
			row(n.Name, n.Home, n.State, strconv.FormatUint(n.Epoch, 10), orDash(n.To))
		}
		if !a.Strong {
			row("this daemon has no strong store: give its endpoints in regions.strong")
		}
	})
}

// printOut writes what a command was asked for.
func printOut(w io.Writer, text []byte) error {
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
