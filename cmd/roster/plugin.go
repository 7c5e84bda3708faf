package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

func newPlugin(address *addressFlag) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Look at the plugins of a daemon, and change them",
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPluginCheck(), newPluginInspect(address), newPluginReload(address))
	return cmd
}

func newPluginReload(address *addressFlag) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload NAME",
		Short: "Read a plugin's descriptor again and swap the plugin",
		Long: `Read the descriptor file of a plugin again, start what it describes, and let it take over
when it is ready. No call fails: the old process answers what it was asked, and ends. If the
new one does not get ready, the old one goes on.

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(address)
			if err != nil {
				return err
			}
			req, err := http.NewRequestWithContext(cmd.Context(), http.MethodPost,
				c.url(api.PluginsPath+"/"+url.PathEscape(args[0])+"/"+api.ReloadVerb), http.NoBody)
			if err != nil {
				return fmt.Errorf("the request: %w", err)
			}
			answer, _, err := c.do(req)
			if err != nil {
				return err
			}
			var p api.Plugin
			if err := json.Unmarshal(answer, &p); err != nil {
				return fmt.Errorf("the daemon's answer: %w", err)
			}
			return printOut(cmd.OutOrStdout(), fmt.Appendf(nil, "%s %s is %s\n", p.Name, p.Version, p.State))
		},
	}
	address.add(cmd)
	return cmd
}
