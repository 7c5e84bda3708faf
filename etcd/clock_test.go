package etcd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Nothing about leases, watches and their limits goes by the wall clock, which may jump.
// Times that come from time.Now have a monotonic reading, and Sub, Since, Until, After,
// Before and Add go by it, unless something takes it off. None of what does is used here.
//
// A test that sets the clock would have to set that of the machine: a time namespace of Linux
// moves the monotonic clocks only, and a preloaded library does not reach Go, which reads the
// clock without libc.
func TestNoWallClock(t *testing.T) {
	wall := []string{
		"Unix", "UnixMilli", "UnixMicro", "UnixNano", "UTC", "Local", "In", "Date", "AddDate", "Parse", "ParseInLocation",
		"Clock", "YearDay", "Weekday", "Equal", "Compare",
	}
	var looked int
	var sources []string
	for _, pattern := range []string{"*.go", "internal/follow/*.go", "internal/pace/*.go"} {
		sources = append(sources, must(filepath.Glob(pattern))(t)...)
	}
	for _, source := range sources {
		// An order of the kill switch has a time, for people; it decides nothing.
		if strings.HasSuffix(source, "_test.go") || source == "kills.go" {
			continue
		}
		files := token.NewFileSet()
		file := must(parser.ParseFile(files, source, nil, 0))(t)
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			name, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			looked++
			of, _ := name.X.(*ast.Ident)
			other := of != nil && slices.Contains([]string{"bytes", "cmp", "slices", "strings", "clientv3", "maps", "url"}, of.Name)
			if !other && slices.Contains(wall, name.Sel.Name) {
				t.Errorf("%s: %s may read the wall clock", files.Position(call.Pos()), name.Sel.Name)
			}
			return true
		})
	}
	if looked < 100 {
		t.Errorf("looked at %d calls only", looked)
	}
}
