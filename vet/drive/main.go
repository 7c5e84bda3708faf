package drive

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/roster-go/roster/vet"
)

// Exit codes, see the package.
const (
	ExitClean = 0
	ExitFound = 1
	ExitUsage = 2
)

// Options say what Run looks at and how it reports.
type Options struct {
	Dir           string   // where the patterns are read; the working directory if empty
	Patterns      []string // of packages, as the go command takes them; "./..." if empty
	Tags          string   // build tags, separated by commas
	Only          []string // the analyzers to use; all if empty
	Advice        bool     // also what is advice rather than a mistake: globalregistry
	Format        string   // "text", "json" or "sarif"
	Fix           bool     // apply fixes
	Baseline      string   // file with findings of old code; none if empty
	WriteBaseline bool     // write what is found to Baseline instead of reporting it
}

// Main runs the command roster-vet with its arguments and returns its exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return ExitClean
	}
	if err != nil {
		return ExitUsage
	}
	left, err := Run(ctx, opts, stdout, stderr)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "roster-vet: "+err.Error())
		return ExitUsage
	}
	if left > 0 {
		return ExitFound
	}
	return ExitClean
}

func parse(args []string, stderr io.Writer) (Options, error) {
	var (
		opts Options
		only string
	)
	set := flag.NewFlagSet("roster-vet", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&opts.Dir, "C", "", "change to `dir` first")
	set.StringVar(&opts.Tags, "tags", "", "build `tags`, separated by commas")
	set.StringVar(&only, "only", "", "use only these `analyzers`, separated by commas")
	set.BoolVar(&opts.Advice, "advice", false, "also give advice that is a matter of design (globalregistry)")
	set.StringVar(&opts.Format, "format", "text", "`format` of the report: text, json or sarif")
	set.BoolVar(&opts.Fix, "fix", false, "apply the fixes that are safe, and report what is left")
	set.StringVar(&opts.Baseline, "baseline", "", "do not report the findings in this `file`")
	set.BoolVar(&opts.WriteBaseline, "write-baseline", false, "write what is found to the file of -baseline")
	set.Usage = func() {
		_, _ = fmt.Fprintf(stderr, "usage: roster-vet [flags] [packages]\n\nFlags:\n")
		set.PrintDefaults()
		_, _ = fmt.Fprintf(stderr, "\nAnalyzers:\n")
		for _, a := range vet.Analyzers() {
			first, _, _ := strings.Cut(a.Doc, "\n")
			_, _ = fmt.Fprintf(stderr, "  %s\n", first)
		}
		_, _ = fmt.Fprintf(stderr, "\nExit codes: 0 nothing found, 1 something found, 2 wrong use or packages that cannot be loaded\n")
	}
	if err := set.Parse(args); err != nil {
		return Options{}, err //nolint:wrapcheck // the flag set has printed it
	}
	if only != "" {
		opts.Only = strings.Split(only, ",")
	}
	opts.Patterns = set.Args()
	return opts, nil
}

// Check says what cannot be done with the options.
func (o *Options) Check() error {
	if !slices.Contains([]string{"text", "json", "sarif"}, o.Format) {
		return fmt.Errorf("format %q is not text, json or sarif", o.Format)
	}
	if o.WriteBaseline && o.Baseline == "" {
		return errors.New("to write a baseline, name its file")
	}
	if o.WriteBaseline && o.Fix {
		return errors.New("write the baseline after the fixes, in a run of its own")
	}
	for _, name := range o.Only {
		known := false
		for _, a := range vet.Analyzers() {
			known = known || a.Name == name
		}
		if !known {
			return fmt.Errorf("there is no analyzer %q", name)
		}
	}
	return nil
}

// Run analyses packages, writes the report to stdout and returns how many findings are left. An error
// says that the options or the packages cannot be used; what was found nevertheless is reported.
func Run(ctx context.Context, opts Options, stdout, stderr io.Writer) (left int, err error) {
	if err := opts.Check(); err != nil {
		return 0, err
	}
	if opts.Dir == "" {
		opts.Dir = "."
	}
	if opts.Dir, err = filepath.Abs(opts.Dir); err != nil {
		return 0, fmt.Errorf("find the folder: %w", err)
	}
	known, err := readBaseline(opts)
	if err != nil {
		return 0, err
	}
	findings, failed := analyse(ctx, opts)
	if opts.WriteBaseline {
		if failed != nil {
			return 0, failed
		}
		return 0, writeBaseline(opts, findings, stderr)
	}
	fresh, stale := known.filter(findings)
	if opts.Fix && failed == nil && fixable(fresh) {
		if err := fix(opts.Dir, fresh, stderr); err != nil {
			return 0, err
		}
		findings, failed = analyse(ctx, opts)
		fresh, stale = known.filter(findings)
	}
	if stale > 0 && failed == nil {
		_, _ = fmt.Fprintf(stderr, "%s: %d of its findings are gone: write it again\n", opts.Baseline, stale)
	}
	if err := report(opts, fresh, stdout); err != nil {
		return 0, err
	}
	return len(fresh), failed
}

// analyse has go vet run this program over the packages.
func analyse(ctx context.Context, opts Options) ([]Finding, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program that runs: %w", err)
	}
	args := []string{"vet", "-vettool=" + self, "-json"}
	if opts.Tags != "" {
		args = append(args, "-tags="+opts.Tags)
	}
	if opts.Advice {
		args = append(args, "-"+vet.GlobalRegistry.Name+".advice")
	}
	args = append(args, "--")
	if len(opts.Patterns) == 0 {
		args = append(args, "./...")
	}
	args = append(args, opts.Patterns...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = opts.Dir
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	failed := cmd.Run()
	findings, err := readFindings(&out, opts.Dir)
	if err != nil {
		return nil, err
	}
	if len(opts.Only) > 0 {
		findings = slices.DeleteFunc(findings, func(f Finding) bool { return !slices.Contains(opts.Only, f.Analyzer) })
	}
	if failed != nil {
		if text := strings.TrimSpace(errs.String()); text != "" {
			return findings, errors.New(text)
		}
		return findings, fmt.Errorf("go vet: %w", failed)
	}
	return findings, nil
}
