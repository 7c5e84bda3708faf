package providercheck

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
)

// verifiedFile is the record of what was seen, which the tests of package providers compare
// with the catalogue.
const verifiedFile = "../../providers/testdata/verified.txt"

// A claim is that importing a package registers names in a registry.
type claim struct {
	registry string // the Name of a providers.Registry
	owner    string // the package that has the registry
	path     string // the package to import
	names    []string
}

// key tells a claim from others. It is how a line of the record begins.
func (c *claim) key() string { return c.registry + "\t" + c.path + "\t" }

// line is the claim in the record, once it was seen to hold.
func (c *claim) line(module string) string {
	return c.key() + module + "\t" + strings.Join(c.names, "\t")
}

// readRecord reads the lines of the record.
func readRecord() ([]string, error) {
	data, err := os.ReadFile(verifiedFile)
	if err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	return strings.FieldsFunc(string(data), func(r rune) bool { return r == '\n' }), nil
}

// writeRecord puts lines in place of those with the same key, and drops the lines of claims
// that nobody makes any more.
func writeRecord(lines []string, claims []claim) error {
	old, err := readRecord()
	if err != nil {
		return err
	}
	made := make(map[string]bool, len(claims))
	for i := range claims {
		made[claims[i].key()] = true
	}
	record := make(map[string]string)
	for _, line := range slices.Concat(old, lines) {
		if key := keyOf(line); made[key] {
			record[key] = line
		}
	}
	sorted := make([]string, 0, len(record))
	for _, line := range record {
		sorted = append(sorted, line+"\n")
	}
	slices.SortFunc(sorted, cmp.Compare)
	if err := os.WriteFile(verifiedFile, []byte(strings.Join(sorted, "")), 0o644); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	return nil
}

// keyOf is the key of the claim that a line is about.
func keyOf(line string) string {
	fields := strings.SplitN(line, "\t", 3)
	if len(fields) < 3 {
		return ""
	}
	return fields[0] + "\t" + fields[1] + "\t"
}
