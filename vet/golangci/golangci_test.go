package golangci_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/analysistest"

	"github.com/roster-go/roster/vet"
	"github.com/roster-go/roster/vet/golangci"
)

// TestPlugin gets the linter as golangci-lint does, by its name, and runs what it builds.
func TestPlugin(t *testing.T) {
	construct, err := register.GetPlugin(golangci.Name)
	if err != nil {
		t.Fatal(err)
	}
	linter, err := construct(map[string]any{"disable": []string{vet.GobName.Name}})
	if err != nil {
		t.Fatal(err)
	}
	if mode := linter.GetLoadMode(); mode != register.LoadModeTypesInfo {
		t.Errorf("load mode %s", mode)
	}
	analyzers, err := linter.BuildAnalyzers()
	if err != nil {
		t.Fatal(err)
	}
	if len(analyzers) != len(vet.Analyzers())-1 || slices.Contains(analyzers, vet.GobName) {
		t.Errorf("built %v", analyzers)
	}
	if err := analysis.Validate(analyzers); err != nil {
		t.Error(err)
	}
	i := slices.Index(analyzers, vet.ReflectTypeKey)
	testdata, err := filepath.Abs("../testdata")
	if err != nil {
		t.Fatal(err)
	}
	analysistest.Run(t, testdata, analyzers[i], "reflecttypekey")
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	for want, settings := range map[string]any{
		`no analyzer "nosuch"`: map[string]any{"disable": []string{"nosuch"}},
		"unknown field":        map[string]any{"enable": true},
	} {
		if _, err := golangci.New(settings); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", settings, err)
		}
	}
}
