package deploy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
)

// repository is the folder above this one.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.work")); err != nil {
		t.Fatalf("the tests of deploy need a checkout of the repository: %v", err)
	}
	return root
}

// inWorkspace has the go command find the workspace, also where this module is tested without it.
const inWorkspace = "GOWORK="

// program finds a program of a Debian package. CI has it; elsewhere a test that needs it is left out without it.
func program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing := fmt.Sprintf("%v: install %s of Debian's package %s", err, name, debian)
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return path
}

// glob lists files, of which there has to be one.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("there is no %s", pattern)
	}
	return files
}

// readYAML decodes a file and refuses fields that into does not have.
func readYAML(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(text, into, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// exported are the names of all series that a daemon has.
func exported(t *testing.T) []string {
	t.Helper()
	metrics, err := ReadMetrics(filepath.Join(repository(t), MetricsList))
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Clone(generalMetrics)
	for _, m := range metrics {
		names = append(names, seriesOf(m)...)
	}
	return names
}
