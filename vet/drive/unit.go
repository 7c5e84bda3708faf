package drive

import (
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/roster-go/roster/vet"
)

// IsUnit reports whether a program with these arguments was started by go vet, to analyse one package or
// to say what it is.
func IsUnit(args []string) bool {
	if len(args) == 0 {
		return false
	}
	return len(args) == 1 && slices.Contains([]string{"-V=full", "-flags"}, args[0]) ||
		strings.HasSuffix(args[len(args)-1], ".cfg")
}

// Unit does what go vet asks for, and ends the process.
func Unit() { unitchecker.Main(vet.Analyzers()...) }
