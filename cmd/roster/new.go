package main

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/scaffold"
)

func newNew() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "new",
		Short: "Write the beginnings of something",
		Args:  usage(cobra.NoArgs),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNewPlugin())
	return cmd
}

// pluginName is what can be a name of a plugin, of a program and of a Go module alike.
var pluginName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)

func newNewPlugin() *cobra.Command {
	p := scaffold.Plugin{}
	cmd := &cobra.Command{
		Use:   "plugin NAME",
		Short: "Write a plugin that builds, has a test, and runs",
		Long: `Write a plugin into a new folder: a program, its test, its descriptor with a sandbox, and a
README that says how to build, check and run it. The program is in Go, or in Python or
JavaScript with the one file that speaks the protocol.

` + exitCodesHelp,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			p.Name = args[0]
			if !pluginName.MatchString(p.Name) {
				return usageError{fmt.Errorf("%q is no name for a plugin; begin with a letter, and use lower-case letters, digits and '-', at most 40", p.Name)}
			}
			if !slices.Contains(scaffold.Languages, p.Language) {
				return usageError{fmt.Errorf("--lang %q is none of %s", p.Language, strings.Join(scaffold.Languages, ", "))}
			}
			if p.Dir == "" {
				p.Dir = p.Name
			}
			if p.Source != "" {
				var err error
				if p.Source, err = filepath.Abs(p.Source); err != nil {
					return usageError{fmt.Errorf("--source: %w", err)}
				}
			}
			files, err := p.Write()
			if err != nil {
				return err
			}
			text := fmt.Sprintf("%s: %s\nnext: read %s\n", p.Dir, strings.Join(files, ", "), filepath.Join(p.Dir, "README.md"))
			return printOut(cmd.OutOrStdout(), []byte(text))
		},
	}
	cmd.Flags().StringVar(&p.Language, "lang", "go", "`LANGUAGE`: go, python or node")
	cmd.Flags().StringVar(&p.Dir, "dir", "", "`FOLDER` to write (default NAME)")
	cmd.Flags().StringVar(&p.Source, "source", "", "`FOLDER` with the source of Roster, to build a plugin in Go with it instead of a release")
	return cmd
}
