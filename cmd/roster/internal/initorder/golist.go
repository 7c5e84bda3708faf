package initorder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Options say how the program is built. The environment counts as it does for the go
// command: GOFLAGS, GOOS, GOARCH, CGO_ENABLED, GOWORK.
type Options struct {
	Dir   string   // where the go command runs; "" for the working directory
	Flags []string // build flags, as -tags=x or -race
	Env   []string // more environment, as GOWORK=off
}

// A Package is what go list says of one.
type Package struct {
	ImportPath string
	Name       string
	Dir        string
	Export     string // file with what the compiler made of it
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	Deps       []string // of all packages it needs, in List
	ImportMap  map[string]string
	Standard   bool
	DepOnly    bool
	Module     *Module
	Error      *PackageError
}

// A Module is that of a package.
type Module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *Module
}

// A PackageError is why a package cannot be built.
type PackageError struct{ Err string }

const listFields = "ImportPath,Name,Dir,Export,GoFiles,CgoFiles,Imports,ImportMap,Standard,DepOnly,Module,Error"

// An Error says why an order cannot be told, and what to do.
type Error struct {
	Target string // the package or file
	Reason string
	Do     string // what to do about it
	Err    error  // what the go command or the file said; may be nil
}

func (e *Error) Error() string {
	text := e.Target + ": " + e.Reason
	if e.Err != nil {
		text += ": " + strings.TrimSpace(e.Err.Error())
	}
	if e.Do != "" {
		text += "; " + e.Do
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Go runs the go command and returns its standard output, also with an error, which has what
// it printed on standard error.
func (o Options) Go(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = o.Dir
	if o.Env != nil {
		cmd.Env = append(os.Environ(), o.Env...)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, &Error{"go", "the go command is not in PATH", "install Go, or add its bin folder to PATH", nil}
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("go %s: %w", args[0], ctx.Err())
		}
		return stdout.Bytes(), goError{strings.TrimSpace(stderr.String()), err}
	}
	return stdout.Bytes(), nil
}

// A goError is a failure of the go command in its own words.
type goError struct {
	stderr string
	err    error
}

func (e goError) Error() string {
	if e.stderr == "" {
		return e.err.Error()
	}
	return e.stderr
}

func (e goError) Unwrap() error { return e.err }

// list compiles a program and lists it after all packages it needs.
func (o Options) list(ctx context.Context, pattern string) ([]Package, error) {
	if _, err := o.Main(ctx, pattern); err != nil {
		return nil, err
	}
	args := append([]string{"list", "-export", "-deps", "-json=" + listFields}, o.Flags...)
	out, err := o.Go(ctx, append(args, "--", pattern)...)
	if err != nil {
		return nil, explain(pattern, err)
	}
	packages, err := parseList(bytes.NewReader(out))
	if err != nil {
		return nil, &Error{pattern, "go list answered what cannot be read", "", err}
	}
	return packages, nil
}

// List lists the packages that a program needs, and last the program, without compiling
// anything.
func (o Options) List(ctx context.Context, pattern string) ([]Package, error) {
	args := append([]string{"list", "-deps", "-json=" + listFields + ",Deps"}, o.Flags...)
	out, err := o.Go(ctx, append(args, "--", pattern)...)
	if err != nil {
		return nil, err
	}
	return parseList(bytes.NewReader(out))
}

// Main is the main package that a pattern means. It refuses what is no program.
func (o Options) Main(ctx context.Context, pattern string) (*Package, error) {
	args := append([]string{"list", "-find", "-json=ImportPath,Name,Dir,Module,Error"}, o.Flags...)
	out, err := o.Go(ctx, append(args, "--", pattern)...)
	if err != nil {
		return nil, explain(pattern, err)
	}
	packages, err := parseList(bytes.NewReader(out))
	switch {
	case err != nil:
		return nil, &Error{pattern, "go list answered what cannot be read", "", err}
	case len(packages) == 0:
		return nil, &Error{pattern, "no package matches", "give the folder or the import path of a main package, as ./cmd/x", nil}
	case len(packages) > 1:
		var mains []string
		for _, p := range packages {
			if p.Name == mainPackage {
				mains = append(mains, p.ImportPath)
			}
		}
		return nil, &Error{pattern, fmt.Sprintf("%d packages match, and each program has an order of its own", len(packages)),
			"give one main package" + among(mains), nil}
	case packages[0].Name != mainPackage:
		return nil, &Error{pattern, packages[0].ImportPath + " is a library (package " + packages[0].Name + ")",
			"only a program has an order: give a main package that imports it" + among(o.mains(ctx, packages[0])), nil}
	}
	return &packages[0], nil
}

// mains are the programs of the module that p is in.
func (o Options) mains(ctx context.Context, p Package) []string {
	if p.Module == nil || p.Module.Dir == "" {
		return nil
	}
	at := Options{Dir: p.Module.Dir, Flags: o.Flags}
	out, err := at.Go(ctx, "list", "-e", "-find", "-f", `{{if eq .Name "main"}}{{.ImportPath}}{{end}}`, "./...")
	if err != nil {
		return nil // it is advice only
	}
	return strings.Fields(string(out))
}

func among(mains []string) string {
	const limit = 5
	switch {
	case len(mains) == 0:
		return ""
	case len(mains) > limit:
		return fmt.Sprintf(": %s, or %d more", strings.Join(mains[:limit], ", "), len(mains)-limit)
	}
	return ": " + strings.Join(mains, ", ")
}

// causes are what the go command says and what to do about it.
var causes = []struct{ text, reason, do string }{
	{"C compiler", "it needs cgo, and there is no C compiler", "install one, or set CGO_ENABLED=0"},
	{"\"gcc\": executable file not found", "it needs cgo, and there is no C compiler", "install one, or set CGO_ENABLED=0"},
	{"build constraints exclude all Go files", "no file of the package is for this platform", "give --tags, or set GOOS, GOARCH or CGO_ENABLED"},
	{"dial tcp", "a module cannot be fetched", "check the network and GOPROXY, or run go mod download where there is one"},
	{"module lookup disabled", "a module is not in the module cache", "GOPROXY is off: run go mod download with a network first"},
	{"no required module provides", "no module of go.mod has it", "run go get for it, or start in the folder of its module"},
	{"is not in std", "there is no such package", "write ./ before a folder"},
	{"directory not found", "there is no such folder", ""},
	{"cannot find package", "there is no such package", ""},
	{"go.mod file not found", "this is no module", "start in the folder of a module"},
	{"cannot find main module", "this is no module", "start in the folder of a module"},
	{"missing go.sum entry", "go.sum lacks a module", "run go mod tidy"},
	{"updates to go.mod needed", "go.mod is out of date", "run go mod tidy"},
	{"no Go files in", "there is no Go package in the folder", ""},
}

// explain says what an error of the go command means.
func explain(target string, err error) error {
	var own *Error
	if errors.As(err, &own) || errors.Is(err, context.Canceled) {
		return err
	}
	for _, c := range causes {
		if strings.Contains(err.Error(), c.text) {
			return &Error{target, c.reason, c.do, err}
		}
	}
	return &Error{target, "it does not build", "", err}
}

// parseList reads the objects that go list -json prints.
func parseList(r io.Reader) ([]Package, error) {
	var packages []Package
	for d := json.NewDecoder(r); ; {
		var p Package
		switch err := d.Decode(&p); { //nolint:musttag // the go command has the names of the fields
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("package %d: %w", len(packages)+1, err)
		}
		if p.Error != nil && p.Error.Err != "" {
			return nil, fmt.Errorf("%s: %s", p.ImportPath, p.Error.Err)
		}
		packages = append(packages, p)
	}
}
