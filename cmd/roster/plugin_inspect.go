package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

func newPluginInspect(address *addressFlag) *cobra.Command {
	var format formatFlag
	cmd := &cobra.Command{
		Use:   "inspect NAME",
		Short: "Show a plugin, and what of its sandbox is enforced",
		Long: `Show what is known of a plugin: its state, its process, its config's schema (with -o json),
and for each layer of its sandbox what was asked for and what came of it.

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			c, err := newClient(address)
			if err != nil {
				return err
			}
			answer, err := c.get(cmd.Context(), api.PluginsPath+"/"+url.PathEscape(args[0]))
			if err != nil {
				return err
			}
			if asJSON {
				return printOut(cmd.OutOrStdout(), answer)
			}
			text, err := inspection(answer)
			if err != nil {
				return err
			}
			return printOut(cmd.OutOrStdout(), text)
		},
	}
	address.add(cmd)
	format.add(cmd)
	return cmd
}

func inspection(answer []byte) ([]byte, error) {
	var p api.Plugin
	if err := json.Unmarshal(answer, &p); err != nil {
		return nil, fmt.Errorf("the daemon's answer: %w", err)
	}
	var b bytes.Buffer
	const minWidth, tabWidth, padding = 0, 8, 2
	t := tabwriter.NewWriter(&b, minWidth, tabWidth, padding, ' ', 0)
	line := func(cells ...string) { _, _ = fmt.Fprintln(t, strings.Join(cells, "\t")) } // a buffer takes everything
	life := ""
	if p.EndOfLife != nil {
		life = ", until " + p.EndOfLife.Format(time.DateOnly)
	}
	line("plugin", strings.TrimSpace(p.Name+" "+p.Version)+" (api "+p.APIVersion+life+")")
	line("source", p.Source)
	line("state", p.State+" since "+p.Since.Local().Format(time.DateTime)) //nolint:gosmopolitan // the reader's own clock
	line("process", strconv.Itoa(p.PID)+", restarted "+strconv.Itoa(p.Restarts)+" times")
	line("checksum", p.Checksum)
	line("capabilities", strings.Join(p.Capabilities, ", "))
	line("open circuits", orDash(strings.Join(p.Open, ", ")))
	line("last error", orDash(p.LastError))
	line()
	line("SANDBOX", "STATE", "WANTED", "DETAIL")
	for _, c := range p.Sandbox {
		line(c.Name, c.State, orDash(c.Wanted), orDash(c.Detail))
	}
	if err := t.Flush(); err != nil {
		return nil, fmt.Errorf("the table: %w", err)
	}
	return b.Bytes(), nil
}
