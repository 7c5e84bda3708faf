package compose

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/roster-go/roster/cmd/roster/internal/initorder"
)

// A Request is what to build.
type Request struct {
	Host      string // a main package: its folder, its import path, or import/path@version
	Dir       string // where Host and the folders of providers are looked for; "" for the working directory
	Providers []Provider
	Tags      string // build tags, with commas between them
	Keep      string // a folder for what is generated; "" for one that Close removes

	// AcceptClashes makes notes of names that two packages register.
	AcceptClashes bool
}

// A Plan is a build that was checked and can start.
type Plan struct {
	Host          string   // the import path of the main package
	Generated     string   // the text of the generated file
	GoMod         string   // the text of the go.mod that the build uses
	Notes         []string // what is worth knowing and no reason to stop
	Registrations []initorder.Registration

	request  Request
	host     *initorder.Package
	remote   bool   // the host was downloaded
	work     string // the folder with what is generated
	file     string // where the generated file seems to be, in the folder of the host
	packages []initorder.Package
	before   map[string]string // version of each module the host alone has
}

// Prepare generates what the build needs, resolves the modules of the providers, and
// looks for what clashes. It compiles nothing. Close the plan to remove what was written;
// it is nil if there is an error.
func Prepare(ctx context.Context, r Request) (*Plan, error) {
	p := &Plan{request: r}
	p.request.Providers = slices.Clone(r.Providers)
	if err := p.prepare(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// findHost looks for the main package, and downloads it if it is given with a version.
func (p *Plan) findHost(ctx context.Context) error {
	at := initorder.Options{Dir: p.request.Dir, Flags: tagFlags(p.request.Tags)}
	target := p.request.Host
	if pkg, version, ok := remoteHost(target); ok {
		folder, err := p.fetchHost(ctx, pkg, version)
		if err != nil {
			return err
		}
		// Without the workspace of whoever builds, or one that the module happens to have.
		at.Dir, at.Env, target, p.remote = folder, []string{"GOWORK=off"}, ".", true
	}
	host, err := at.Main(ctx, target)
	if err != nil {
		return err
	}
	p.host, p.Host = host, host.ImportPath
	if host.Module == nil || host.Module.Dir == "" {
		return fail(host.ImportPath, "it is in no module", "roster builds hosts that have a go.mod", nil)
	}
	if !host.Module.Main {
		return fail(host.ImportPath, "it is in another module than the one of the folder",
			"give it with a version, as "+host.ImportPath+"@"+cmp.Or(host.Module.Version, "latest")+", or start in its folder", nil)
	}
	return nil
}

func (p *Plan) prepare(ctx context.Context) error {
	if err := p.makeWork(); err != nil {
		return err
	}
	if err := p.findHost(ctx); err != nil {
		return err
	}
	if err := p.writeModFile(ctx); err != nil {
		return err
	}
	if err := p.require(ctx); err != nil {
		return err
	}
	if err := p.writeGenerated(nil); err != nil {
		return err
	}
	packages, err := p.options().List(ctx, ".")
	if err != nil {
		return p.translate(err)
	}
	p.packages = packages
	p.showGenerated()
	if err := p.checkVersions(ctx); err != nil {
		return err
	}
	registers := p.readRegistrations()
	if err := p.checkNames(); err != nil {
		return err
	}
	if err := p.writeGenerated(registers); err != nil {
		return err
	}
	text, err := os.ReadFile(p.modFile())
	if err != nil {
		return fmt.Errorf("read the go.mod of the build: %w", err)
	}
	p.GoMod = string(text)
	return nil
}

// Build compiles and links the program.
func (p *Plan) Build(ctx context.Context, output string) error {
	if !filepath.IsAbs(output) {
		output = filepath.Join(p.request.Dir, output)
	}
	output, err := filepath.Abs(output)
	if err != nil {
		return fmt.Errorf("the output: %w", err)
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", output}
	if _, err := p.options().Go(ctx, append(append(args, p.options().Flags...), ".")...); err != nil {
		return p.translate(err)
	}
	return nil
}

// Close removes what was generated, unless it is to be kept.
func (p *Plan) Close() error {
	if p.work == "" || p.request.Keep != "" {
		return nil
	}
	if err := os.RemoveAll(p.work); err != nil {
		return fmt.Errorf("remove what was generated: %w", err)
	}
	return nil
}

// options run the go command on the host with what was generated.
func (p *Plan) options() initorder.Options {
	o := p.modOptions()
	o.Flags = append(o.Flags, "-overlay="+p.overlayFile())
	return o
}

// modOptions run the go command on the host with the go.mod of the build. A workspace would
// exclude it; what it says is in there.
func (p *Plan) modOptions() initorder.Options {
	return initorder.Options{
		Dir:   p.host.Dir,
		Flags: append([]string{"-modfile=" + p.modFile(), "-mod=mod"}, tagFlags(p.request.Tags)...),
		Env:   []string{"GOWORK=off"},
	}
}

func tagFlags(tags string) []string {
	if tags == "" {
		return nil
	}
	return []string{"-tags=" + tags}
}

func (p *Plan) modFile() string     { return filepath.Join(p.work, "go.mod") }
func (p *Plan) overlayFile() string { return filepath.Join(p.work, "overlay.json") }

// makeWork makes the folder for what is generated.
func (p *Plan) makeWork() error {
	if p.request.Keep != "" {
		dir := p.request.Keep
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(p.request.Dir, dir)
		}
		dir, err := filepath.Abs(dir)
		if err == nil {
			err = os.MkdirAll(dir, 0o750)
		}
		if err == nil {
			err = emptyOrOurs(dir)
		}
		if err == nil { // first, so that the folder is known to be ours even if the build fails
			err = os.WriteFile(filepath.Join(dir, generatedFile), []byte("package main\n"), 0o600)
		}
		if err != nil {
			return fmt.Errorf("the folder to keep: %w", err)
		}
		p.work = dir
		return nil
	}
	dir, err := os.MkdirTemp("", "roster-build-")
	if err != nil {
		return fmt.Errorf("a folder for what is generated: %w", err)
	}
	p.work = dir
	return nil
}

// emptyOrOurs refuses a folder with files of others, which would be overwritten.
func emptyOrOurs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err //nolint:wrapcheck // it names the folder
	}
	ours := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == generatedFile })
	if len(entries) > 0 && !ours {
		return fail(dir, "it is not empty, and not of an earlier build", "give a new one, or empty it", nil)
	}
	return nil
}

// writeGenerated writes the file of imports, and the overlay that puts it into the host.
func (p *Plan) writeGenerated(registers map[string][]string) error {
	p.Generated = generate(p.Host, p.request.Providers, registers)
	source := filepath.Join(p.work, generatedFile)
	if err := os.WriteFile(source, []byte(p.Generated), 0o600); err != nil {
		return fmt.Errorf("write the generated file: %w", err)
	}
	p.file = filepath.Join(p.host.Dir, generatedFile)
	for n := 2; ; n++ {
		if _, err := os.Lstat(p.file); errors.Is(err, os.ErrNotExist) {
			break
		}
		p.file = filepath.Join(p.host.Dir, strings.TrimSuffix(generatedFile, ".go")+strconv.Itoa(n)+".go")
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {p.file: source}})
	if err != nil {
		return fmt.Errorf("write the overlay: %w", err)
	}
	if err := os.WriteFile(p.overlayFile(), overlay, 0o600); err != nil {
		return fmt.Errorf("write the overlay: %w", err)
	}
	return nil
}

// showGenerated lets the main package have the generated file where it is.
func (p *Plan) showGenerated() {
	main := &p.packages[len(p.packages)-1]
	for i, name := range main.GoFiles {
		if name == filepath.Base(p.file) {
			main.GoFiles[i] = filepath.Join(p.work, generatedFile)
		}
	}
}

// readRegistrations finds what the program registers, and what each provider does.
func (p *Plan) readRegistrations() map[string][]string {
	found := initorder.Registrations(p.packages)
	for _, path := range slices.Sorted(maps.Keys(found)) {
		p.Registrations = append(p.Registrations, found[path]...)
	}
	registers := map[string][]string{}
	for _, provider := range p.request.Providers {
		var what []string
		for _, r := range found[provider.Path] {
			if r.Name == "" {
				what = append(what, "a name that only the running program knows in "+r.Registry)
			} else {
				what = append(what, fmt.Sprintf("%q in %s", r.Name, r.Registry))
			}
		}
		if len(what) == 0 {
			p.Notes = append(p.Notes, provider.Path+" itself registers nothing that its sources show: "+
				"import the package that does, if it is another one")
		}
		registers[provider.Path] = what
	}
	return registers
}
