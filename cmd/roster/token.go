package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/daemon"
)

const tokensHelp = `The file has the hashes of tokens, and only its owner may read it. A daemon reads it with roster up
--tokens FILE, and looks at it on each request, so that a change counts at once. These commands
work on the file and need no daemon.
`

// tokensFlag says which file of tokens.
type tokensFlag struct{ path string }

func (f *tokensFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.path, "tokens", "", "`FILE` of the tokens (default tokens.json below $XDG_STATE_HOME/roster)")
}

func (f *tokensFlag) get() (string, error) {
	if f.path != "" {
		return f.path, nil
	}
	dir, err := daemon.StateDir()
	if err != nil {
		return "", usageError{fmt.Errorf("no default for --tokens, since %w", err)}
	}
	return filepath.Join(dir, "tokens.json"), nil
}

func newToken() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke tokens of a daemon",
		Long:  "Make, list and revoke tokens, by which a daemon knows who asks.\n\n" + tokensHelp,
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenNew(), newTokenList(), newTokenRevoke())
	return cmd
}

func newTokenNew() *cobra.Command {
	var (
		file       tokensFlag
		name, role string
		lasts      time.Duration
	)
	cmd := &cobra.Command{
		Use:   "new --name NAME --role ROLE",
		Short: "Make a token",
		Long: `Make a token and print it on standard output. It is printed this once and kept nowhere: the file
has its hash. Roles are read (lists, pages, metrics), operate (that, and calls and changes) and
kill (that, and kills).

` + tokensHelp + "\n" + exitCodesHelp,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if name == "" || role == "" {
				return usageError{errors.New("token new needs --name NAME and --role read, operate or kill")}
			}
			parsed, err := access.ParseRole(role)
			if err != nil {
				return usageError{fmt.Errorf("--role: %w", err)}
			}
			if lasts < 0 {
				return usageError{fmt.Errorf("--expires %v is over already", lasts)}
			}
			path, err := file.get()
			if err != nil {
				return err
			}
			now := time.Now()
			var expires time.Time
			if lasts > 0 {
				expires = now.Add(lasts)
			}
			text, made, err := access.NewToken(path, name, parsed, now, expires)
			if err != nil {
				return usageError{err}
			}
			_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "token %s of %s with the role %s is in %s; a daemon reads it with roster up --tokens %s\n",
				made.ID, made.Name, made.Role, path, path)
			return printOut(cmd.OutOrStdout(), []byte(text+"\n"))
		},
	}
	file.add(cmd)
	cmd.Flags().StringVar(&name, "name", "", "`NAME` of who uses it, as the audit log has it")
	cmd.Flags().StringVar(&role, "role", "", "`ROLE`: read, operate or kill")
	cmd.Flags().DurationVar(&lasts, "expires", 0, "`TIME` after which it is no good any more, such as 720h (default never)")
	return cmd
}

func newTokenList() *cobra.Command {
	var (
		file   tokensFlag
		format formatFlag
	)
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the tokens of a file",
		Long:  "List the tokens of a file, without what would let anybody use them.\n\n" + tokensHelp + "\n" + exitCodesHelp,
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			asJSON, err := format.json()
			if err != nil {
				return err
			}
			path, err := file.get()
			if err != nil {
				return err
			}
			tokens, err := access.ReadTokens(path)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return usageError{err}
			}
			list := struct {
				Tokens []access.Token `json:"tokens"`
			}{[]access.Token{}}
			for _, t := range tokens {
				t.SHA256 = ""
				list.Tokens = append(list.Tokens, t)
			}
			if asJSON {
				text, err := json.Marshal(list)
				if err != nil {
					return fmt.Errorf("the tokens: %w", err)
				}
				return printOut(cmd.OutOrStdout(), append(text, '\n'))
			}
			w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			_, _ = fmt.Fprintln(w, "ID\tNAME\tROLE\tCREATED\tEXPIRES")
			for _, t := range list.Tokens {
				expires := "never"
				if !t.Expires.IsZero() {
					expires = t.Expires.Format(time.RFC3339)
				}
				if t.Expired(time.Now()) {
					expires += " (over)"
				}
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, t.Role, t.Created.Format(time.RFC3339), expires)
			}
			if err := w.Flush(); err != nil {
				return fmt.Errorf("cannot print the tokens: %w", err)
			}
			return nil
		},
	}
	file.add(cmd)
	format.add(cmd)
	return cmd
}

func newTokenRevoke() *cobra.Command {
	var file tokensFlag
	cmd := &cobra.Command{
		Use:   "revoke ID|NAME",
		Short: "Revoke a token",
		Long: `Take a token out of the file. It is no good from the next request on, and browsers that signed in
with it are signed out.

` + tokensHelp + "\n" + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			path, err := file.get()
			if err != nil {
				return err
			}
			revoked, err := access.RevokeToken(path, args[0])
			if errors.Is(err, access.ErrNoToken) {
				return &notThereError{fmt.Errorf("%q in %s: %w", args[0], path, err)}
			}
			if err != nil {
				return usageError{err}
			}
			return printOut(cmd.OutOrStdout(), fmt.Appendf(nil, "token %s of %s is revoked\n", revoked.ID, revoked.Name))
		},
	}
	file.add(cmd)
	return cmd
}

// A notThereError reports something that a file does not have.
type notThereError struct{ error }

func (e *notThereError) Unwrap() error { return e.error }
