package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/roster-go/roster/cmd/roster/internal/compose"
)

// buildFlags are those of roster build.
type buildFlags struct {
	with   []string
	from   string
	output string
	dryRun bool
	ask    compose.Request
}

func newBuild() *cobra.Command {
	var flags buildFlags
	cmd := &cobra.Command{
		Use:   "build [HOST]",
		Short: "Build a program from a host and the providers that it shall have linked in",
		Long: `Build a Go program from HOST, a main package, with more packages linked in for their side
effect. One generated file with blank imports is added to main by an overlay, and the modules of
the providers to a copy of go.mod; nothing in the folder of the host changes. Before anything is
compiled, two packages that register one name, and versions that are not those asked for, are
refused, and both sides are printed.

  roster build ./cmd/shop --with github.com/lib/pq@v1.12.3 -o shop
  roster build ./cmd/shop --with example.com/audit=../audit -o shop
  roster build example.com/shop/cmd/shop@v1.4.0 --with github.com/lib/pq@v1.12.3
  roster build --from shop.yaml -o shop

A file for --from has a part "build" and may be the program's own config:

  database: {driver: postgres}
  build:
    host: ./cmd/shop                       # a folder is relative to the file; or path@version
    use:
      sql-drivers: $.database.driver       # a path into this file, a name, or a list of both
      image-formats: [png, webp]
    providers:                             # by registry and name, before the known ones
      sql-drivers: {memory: example.com/memory=./memory}
    versions: {github.com/lib/pq: v1.12.3} # of modules of known providers

The same sources give the same bytes, in whatever folder: -trimpath and -buildvcs=false are set.
GOFLAGS, GOOS, CGO_ENABLED and the like count.

` + exitCodesHelp,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				flags.ask.Host = args[0]
			}
			return flags.run(cmd)
		},
	}
	cmd.Flags().StringArrayVar(&flags.with, "with", nil, "`PROVIDER` to link in: path[@version][=./folder]; may be repeated")
	cmd.Flags().StringVar(&flags.from, "from", "", "`FILE` in YAML that names the host and the providers")
	cmd.Flags().StringVarP(&flags.output, "output", "o", "", "`FILE` to write (default the last part of HOST's import path)")
	cmd.Flags().StringVar(&flags.ask.Tags, "tags", "", "build `TAGS`, with commas between them")
	cmd.Flags().StringVar(&flags.ask.Keep, "keep", "", "`FOLDER` to keep the generated file, go.mod and overlay in")
	cmd.Flags().BoolVar(&flags.ask.AcceptClashes, "accept-clashes", false, "build although two packages register one name")
	cmd.Flags().BoolVar(&flags.dryRun, "dry-run", false, "print the generated file and go.mod, and build nothing")
	return cmd
}

func (f *buildFlags) run(cmd *cobra.Command) error {
	if err := f.readRequest(); err != nil {
		return usageError{err}
	}
	plan, err := compose.Prepare(cmd.Context(), f.ask)
	if err != nil {
		return err
	}
	return errors.Join(f.build(cmd, plan), plan.Close())
}

// readRequest adds what --from and --with say.
func (f *buildFlags) readRequest() error {
	if f.from != "" {
		text, err := os.ReadFile(f.from)
		if err != nil {
			return fmt.Errorf("--from: %w", err)
		}
		host, linked, err := compose.ReadConfig(f.from, text)
		if err != nil {
			return err
		}
		if f.ask.Host == "" {
			f.ask.Host = host
		}
		f.ask.Providers = append(f.ask.Providers, linked...)
	}
	for _, text := range f.with {
		p, err := compose.ParseProvider(text)
		if err != nil {
			return fmt.Errorf("--with: %w", err)
		}
		f.ask.Providers = append(f.ask.Providers, p)
	}
	if f.ask.Host == "" {
		return errors.New("there is no HOST: give the folder of a main package, as ./cmd/x, or build.host in the file for --from")
	}
	return nil
}

func (f *buildFlags) build(cmd *cobra.Command, plan *compose.Plan) error {
	for _, note := range plan.Notes {
		if _, err := fmt.Fprintln(cmd.ErrOrStderr(), "note: "+note); err != nil {
			return fmt.Errorf("standard error: %w", err)
		}
	}
	if f.dryRun {
		return printOut(cmd.OutOrStdout(), fmt.Appendf(nil, "%s\n-- go.mod --\n%s", plan.Generated, plan.GoMod))
	}
	output, err := f.compile(cmd.Context(), plan)
	if err != nil {
		return err
	}
	return printOut(cmd.OutOrStdout(), []byte("built "+output+"\n"))
}

func (f *buildFlags) compile(ctx context.Context, plan *compose.Plan) (string, error) {
	output := f.output
	if output == "" {
		output = path.Base(plan.Host)
		if goos := os.Getenv("GOOS"); goos == "windows" || goos == "" && runtime.GOOS == "windows" {
			output += ".exe"
		}
	}
	return output, plan.Build(ctx, output)
}
