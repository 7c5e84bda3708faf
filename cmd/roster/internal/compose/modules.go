package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A goMod is what go mod edit -json and go work edit -json print, as far as it is used.
type goMod struct {
	Module  struct{ Path string }
	Use     []struct{ DiskPath string }
	Replace []struct{ Old struct{ Path string } }
}

// writeModFile copies the host's go.mod and go.sum. What a workspace adds becomes replace
// lines, as the workspace has no part in the build.
func (p *Plan) writeModFile(ctx context.Context) error {
	root := p.host.Module.Dir
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return fmt.Errorf("the host's go.mod: %w", err)
	}
	if err := os.WriteFile(p.modFile(), text, 0o600); err != nil {
		return fmt.Errorf("write the go.mod of the build: %w", err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the host's go.sum: %w", err)
	}
	if err := os.WriteFile(strings.TrimSuffix(p.modFile(), ".mod")+".sum", sum, 0o600); err != nil {
		return fmt.Errorf("write the go.sum of the build: %w", err)
	}
	if !p.remote {
		if err := p.addWorkspace(ctx, root); err != nil {
			return err
		}
	}
	p.before, err = p.versions(ctx)
	if err != nil {
		return p.translate(err)
	}
	return nil
}

// addWorkspace replaces the other modules of the host's workspace by their folders.
func (p *Plan) addWorkspace(ctx context.Context, root string) error {
	at := p.modOptions()
	at.Env, at.Dir = nil, root
	out, err := at.Go(ctx, "env", "GOWORK")
	if err != nil {
		return fmt.Errorf("go env GOWORK: %w", err)
	}
	workspace := strings.TrimSpace(string(out))
	if workspace == "" || workspace == "off" {
		return nil
	}
	work, err := p.parse(ctx, "work", workspace)
	if err != nil {
		return err
	}
	own, err := p.parse(ctx, "mod", p.modFile())
	if err != nil {
		return err
	}
	replaced := map[string]bool{own.Module.Path: true}
	for _, r := range own.Replace {
		replaced[r.Old.Path] = true
	}
	for _, use := range work.Use {
		dir := use.DiskPath
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(filepath.Dir(workspace), dir)
		}
		other, err := p.parse(ctx, "mod", filepath.Join(dir, "go.mod"))
		if err != nil {
			return err
		}
		if replaced[other.Module.Path] {
			continue
		}
		if err := p.replace(ctx, other.Module.Path, dir); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a go.mod or, as kind says, a go.work.
func (p *Plan) parse(ctx context.Context, kind, file string) (*goMod, error) {
	out, err := p.modOptions().Go(ctx, kind, "edit", "-json", file)
	if err != nil {
		return nil, fail(file, "it cannot be read", "", err)
	}
	var parsed goMod
	if err := json.Unmarshal(out, &parsed); err != nil { //nolint:musttag // the go command has the names of the fields
		return nil, fail(file, "it cannot be read", "", err)
	}
	return &parsed, nil
}

// replace takes a module from a folder. The path is relative to the host, so that the same
// trees elsewhere give the same program.
func (p *Plan) replace(ctx context.Context, module, dir string) error {
	relative, err := filepath.Rel(p.host.Module.Dir, dir)
	if err != nil { // on another volume
		relative = dir
	} else if !strings.HasPrefix(relative, "..") {
		relative = "./" + relative
	}
	if _, err := p.modOptions().Go(ctx, "mod", "edit", "-replace="+module+"="+filepath.ToSlash(relative), p.modFile()); err != nil {
		return fmt.Errorf("replace %s: %w", module, err)
	}
	return nil
}

// require adds the modules of the providers.
func (p *Plan) require(ctx context.Context) error {
	var queries []string
	for i := range p.request.Providers {
		provider := &p.request.Providers[i]
		switch {
		case provider.Local != "":
			if err := p.requireLocal(ctx, provider); err != nil {
				return err
			}
		case !p.hasPackage(provider):
			queries = append(queries, provider.query())
		}
	}
	if len(queries) == 0 {
		return nil
	}
	// All at once, so that the go command sees which of them exclude each other.
	args := append([]string{"get", "-modfile=" + p.modFile()}, queries...)
	if _, err := p.modOptions().Go(ctx, args...); err != nil {
		return p.translate(err)
	}
	return nil
}

// hasPackage reports whether a provider is in a module that the host has anyway, and no
// version is asked for.
func (p *Plan) hasPackage(provider *Provider) bool {
	return provider.Version == "" && moduleOf(provider.Path, p.before) != ""
}

// requireLocal takes a provider's module from its folder.
func (p *Plan) requireLocal(ctx context.Context, provider *Provider) error {
	dir := provider.Local
	if !filepath.IsAbs(dir) {
		base, err := filepath.Abs(p.request.Dir)
		if err != nil {
			return fmt.Errorf("the folder of %s: %w", provider.Path, err)
		}
		dir = filepath.Join(base, dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return fail(provider.String(), "the folder has no go.mod", "give the folder of the module", nil)
	}
	parsed, err := p.parse(ctx, "mod", filepath.Join(dir, "go.mod"))
	if err != nil {
		return err
	}
	module := parsed.Module.Path
	if provider.Path != module && !strings.HasPrefix(provider.Path, module+"/") {
		return fail(provider.String(), "the folder has the module "+module, "write "+module+"="+provider.Local, nil)
	}
	version := provider.Version
	if version == "" { // what the go command writes for a module that is replaced
		version = "v0"
		if major := majorOf(module); major != "" {
			version = major
		}
		version += ".0.0-00010101000000-000000000000"
	}
	if _, err := p.modOptions().Go(ctx, "mod", "edit", "-require="+module+"@"+version, p.modFile()); err != nil {
		return fail(provider.String(), "it cannot be required", "", err)
	}
	return p.replace(ctx, module, dir)
}

// versions are those of all modules of the build.
func (p *Plan) versions(ctx context.Context) (map[string]string, error) {
	args := append([]string{"list", "-m", "-json"}, p.modOptions().Flags...)
	out, err := p.modOptions().Go(ctx, append(args, "all")...)
	if err != nil {
		return nil, err
	}
	versions := map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m struct{ Path, Version string }
		switch err := d.Decode(&m); { //nolint:musttag // the go command has the names of the fields
		case errors.Is(err, io.EOF):
			return versions, nil
		case err != nil:
			return nil, fmt.Errorf("go list -m: %w", err)
		}
		versions[m.Path] = m.Version
	}
}
