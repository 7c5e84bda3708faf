package compose

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/roster-go/roster/cmd/roster/internal/initorder"
)

// An Error says why a program cannot be built, and what to do.
type Error = initorder.Error

func fail(target, reason, do string, err error) *Error {
	return &Error{Target: target, Reason: reason, Do: do, Err: err}
}

// A CompileError is what the compiler said of one package, with who brought it.
type CompileError struct {
	Package string
	Module  string // path and version; "" for the standard library
	Via     string // the provider that links the package in; "" if the host does so by itself
	Lines   []string
	Notes   []string // what this build changed, which may be the reason
}

func (e *CompileError) Error() string {
	var b strings.Builder
	who := "the host"
	if e.Via != "" {
		who = "provider " + e.Via
	}
	fmt.Fprintf(&b, "%s does not compile: package %s", who, e.Package)
	if e.Module != "" {
		fmt.Fprintf(&b, " of %s", e.Module)
	}
	for _, line := range e.Lines {
		b.WriteString("\n  " + line)
	}
	for _, note := range e.Notes {
		b.WriteString("\nnote: " + note)
	}
	if e.Via != "" {
		b.WriteString("\ntry another version of it, or build without it")
	} else {
		b.WriteString("\nsee whether it does without providers: go build " + e.Package)
	}
	return b.String()
}

var (
	// compiled is how the go command begins what the compiler says of a package.
	compiled = regexp.MustCompile(`^# (\S+)`)

	// fetched names a module in what the go command says when it cannot fetch.
	fetched = regexp.MustCompile(`(?m)^(?:go: )?(?:\S+ imports )?(?:module )?([^\s:@]+\.[^\s:@]+(?:@[^\s:]+)?): `)
)

// causes are what the go command says of modules, and what to do about it.
var causes = []struct{ text, reason, do string }{
	{"module lookup disabled by GOPROXY=off", "the module is not in the module cache, and GOPROXY is off", "run once with a network, or give =./folder"},
	{"dial tcp", "the module cannot be fetched", "check the network and GOPROXY, or give =./folder"},
	{"connection refused", "the module cannot be fetched", "check the network and GOPROXY, or give =./folder"},
	{"i/o timeout", "the module cannot be fetched", "check the network and GOPROXY, or give =./folder"},
	{", not ", "the versions that were asked for exclude each other", "change one of the two"},
	{"does not contain package", "the module has no such package", "check the path"},
	{"unknown revision", "the module has no such version", "ask go list -m -versions for those it has"},
	{"no matching versions", "the module has no such version", "ask go list -m -versions for those it has"},
	{"404 Not Found", "there is no such module", "check the path; it is the one in its go.mod"},
	{"410 Gone", "there is no such module", "check the path; it is the one in its go.mod"},
	{"malformed module path", "it is no module path", "a path begins with a host, as example.com/x"},
	{"requires go >=", "it needs a newer Go", "install it, or ask for an older version of the provider"},
}

// translate says what an error of the go command has to do with providers.
func (p *Plan) translate(err error) error {
	text := err.Error()
	if e := p.compileError(text); e != nil {
		return e
	}
	for _, c := range causes {
		if strings.Contains(text, c.text) {
			return fail(p.target(text), c.reason, c.do, err)
		}
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	return fail(p.target(text), "the go command refuses", "", err)
}

// target is what a text of the go command is about: a provider, a module, or the host.
func (p *Plan) target(text string) string {
	longest := Provider{}
	for _, provider := range p.request.Providers {
		if strings.Contains(text, provider.Path) && len(provider.Path) > len(longest.Path) {
			longest = provider
		}
	}
	if longest.Path != "" {
		return "provider " + longest.String()
	}
	if found := fetched.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	return p.Host
}

// compileError finds the first package that the compiler complains about; the others
// are often its victims.
func (p *Plan) compileError(text string) *CompileError {
	var e *CompileError
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if found := compiled.FindStringSubmatch(line); found != nil {
			if e != nil {
				break
			}
			e = &CompileError{Package: found[1]}
			continue
		}
		if e != nil && line != "" {
			e.Lines = append(e.Lines, line)
		}
	}
	if e == nil {
		return nil
	}
	for i := range p.packages {
		if p.packages[i].ImportPath == e.Package {
			e.Module = p.packages[i].Module.String()
		}
	}
	e.Via = p.via(e.Package)
	e.Notes = p.Notes
	return e
}

// via is the provider that needs a package which the host does not need without it.
func (p *Plan) via(path string) string {
	asked := map[string]string{}
	for _, provider := range p.request.Providers {
		asked[provider.Path] = provider.String()
	}
	if own, ok := asked[path]; ok {
		return own
	}
	needs := map[string][]string{}
	for i := range p.packages {
		needs[p.packages[i].ImportPath] = p.packages[i].Imports
	}
	seen := map[string]bool{p.Host: true} // what the host needs by itself
	var walk func(at string)
	walk = func(at string) {
		if !seen[at] {
			seen[at] = true
			for _, next := range needs[at] {
				walk(next)
			}
		}
	}
	for _, next := range p.hostImports() {
		walk(next)
	}
	if seen[path] {
		return ""
	}
	for i := range p.packages {
		if own, ok := asked[p.packages[i].ImportPath]; ok && slices.Contains(p.packages[i].Deps, path) {
			return own
		}
	}
	return ""
}

// hostImports are the imports of the host's own files.
func (p *Plan) hostImports() []string {
	if len(p.packages) == 0 {
		return nil
	}
	var paths []string
	main := p.packages[len(p.packages)-1]
	for _, name := range slices.Concat(main.GoFiles, main.CgoFiles) {
		if filepath.IsAbs(name) {
			continue // it is the generated one
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(main.Dir, name), nil, parser.ImportsOnly)
		if err != nil {
			continue // the compiler will say so
		}
		for _, spec := range file.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err == nil {
				paths = append(paths, path)
			}
		}
	}
	return paths
}
