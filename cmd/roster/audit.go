package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/api"
)

func newAudit(address *addressFlag) *cobra.Command {
	var (
		format formatFlag
		limit  int
		follow bool
	)
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show what was done, by whom, and what was refused",
		Long: `Show the newest entries of a daemon's audit log, oldest first: each call, change and kill, and each
request that was refused. Many of the same within a minute are one entry with a count. The file itself,
which access.audit_file names, has older ones.

` + exitCodesHelp,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			if limit < 0 {
				return usageError{fmt.Errorf("--limit %d is no number of entries", limit)}
			}
			c, err := newClient(address)
			if err != nil {
				return err
			}
			path := fmt.Sprintf("%s?limit=%d", api.AuditPath, limit)
			if follow {
				return followAudit(cmd, c, path+"&follow=1", asJSON)
			}
			body, err := c.get(cmd.Context(), path)
			if err != nil {
				return err
			}
			if asJSON {
				return printOut(cmd.OutOrStdout(), body)
			}
			var audit access.Audit
			if err := json.Unmarshal(body, &audit); err != nil {
				return fmt.Errorf("the daemon's answer: %w", err)
			}
			return printAudit(cmd.OutOrStdout(), audit.Entries)
		},
	}
	address.add(cmd)
	format.add(cmd)
	cmd.Flags().IntVar(&limit, "limit", 100, "`N` entries, at most 1000")
	cmd.Flags().BoolVar(&follow, "follow", false, "go on with new entries until interrupted")
	return cmd
}

func printAudit(w io.Writer, entries []access.Entry) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "TIME\tWHO\tROLE\tACTION\tTARGET\tOUTCOME\tFROM\tWHY")
	for i := range entries {
		_, _ = fmt.Fprintln(table, strings.Join(auditColumns(&entries[i]), "\t"))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("cannot print the entries: %w", err)
	}
	return nil
}

// auditColumns are an entry for people.
func auditColumns(e *access.Entry) []string {
	who, why := e.Who, e.Why
	if who == "" {
		who = "?"
	}
	if e.Says != "" && e.Says != e.Who {
		who += " (" + e.Says + ")"
	}
	if e.Error != "" {
		why = strings.TrimPrefix(why+"; "+e.Error, "; ")
	}
	action := e.Action
	if e.Count > 0 {
		action += fmt.Sprintf(" ×%d", e.Count)
	}
	at := e.Time.Local().Format(time.DateTime) //nolint:gosmopolitan // the reader's own clock
	return []string{at, who, e.Role, action, e.Target, e.Outcome, e.From, why}
}

// followAudit prints entries as they come. With JSON they are lines, as the daemon says them.
func followAudit(cmd *cobra.Command, c *client, path string, asJSON bool) error {
	req, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, c.url(path), http.NoBody)
	if err != nil {
		return fmt.Errorf("the request: %w", err)
	}
	answer, err := c.open(req)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // nothing is left to learn from it
	lines := bufio.NewReader(answer.Body)
	for {
		line, err := lines.ReadBytes('\n')
		if cmd.Context().Err() != nil {
			return nil
		}
		if err != nil {
			return &unreachableError{c.base.String(), err}
		}
		if !asJSON {
			var e access.Entry
			if err := json.Unmarshal(line, &e); err != nil {
				return fmt.Errorf("the daemon's answer: %w", err)
			}
			line = []byte(strings.Join(auditColumns(&e), "  ") + "\n")
		}
		if err := printOut(cmd.OutOrStdout(), line); err != nil {
			return err
		}
	}
}
