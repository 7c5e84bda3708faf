package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

const recordHelp = `A record is a value under a key NAMESPACE/NAME that reaches every region. It is written in this
region, which does not wait for the others, and read from what this region has. Two regions
that write one record at the same time agree on one of the writes, and keep the other one
under roster ls conflicts.
`

func newGet(address *addressFlag) *cobra.Command {
	var maxStale time.Duration
	var in string
	cmd := &cobra.Command{
		Use:   "get KEY",
		Short: "Print a record",
		Long:  "Print the value of a record.\n\n" + recordHelp + "\n" + exitCodesHelp,
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newClient(address)
			if err != nil {
				return err
			}
			path := recordPath(in, args[0])
			if cmd.Flags().Changed("max-stale") {
				path += "?max_stale=" + url.QueryEscape(maxStale.String())
			}
			value, err := c.get(cmd.Context(), path)
			if err != nil {
				return err
			}
			return printOut(cmd.OutOrStdout(), value)
		},
	}
	address.add(cmd)
	addIn(cmd, &in)
	cmd.Flags().DurationVar(&maxStale, "max-stale", 0, "refuse if writes of another region that are older than `TIME` may be missing")
	return cmd
}

func newPut(address *addressFlag) *cobra.Command {
	var file, in string
	var version int64
	cmd := &cobra.Command{
		Use:   "put KEY [VALUE]",
		Short: "Write a record",
		Long:  "Write a record: VALUE, or the content of --file, or standard input without either.\n\n" + recordHelp + "\n" + exitCodesHelp,
		Args:  usage(cobra.RangeArgs(1, 2)), //nolint:mnd // a key and a value
		RunE: func(cmd *cobra.Command, args []string) error {
			value := cmd.InOrStdin()
			switch {
			case len(args) > 1 && file != "":
				return usageError{errors.New("give a value or --file, not both")}
			case len(args) > 1:
				value = strings.NewReader(args[1])
			case file != "":
				content, err := os.ReadFile(file)
				if err != nil {
					return usageError{fmt.Errorf("--file: %w", err)}
				}
				value = bytes.NewReader(content)
			}
			return writeRecord(cmd, address, http.MethodPut, recordPath(in, args[0]), value, version)
		},
	}
	address.add(cmd)
	cmd.Flags().StringVar(&file, "file", "", "`FILE` with the value")
	addIfVersion(cmd, &version)
	addIn(cmd, &in)
	return cmd
}

func newRemove(address *addressFlag) *cobra.Command {
	var version int64
	var in string
	cmd := &cobra.Command{
		Use:   "rm KEY",
		Short: "Delete a record",
		Long:  "Delete a record, in all regions. It is no error if it is not there.\n\n" + recordHelp + "\n" + exitCodesHelp,
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeRecord(cmd, address, http.MethodDelete, recordPath(in, args[0]), http.NoBody, version)
		},
	}
	address.add(cmd)
	addIfVersion(cmd, &version)
	addIn(cmd, &in)
	return cmd
}

func addIfVersion(cmd *cobra.Command, version *int64) {
	const whatever = -1
	cmd.Flags().Int64Var(version, "if-version", whatever, "write only if the record is at this `VERSION` in this region; 0: if it is not there")
}

func addIn(cmd *cobra.Command, in *string) {
	cmd.Flags().StringVar(in, "in", "", "the key is one of this `NAMESPACE`, which lives in one region at a time")
}

// recordPath is the path of a record, or of a key of a namespace that lives in one region. The
// slash in the key of a record is part of the path.
func recordPath(in, key string) string {
	if in != "" {
		return api.NamespacesPath + "/" + url.PathEscape(in) + "/keys/" + url.PathEscape(key)
	}
	namespace, name, found := strings.Cut(key, "/")
	path := api.RecordsPath + "/" + url.PathEscape(namespace)
	if found {
		path += "/" + url.PathEscape(name)
	}
	return path
}

func writeRecord(cmd *cobra.Command, address *addressFlag, method, path string, value io.Reader, version int64) error {
	c, err := newClient(address)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(cmd.Context(), method, c.url(path), value)
	if err != nil {
		return fmt.Errorf("the request: %w", err)
	}
	if version >= 0 {
		req.Header.Set("If-Match", strconv.FormatInt(version, 10))
	}
	answer, _, err := c.do(req)
	if err != nil {
		return err
	}
	return printOut(cmd.OutOrStdout(), answer)
}
