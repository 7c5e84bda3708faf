package survey

import (
	"go/ast"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// registryPrefix starts a comment that describes a registry of one's own, above the function by which
// names get into it or are looked up:
//
//	//roster:registry codecs register name
//	//roster:registry codecs lookup name
//	//roster:registry backends register info.Name many anytime
const registryPrefix = "//roster:registry "

// directivesOf reads the comments above a function that describe its role. What is malformed says
// nothing.
func directivesOf(pass *analysis.Pass, d *ast.FuncDecl) []Role {
	if d.Doc == nil {
		return nil
	}
	var roles []Role
	for _, c := range d.Doc.List {
		rest, ok := strings.CutPrefix(c.Text, registryPrefix)
		if !ok {
			continue
		}
		if role, ok := directive(pass.Pkg, pass.TypesInfo, d, strings.Fields(rest)); ok {
			roles = append(roles, role)
		}
	}
	return roles
}

func directive(pkg *types.Package, info *types.Info, d *ast.FuncDecl, fields []string) (Role, bool) {
	if len(fields) < 3 || fields[1] != "register" && fields[1] != "lookup" {
		return Role{}, false
	}
	role := Role{
		Registry: Registry{ID: pkg.Path() + "." + fields[0], Inferred: true},
		Lookup:   fields[1] == "lookup",
		Value:    -1,
	}
	name, via, hasVia := strings.Cut(fields[2], ".")
	if hasVia && strings.HasSuffix(via, ")") {
		role.Via = via
	} else if hasVia {
		role.Via = "." + via
	}
	for _, word := range fields[3:] {
		switch word {
		case "many":
			role.Registry.Many = true
		case "anytime":
			role.Registry.Anytime = true
		}
	}
	fn, ok := info.Defs[d.Name].(*types.Func)
	if !ok {
		return Role{}, false
	}
	params := fn.Signature().Params()
	for i := range params.Len() {
		if params.At(i).Name() == name {
			role.Param = i
			if i+1 < params.Len() && !role.Lookup {
				role.Value = i + 1
			}
			return role, true
		}
	}
	return Role{}, false
}
