package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

const namespaceHelp = `A namespace lives in one region, its home, which alone takes reads and writes of it, and can move
to another one. Where it lives is kept in a strong store that is stretched over the regions
(regions.strong in the config of the daemons).
`

func newNamespace(address *addressFlag) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "namespace",
		Short: "Make namespaces that live in one region at a time",
		Long:  namespaceHelp + "\nroster ls namespaces lists them, roster region move moves one, and roster get, put and rm --in\nread and write it.",
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var home string
	create := &cobra.Command{
		Use:   "create NAME --home REGION",
		Short: "Make a namespace",
		Long:  "Make a namespace.\n\n" + namespaceHelp + "\n" + exitCodesHelp,
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if home == "" {
				return usageError{errors.New("namespace create needs --home REGION")}
			}
			var made api.Namespace
			if err := changeNamespace(cmd, address, http.MethodPut, url.PathEscape(args[0]), api.NamespaceChange{Home: home}, &made); err != nil {
				return err
			}
			return printOut(cmd.OutOrStdout(), fmt.Appendf(nil, "%s lives in %s\n", made.Name, made.Home))
		},
	}
	address.add(create)
	create.Flags().StringVar(&home, "home", "", "`REGION` where it lives")
	cmd.AddCommand(create)
	return cmd
}

func newRegionMove(address *addressFlag) *cobra.Command {
	var change api.NamespaceChange
	var resume bool
	cmd := &cobra.Command{
		Use:   "move NAMESPACE --to REGION",
		Short: "Move a namespace to another region",
		Long: `Move a namespace: the old home takes no more writes, what it has is copied and compared, and the
new home opens. If the command or a daemon dies on the way, nothing is lost and nothing is
served twice: --resume goes on, and --abort goes back if the new home is not open yet.

With --force the present home is not asked, since it is dead: the move waits until its lease
has run out, and what only it had is kept there for people to look at. It says what may be lost.

` + namespaceHelp + "\n" + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ways := 0
			for _, given := range []bool{change.Home != "", resume, change.Abort} {
				if given {
					ways++
				}
			}
			if ways != 1 {
				return usageError{errors.New("region move needs one of --to REGION, --resume and --abort")}
			}
			if change.Force && change.Home == "" {
				return usageError{errors.New("--force is for --to REGION; --resume goes on with a failover as well")}
			}
			if change.Insist && !change.Force {
				return usageError{errors.New("--insist is for --force")}
			}
			var moved api.Moved
			if err := changeNamespace(cmd, address, http.MethodPost, url.PathEscape(args[0])+"/move", change, &moved); err != nil {
				return err
			}
			return printOut(cmd.OutOrStdout(), movedText(moved))
		},
	}
	address.add(cmd)
	cmd.Flags().StringVar(&change.Home, "to", "", "`REGION` that becomes the home")
	cmd.Flags().BoolVar(&resume, "resume", false, "bring a move to its end that was interrupted")
	cmd.Flags().BoolVar(&change.Abort, "abort", false, "go back to the old home")
	cmd.Flags().BoolVar(&change.Force, "force", false, "do without the present home, because it is dead")
	cmd.Flags().BoolVar(&change.Insist, "insist", false, "with --force: although it gives signs of life")
	return cmd
}

func movedText(m api.Moved) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s lives in %s, epoch %d", m.Namespace.Name, m.Namespace.Home, m.Namespace.Epoch)
	if m.From != m.Namespace.Home {
		fmt.Fprintf(&b, "; it came from %s with %s", m.From, counted(m.Items, "key", "keys"))
	}
	if m.FrozenMillis > 0 {
		fmt.Fprintf(&b, "; %v without writes", time.Duration(m.FrozenMillis)*time.Millisecond)
	}
	if m.WaitedMillis > 0 {
		fmt.Fprintf(&b, "; waited %v for leases", time.Duration(m.WaitedMillis)*time.Millisecond)
	}
	b.WriteByte('\n')
	if m.Lost != "" {
		fmt.Fprintf(&b, "may be lost: %s\n", m.Lost)
	}
	return b.Bytes()
}

func changeNamespace(cmd *cobra.Command, address *addressFlag, method, path string, change api.NamespaceChange, answer any) error {
	c, err := newClient(address)
	if err != nil {
		return err
	}
	body, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("the request: %w", err)
	}
	req, err := http.NewRequestWithContext(cmd.Context(), method, c.url(api.NamespacesPath+"/"+path), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("the request: %w", err)
	}
	text, _, err := c.do(req)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	return nil
}
