package survey

import (
	"go/ast"
	"go/token"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// ignorePrefix starts a comment that silences an analyzer: //roster:ignore NAME reason.
const ignorePrefix = "//roster:ignore"

// A Silence knows where comments silence which analyzers.
type Silence struct {
	lines map[string]map[int][]string // by file and line, the names of analyzers
	Bad   []Malformed
}

// A Malformed is a comment that would silence an analyzer but has no reason.
type Malformed struct {
	Pos  token.Pos
	Text string
}

// At reports whether a comment on the line of pos, or on the line before, silences the analyzer.
func (s *Silence) At(fset *token.FileSet, pos token.Pos, analyzer string) bool {
	p := fset.Position(pos)
	for _, line := range []int{p.Line, p.Line - 1} {
		for _, name := range s.lines[p.Filename][line] {
			if name == analyzer || name == "all" {
				return true
			}
		}
	}
	return false
}

func silence(pass *analysis.Pass) *Silence {
	s := &Silence{lines: make(map[string]map[int][]string)}
	for _, file := range pass.Files {
		for _, group := range file.Comments {
			for _, c := range group.List {
				s.comment(pass.Fset, c)
			}
		}
	}
	return s
}

func (s *Silence) comment(fset *token.FileSet, c *ast.Comment) {
	rest, ok := strings.CutPrefix(c.Text, ignorePrefix)
	if !ok {
		return
	}
	fields := strings.Fields(rest)
	if len(fields) < 2 || rest[0] != ' ' {
		s.Bad = append(s.Bad, Malformed{c.Pos(), c.Text})
		return
	}
	p := fset.Position(c.Pos())
	if s.lines[p.Filename] == nil {
		s.lines[p.Filename] = make(map[int][]string)
	}
	s.lines[p.Filename][p.Line] = append(s.lines[p.Filename][p.Line], strings.Split(fields[0], ",")...)
}
