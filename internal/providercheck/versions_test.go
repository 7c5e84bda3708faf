package providercheck

import (
	"fmt"
	"os"
	"strings"
)

// stdlib stands for the standard library where a module is asked for.
const stdlib = "std"

// versions are the pinned versions of modules by their path.
type versions map[string]string

// readVersions reads a file with a module and its version on each line, as the require block
// of a go.mod has them. Other lines do not count, nor indirect requirements and the modules of
// this repository.
func readVersions(name string) (versions, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the pinned versions: %w", err)
	}
	v := make(versions)
	for line := range strings.Lines(string(data)) {
		fields := strings.Fields(strings.TrimPrefix(line, "require "))
		if len(fields) < 2 || !strings.HasPrefix(fields[1], "v") || strings.HasPrefix(fields[0], ownModule) ||
			strings.Contains(line, "// indirect") {
			continue
		}
		v[fields[0]] = fields[1]
	}
	return v, nil
}

// moduleOf tells which of the pinned modules has the package, which is the one with the
// longest path.
func (v versions) moduleOf(pkg string) (module string, ok bool) {
	if first, _, _ := strings.Cut(pkg, "/"); !strings.Contains(first, ".") {
		return stdlib, true
	}
	for path := range v {
		if len(path) > len(module) && (pkg == path || strings.HasPrefix(pkg, path+"/")) {
			module = path
		}
	}
	return module, module != ""
}

// at is the module with its version, as verified.txt has it.
func (v versions) at(module string) string {
	if module == stdlib {
		return stdlib
	}
	return module + "@" + v[module]
}
