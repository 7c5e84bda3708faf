package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

func newRegion(address *addressFlag) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "region",
		Short: "Add regions, retire them, rehearse their loss, and move namespaces",
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newRegionAdd(address), newRegionRetire(address), newRegionMove(address), newRegionDrill(address))
	return cmd
}

func newRegionAdd(address *addressFlag) *cobra.Command {
	var region api.Region
	cmd := &cobra.Command{
		Use:   "add NAME --replication ADDRESS --control ADDRESS",
		Short: "Make another region a peer, or change its addresses",
		Long: `Tell this region of another one. That is enough: the two introduce themselves to each other, and
the regions that are there already learn of the new one. The addresses are those under which
its daemons listen for records and for kills.

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(region.Replication) == 0 {
				return usageError{errors.New("region add needs --replication ADDRESS")}
			}
			body, err := json.Marshal(map[string]any{"replication": region.Replication, "control": region.Control})
			if err != nil {
				return fmt.Errorf("the request: %w", err)
			}
			if err := changeRegion(cmd, address, http.MethodPut, args[0], body); err != nil {
				return err
			}
			return printOut(cmd.OutOrStdout(), fmt.Appendf(nil, "%s is a peer; roster ls regions shows how far it is behind\n", args[0]))
		},
	}
	address.add(cmd)
	cmd.Flags().StringSliceVar(&region.Replication, "replication", nil, "`ADDRESS` for records, host:port; may be repeated")
	cmd.Flags().StringSliceVar(&region.Control, "control", nil, "`ADDRESS` for kills, host:port; may be repeated")
	return cmd
}

func newRegionRetire(address *addressFlag) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "retire NAME",
		Short: "End replication with a region for good",
		Long: `Tell all regions that one of them is no more. What it wrote stays; copies of its instances go, and
nobody waits for it any more. Kills do not reach it from then on. It can be added again.

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := changeRegion(cmd, address, http.MethodDelete, args[0], nil); err != nil {
				return err
			}
			return printOut(cmd.OutOrStdout(), fmt.Appendf(nil, "%s is retired\n", args[0]))
		},
	}
	address.add(cmd)
	return cmd
}

func changeRegion(cmd *cobra.Command, address *addressFlag, method, name string, body []byte) error {
	c, err := newClient(address)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(cmd.Context(), method, c.url(api.RegionsPath+"/"+url.PathEscape(name)), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the request: %w", err)
	}
	_, _, err = c.do(req)
	return err
}
