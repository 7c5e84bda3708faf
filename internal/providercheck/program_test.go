package providercheck

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// batch is how many programs are built at once: enough to load their packages once, few
// enough for the disk.
const batch = 16

// ldflags leave out what only a debugger reads, and let the probe of the time zones see a
// variable of package time.
const ldflags = "-s -w -checklinkname=0"

// A workshop is a throwaway module in which programs are built.
type workshop struct {
	dir  string
	flag string // for GOFLAGS: whether the go command may complete go.mod and go.sum
}

// newWorkshop makes one that requires the modules at their pinned versions.
func newWorkshop(dir string, pinned versions, modules ...string) (*workshop, error) {
	var mod strings.Builder
	mod.WriteString("module workshop\n\ngo 1.26.0\n\nrequire (\n")
	for _, module := range modules {
		if module != stdlib {
			fmt.Fprintf(&mod, "\t%s %s\n", module, pinned[module])
		}
	}
	mod.WriteString(")\n")
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(mod.String()), 0o600); err != nil {
		return nil, fmt.Errorf("make a module: %w", err)
	}
	return &workshop{dir: dir, flag: "-mod=mod"}, nil
}

// newPinnedWorkshop makes one with the requirements and checksums of this module itself, so
// that nothing has to be asked of the network but what go.sum knows.
func newPinnedWorkshop(ctx context.Context, dir string) (*workshop, error) {
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("copy the pinned versions: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return nil, fmt.Errorf("copy the pinned versions: %w", err)
		}
	}
	w := &workshop{dir: dir, flag: "-mod=readonly"}
	_, err := w.goCommand(ctx, "mod", "edit", "-droprequire="+ownModule, "-dropreplace="+ownModule)
	return w, err
}

// goCommand runs the go command in the workshop, which knows no other module of the machine.
func (w *workshop) goCommand(ctx context.Context, args ...string) (stdout []byte, err error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS="+w.flag)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err = cmd.Output()
	if err != nil {
		return stdout, fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return stdout, nil
}

// A program prints what a registry holds after one import, or after none.
type program struct {
	registry string
	path     string // the package to import, or ""
}

// ask builds and runs the programs and returns what each printed, which are the names in its
// registry. A registry that cannot list its names is asked for those in candidates.
func (w *workshop) ask(ctx context.Context, programs []program, candidates map[string][]string) (map[program][]string, error) {
	seen := make(map[program][]string, len(programs))
	for part := range slices.Chunk(programs, batch) {
		answers, err := w.askBatch(ctx, part, candidates)
		if err != nil {
			return nil, err
		}
		maps.Copy(seen, answers)
	}
	return seen, nil
}

func (w *workshop) askBatch(ctx context.Context, programs []program, candidates map[string][]string) (map[program][]string, error) {
	root := filepath.Join(w.dir, "programs")
	bin := filepath.Join(w.dir, "bin")
	defer func() { _ = os.RemoveAll(root); _ = os.RemoveAll(bin) }()
	for i, p := range programs {
		if err := p.write(filepath.Join(root, programName(i))); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(bin, 0o700); err != nil {
		return nil, fmt.Errorf("make a folder for programs: %w", err)
	}
	if _, err := w.goCommand(ctx, "build", "-ldflags="+ldflags, "-o", bin+string(filepath.Separator), "./programs/..."); err != nil {
		return nil, err
	}
	seen := make(map[program][]string, len(programs))
	for i, p := range programs {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, programName(i)))
		cmd.Stdin = strings.NewReader(strings.Join(candidates[p.registry], "\n"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdout, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("run the program for %s with %q: %w\n%s", p.registry, p.path, err, stderr.Bytes())
		}
		seen[p] = strings.FieldsFunc(string(stdout), func(r rune) bool { return r == '\n' })
	}
	return seen, nil
}

func programName(i int) string { return fmt.Sprintf("p%03d", i) }

// write lays out the program's files in dir.
func (p program) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write a program: %w", err)
	}
	for name, from := range map[string]string{
		"main.go":  filepath.Join("testdata", "main.go"),
		"probe.go": filepath.Join("testdata", "probes", p.registry, "probe.go"),
	} {
		data, err := os.ReadFile(from)
		if err != nil {
			return fmt.Errorf("write a program: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return fmt.Errorf("write a program: %w", err)
		}
	}
	if p.path == "" {
		return nil
	}
	source := fmt.Sprintf("package main\n\nimport _ %q\n", p.path)
	if err := os.WriteFile(filepath.Join(dir, "provider.go"), []byte(source), 0o600); err != nil {
		return fmt.Errorf("write a program: %w", err)
	}
	return nil
}

// dependencies lists what each of the packages imports, directly or not.
func (w *workshop) dependencies(ctx context.Context, paths []string) (map[string][]string, error) {
	out, err := w.goCommand(ctx, append([]string{"list", "-f", `{{.ImportPath}} {{join .Deps " "}}`}, paths...)...)
	if err != nil {
		return nil, err
	}
	deps := make(map[string][]string, len(paths))
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		deps[fields[0]] = fields[1:]
	}
	return deps, nil
}
