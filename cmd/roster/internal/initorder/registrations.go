package initorder

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Registration is a call that registers a name while packages initialise, as the
// sources show it.
type Registration struct {
	Registry string `json:"registry"`
	Name     string `json:"name,omitempty"` // "" if only a running program knows it
	Package  string `json:"package"`
	Module   string `json:"module,omitempty"`
	At       string `json:"at"`   // package/file.go:line
	File     string `json:"file"` // file:line on this machine

	// Several reports that the registry may hold several values of one name.
	Several bool `json:"several,omitempty"`
	// Guarded reports that an if around the call may skip it.
	Guarded bool `json:"guarded,omitempty"`
}

// addRegistrations finds what the packages of an order register. packages come after all
// that they import.
func (o *Order) addRegistrations(packages []Package) {
	steps := map[string]int{}
	for i, s := range o.Steps {
		steps[s.Package] = i
	}
	for path, found := range Registrations(packages) {
		if i, ok := steps[path]; ok {
			o.Steps[i].Registrations = found
		}
	}
}

// Registrations finds what each package registers, by its path, or "main". Packages come
// after all that they import. They need not be compiled.
func Registrations(packages []Package) map[string][]Registration {
	s := newSources(packages)
	all := map[string][]Registration{}
	for i := range packages {
		p := &packages[i]
		if !s.concerns(p) {
			continue
		}
		checked, ok := s.check(p)
		if !ok {
			continue
		}
		s.addForwarders(checked)
		path, _, _ := strings.Cut(p.ImportPath, " ")
		if p.Name == mainPackage && !p.DepOnly {
			path = mainPackage
		}
		if found := s.calls(checked); len(found) > 0 {
			all[path] = found
		}
	}
	return all
}

// sources reads packages with their types.
type sources struct {
	fset     *token.FileSet
	known    map[string]register
	owners   map[string]bool // packages with a known function
	exports  map[string]string
	rostered map[string]bool // packages that import the registries of Roster, at any distance
	packages map[string]*Package
	imports  types.Importer
}

func newSources(packages []Package) *sources {
	s := &sources{
		fset: token.NewFileSet(), known: known(), owners: map[string]bool{},
		exports: map[string]string{}, packages: map[string]*Package{}, rostered: map[string]bool{rosterPath: true},
	}
	for function := range s.known {
		s.owners[ownerOf(function)] = true
	}
	compiled := true
	for i, p := range packages {
		path, _, _ := strings.Cut(p.ImportPath, " ")
		s.exports[path] = p.Export
		s.packages[path] = &packages[i]
		compiled = compiled && (p.Export != "" || path == "unsafe")
	}
	if !compiled {
		s.imports = &fromSource{s, map[string]*types.Package{}}
		return s
	}
	s.imports = importer.ForCompiler(s.fset, "gc", func(path string) (io.ReadCloser, error) {
		file := s.exports[path]
		if file == "" {
			return nil, fmt.Errorf("%s was not compiled", path)
		}
		return os.Open(file)
	})
	return s
}

// fromSource imports packages that are not compiled: it reads their declarations.
type fromSource struct {
	*sources

	done map[string]*types.Package
}

func (f *fromSource) Import(path string) (*types.Package, error) {
	if done := f.done[path]; done != nil {
		return done, nil
	}
	p := f.packages[path]
	if p == nil {
		return nil, fmt.Errorf("%s is not among the packages", path)
	}
	var files []*ast.File
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		file, err := parser.ParseFile(f.fset, p.file(name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err //nolint:wrapcheck // it goes to the type checker, which names the import
		}
		files = append(files, file)
	}
	config := types.Config{
		FakeImportC: true, IgnoreFuncBodies: true, Error: func(error) {},
		Importer: mapped{p.ImportMap, f},
	}
	done, _ := config.Check(path, f.fset, files, nil) // what cannot be typed is left out
	f.done[path] = done
	return done, nil
}

// file is a source of the package.
func (p *Package) file(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(p.Dir, name)
}

// concerns reports whether a package may register something or forward to what does.
func (s *sources) concerns(p *Package) bool {
	found := false
	for _, path := range p.Imports {
		path = cmp.Or(p.ImportMap[path], path)
		if s.rostered[path] {
			s.rostered[p.ImportPath] = true
			found = true
		}
		found = found || s.owners[path]
	}
	return found || !p.Standard && p.declaresRegister()
}

// declaresRegister reports whether a package has a function for others to register with.
func (p *Package) declaresRegister() bool {
	return slices.ContainsFunc(p.GoFiles, func(name string) bool {
		text, err := os.ReadFile(p.file(name))
		return err == nil && (strings.Contains(string(text), "\nfunc Register") || strings.Contains(string(text), "\nfunc MustRegister"))
	})
}

// A checkedPackage is a package with its syntax and types.
type checkedPackage struct {
	*Package

	files []*ast.File
	info  *types.Info
	decls map[types.Object]*ast.FuncDecl

	values map[types.Object]ast.Expr // what variables of the package begin as
}

// check parses and type-checks a package. What cannot be typed is left out: the compiler
// has seen it already.
func (s *sources) check(p *Package) (*checkedPackage, bool) {
	c := &checkedPackage{Package: p, decls: map[types.Object]*ast.FuncDecl{}, values: map[types.Object]ast.Expr{}, info: &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}}
	for _, name := range slices.Concat(p.GoFiles, p.CgoFiles) {
		file, err := parser.ParseFile(s.fset, p.file(name), nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, false
		}
		c.files = append(c.files, file)
	}
	config := types.Config{FakeImportC: true, Importer: mapped{p.ImportMap, s.imports}, Error: func(error) {}}
	_, _ = config.Check(p.ImportPath, s.fset, c.files, c.info)
	for _, file := range c.files {
		for _, d := range file.Decls {
			c.declare(d)
		}
	}
	return c, true
}

// declare notes the functions of a package, and what its variables begin as.
func (c *checkedPackage) declare(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if object := c.info.Defs[d.Name]; object != nil && d.Body != nil {
			c.decls[object] = d
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			values, ok := spec.(*ast.ValueSpec)
			if !ok || d.Tok != token.VAR || len(values.Values) != len(values.Names) {
				continue
			}
			for i, id := range values.Names {
				c.values[c.info.Defs[id]] = values.Values[i]
			}
		}
	}
}

// mapped imports what a package means by a path.
type mapped struct {
	paths   map[string]string
	imports types.Importer
}

func (m mapped) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	return m.imports.Import(cmp.Or(m.paths[path], path)) //nolint:wrapcheck // the type checker names the import
}

// callee is the function that a call calls, if that is known before it runs.
func (c *checkedPackage) callee(call *ast.CallExpr) *types.Func {
	fun := generic(call.Fun)
	var name *ast.Ident
	switch f := fun.(type) {
	case *ast.Ident:
		name = f
	case *ast.SelectorExpr:
		name = f.Sel
	default:
		return nil
	}
	f, _ := c.info.Uses[name].(*types.Func)
	if f == nil {
		return nil
	}
	return f.Origin()
}

// generic is a function without the types it is instantiated with.
func generic(fun ast.Expr) ast.Expr {
	fun = ast.Unparen(fun)
	switch f := fun.(type) {
	case *ast.IndexExpr:
		return f.X
	case *ast.IndexListExpr:
		return f.X
	}
	return fun
}

// keyOf is path.Func or path.Type.Method.
func keyOf(f *types.Func) string {
	if f.Pkg() == nil {
		return ""
	}
	receiver := f.Signature().Recv()
	if receiver == nil {
		return f.Pkg().Path() + "." + f.Name()
	}
	t := receiver.Type()
	if pointer, ok := t.(*types.Pointer); ok {
		t = pointer.Elem()
	}
	named, ok := t.(*types.Named)
	if !ok {
		return ""
	}
	return f.Pkg().Path() + "." + named.Obj().Name() + "." + f.Name()
}

// UnknownRegistry is the name of a registry that is no variable of a package.
const UnknownRegistry = "a registry"

// registryOf names the registry that a call of a known function registers in.
func (c *checkedPackage) registryOf(call *ast.CallExpr, r register) string {
	if r.registry != "" {
		return r.registry
	}
	selector, ok := generic(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return UnknownRegistry
	}
	on := selector.X
	if f := c.callee(call); f != nil && f.Signature().Recv() == nil && len(call.Args) > 0 {
		on = call.Args[0] // factory.Register(registry, …)
	}
	var name *ast.Ident
	switch x := ast.Unparen(on).(type) {
	case *ast.Ident:
		name = x
	case *ast.SelectorExpr:
		name = x.Sel
	case *ast.CallExpr: // codecs().Register
		if f := c.callee(x); f != nil {
			return keyOf(f) + "()"
		}
	}
	if name != nil {
		if v, ok := c.info.Uses[name].(*types.Var); ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope() {
			return v.Pkg().Path() + "." + v.Name()
		}
	}
	return UnknownRegistry
}
