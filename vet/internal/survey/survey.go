// Package survey reads off a package what it registers, looks up and does before main starts. The
// analyzers of package vet judge what it finds; it reports nothing itself.
//
// It works on syntax, types and facts alone, without SSA: it follows static calls, through packages,
// and stops at the edge of the standard library, where a table says what a function does.
package survey

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/types/typeutil"
)

// Analyzer makes the Result that the other analyzers need.
var Analyzer = &analysis.Analyzer{
	Name:       "rostersurvey",
	Doc:        "collects what a package registers, looks up and does before main starts",
	Run:        run,
	ResultType: reflect.TypeFor[*Result](),
	FactTypes:  []analysis.Fact{new(Summary), new(Package)},
}

// A Result is what one package does, and what is known of all that it imports.
type Result struct {
	pass *analysis.Pass

	// Own are the registrations of this package, in the order of the code.
	Own []Registration
	// InitNeeds are the names that are looked up before main starts.
	InitNeeds []Need
	// Needs are the names that this package, as a program, looks up.
	Needs []Need
	// InitEffects are the effects of init functions and initialisers.
	InitEffects []Effect
	// Calls are the calls of functions with a role, wherever they are.
	Calls []Call
	// Spawned are the registrations of functions that are started as goroutines.
	Spawned []Registration
	// Program is the union over this package and all that it imports.
	Program *Package
	// Maps are the package variables that hold an inferred registry, with the functions that write them.
	Maps map[*types.Var][]*ast.FuncDecl
	// Silent says of a position that a comment silences an analyzer there.
	Silent *Silence

	funcs      map[*types.Func]*ast.FuncDecl
	initial    map[*types.Var]ast.Expr // initialisers of package variables
	assigned   map[*types.Var]bool     // variables that are written after their initialisation
	directives map[*types.Func][]Role
	summaries  map[*types.Func]*Summary
	open       map[string]bool
}

// initName is the name of the functions that run before main.
const initName = "init"

// A Call is a call of a function with a role.
type Call struct {
	Expr    *ast.CallExpr
	Role    Role
	Names   []string      // empty if they cannot be read off the code
	Func    *ast.FuncDecl // it is in; nil in the initialiser of a variable
	Spawned bool          // in a goroutine that is started here
	Stored  bool          // in a function literal that is not called here
	Guarded bool
	Phase   Phase
}

// Of returns the survey of the package of a pass that requires Analyzer.
func Of(pass *analysis.Pass) *Result { return pass.ResultOf[Analyzer].(*Result) } //nolint:errcheck,forcetypeassert // by ResultType

func run(pass *analysis.Pass) (any, error) {
	r := &Result{
		pass:       pass,
		Program:    &Package{},
		Maps:       make(map[*types.Var][]*ast.FuncDecl),
		funcs:      make(map[*types.Func]*ast.FuncDecl),
		initial:    make(map[*types.Var]ast.Expr),
		assigned:   make(map[*types.Var]bool),
		directives: make(map[*types.Func][]Role),
		summaries:  make(map[*types.Func]*Summary),
		open:       make(map[string]bool),
	}
	if IsStandard(pass.Pkg.Path()) {
		pass.ExportPackageFact(&Package{Acts: acts(pass)})
		r.Silent = &Silence{}
		return r, nil
	}
	r.Silent = silence(pass)
	r.index()
	r.infer()
	for fn := range r.funcs {
		if s := r.summary(fn); !s.empty() && fn.Name() != initName && fn.Name() != "_" {
			pass.ExportObjectFact(fn, exported(s))
		}
	}
	r.start()
	r.program()
	return r, nil
}

// exported is a summary without what only this pass understands.
func exported(s *Summary) *Summary {
	out := &Summary{Roles: s.Roles}
	for _, reg := range s.Registrations {
		reg.Pos = token.NoPos
		out.Registrations = append(out.Registrations, reg)
	}
	for _, n := range s.Needs {
		n.Pos = token.NoPos
		out.Needs = append(out.Needs, n)
	}
	for _, e := range s.Effects {
		e.Pos = token.NoPos
		out.Effects = append(out.Effects, e)
	}
	return out
}

// index finds the functions, the initialisers and the assignments of the package.
func (r *Result) index() {
	for _, file := range r.pass.Files {
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if fn, ok := r.pass.TypesInfo.Defs[d.Name].(*types.Func); ok && d.Body != nil {
					r.funcs[fn] = d
					r.directives[fn] = directivesOf(r.pass, d)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && len(v.Names) == len(v.Values) {
						r.initialisers(v)
					}
				}
			}
		}
		ast.Inspect(file, r.assignment)
	}
}

// assignment notes what is written, or may be through a pointer.
func (r *Result) assignment(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.AssignStmt:
		for _, lhs := range n.Lhs {
			r.wasAssigned(lhs)
		}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			r.wasAssigned(n.X)
		}
	}
	return true
}

func (r *Result) initialisers(v *ast.ValueSpec) {
	for i, name := range v.Names {
		if obj, ok := r.pass.TypesInfo.Defs[name].(*types.Var); ok {
			r.initial[obj] = v.Values[i]
		}
	}
}

func (r *Result) wasAssigned(e ast.Expr) {
	if id, ok := ast.Unparen(e).(*ast.Ident); ok {
		if v, ok := r.pass.TypesInfo.Uses[id].(*types.Var); ok {
			r.assigned[v] = true
		}
	}
}

// start looks at what runs before main and in main.
func (r *Result) start() {
	info := r.pass.TypesInfo
	for _, file := range r.pass.Files {
		test := strings.HasSuffix(r.pass.Fset.Position(file.Pos()).Filename, "_test.go")
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok {
						for _, value := range v.Values {
							r.begin(r.study(value, nil), InInit, test)
						}
					}
				}
			case *ast.FuncDecl:
				fn, ok := info.Defs[d.Name].(*types.Func)
				switch {
				case !ok || d.Body == nil:
				case d.Recv == nil && d.Name.Name == initName:
					r.begin(r.summary(fn), InInit, test)
				case d.Recv == nil && d.Name.Name == "main" && r.pass.Pkg.Name() == "main":
					r.begin(r.summary(fn), InMain, test)
				default:
					r.begin(r.summary(fn), InCall, test)
				}
			}
		}
	}
}

// begin takes over what one function does when it is started in a phase.
func (r *Result) begin(s *Summary, phase Phase, test bool) {
	if test {
		return
	}
	for _, reg := range s.Registrations {
		reg.Phase = phase
		if phase != InCall || reg.Package == r.pass.Pkg.Path() {
			r.Own = append(r.Own, reg)
		}
	}
	for _, n := range s.Needs {
		if phase == InInit && n.Called {
			r.InitNeeds = append(r.InitNeeds, n)
		}
		r.Needs = append(r.Needs, n)
	}
	if phase == InInit {
		r.InitEffects = append(r.InitEffects, s.Effects...)
	}
}

// program makes the package's fact.
func (r *Result) program() {
	p := r.Program
	p.Acts = acts(r.pass)
	seen := make(map[Registration]bool)
	add := func(reg Registration) {
		reg.Pos = token.NoPos
		if !seen[reg] {
			seen[reg] = true
			p.Registrations = append(p.Registrations, reg)
		}
	}
	for _, reg := range r.Own {
		add(reg)
	}
	for id := range r.open {
		p.Open = append(p.Open, id)
	}
	if catalogued[r.pass.Pkg.Path()] {
		p.Providers = append(p.Providers, r.pass.Pkg.Path())
	}
	for _, imported := range r.pass.Pkg.Imports() {
		var fact Package
		if !r.pass.ImportPackageFact(imported, &fact) {
			p.Acts = true // nothing is known
			continue
		}
		for _, reg := range fact.Registrations {
			add(reg)
		}
		p.Open = append(p.Open, fact.Open...)
		p.Providers = append(p.Providers, fact.Providers...)
		if IsStandard(imported.Path()) {
			if catalogued[imported.Path()] {
				p.Providers = append(p.Providers, imported.Path())
			}
		} else if fact.Acts {
			p.Acts = true
		}
	}
	slices.Sort(p.Open)
	p.Open = slices.Compact(p.Open)
	slices.Sort(p.Providers)
	p.Providers = slices.Compact(p.Providers)
	r.pass.ExportPackageFact(&Package{
		Registrations: p.Registrations, Open: p.Open, Providers: p.Providers, Acts: p.Acts,
	})
}

// acts reports whether importing the package may have an effect of its own: it has an init function, an
// initialiser that calls something, blank imports, or code that is not Go. It may for another system or with
// other build tags if it has files for them.
func acts(pass *analysis.Pass) bool {
	if len(pass.OtherFiles) > 0 || slices.ContainsFunc(pass.IgnoredFiles, func(name string) bool { return isOf(pass, name) }) {
		return true
	}
	for _, file := range pass.Files {
		for _, spec := range file.Imports {
			if spec.Name != nil && spec.Name.Name == "_" || spec.Path.Value == `"C"` {
				return true
			}
		}
		for _, decl := range file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == initName {
					return true
				}
			case *ast.GenDecl:
				if d.Tok == token.VAR && calls(pass, d) {
					return true
				}
			}
		}
	}
	return false
}

// isOf reports whether a file that was left out belongs to the package, and is not a test or a program to
// run by hand.
func isOf(pass *analysis.Pass, name string) bool {
	if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
		return false
	}
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly)
	return err != nil || file.Name.Name == pass.Pkg.Name()
}

// calls reports whether a declaration calls a function that is not a conversion, a builtin or errors.New.
func calls(pass *analysis.Pass, d *ast.GenDecl) bool {
	found := false
	ast.Inspect(d, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if tv := pass.TypesInfo.Types[n.Fun]; tv.IsType() || tv.IsBuiltin() {
				return true
			}
			switch fn := typeutil.StaticCallee(pass.TypesInfo, n); {
			case fn == nil:
				found = true
			case fn.FullName() != "errors.New" && fn.FullName() != "fmt.Errorf":
				found = true
			}
		}
		return !found
	})
	return found
}

// at is a position as facts and messages have it: the import path, the file and the line.
func at(pass *analysis.Pass, pos token.Pos) string {
	p := pass.Fset.Position(pos)
	return pass.Pkg.Path() + "/" + filepath.Base(p.Filename) + ":" + strconv.Itoa(p.Line)
}

// Import reads the fact about a package that is imported, and reports whether there is one.
func (r *Result) Import(imported *types.Package, fact *Package) bool {
	return r.pass.ImportPackageFact(imported, fact)
}
