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
}

var listNames = []string{"capabilities", "plugins", "instances", "registries"}

func newList(address *addressFlag) *cobra.Command {
	var format formatFlag
	cmd := &cobra.Command{
		Use:       "ls " + strings.Join(listNames, "|"),
		Short:     "List capabilities, plugins, instances or registries",
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
			row(i.Service, i.ID, i.Address, i.Region, i.Zone, orDash(i.Version))
		}
		if a.Stale {
			row(fmt.Sprintf("stale for %s: %s", a.StaleFor, a.Reason))
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
