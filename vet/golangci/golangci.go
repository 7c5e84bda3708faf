// Package golangci makes the analyzers of package vet a linter of golangci-lint, by its module plugin system:
// golangci-lint custom builds it in when .custom-gcl.yml names this package, and .golangci.yml turns it on
// as a custom linter of type "module" with the name "roster".
//
// Settings:
//
//	disable: [gobname]   # analyzers that are not run
//	advice: true         # also globalregistry, which is advice on design
package golangci

import (
	"fmt"
	"slices"

	"github.com/golangci/plugin-module-register/register"
	"golang.org/x/tools/go/analysis"

	"github.com/roster-go/roster/vet"
)

// Name is the linter's name, in settings and in //nolint:roster.
const Name = "roster"

func init() { register.Plugin(Name, New) } //nolint:gochecknoinits // that is how golangci-lint finds a plugin

// Settings are what .golangci.yml may say.
type Settings struct {
	Disable []string `json:"disable"` // names of analyzers
	Advice  bool     `json:"advice"`
}

type plugin struct{ settings Settings }

var _ register.LinterPlugin = (*plugin)(nil)

// New makes the linter. An error names the setting that cannot be used.
func New(raw any) (register.LinterPlugin, error) {
	settings, err := register.DecodeSettings[Settings](raw)
	if err != nil {
		return nil, fmt.Errorf("settings of %s: %w", Name, err)
	}
	for _, name := range settings.Disable {
		if !slices.ContainsFunc(vet.Analyzers(), func(a *analysis.Analyzer) bool { return a.Name == name }) {
			return nil, fmt.Errorf("settings of %s: disable: there is no analyzer %q", Name, name)
		}
	}
	return &plugin{settings}, nil
}

// BuildAnalyzers returns the analyzers that are on.
func (p *plugin) BuildAnalyzers() ([]*analysis.Analyzer, error) {
	if p.settings.Advice {
		if err := vet.GlobalRegistry.Flags.Set("advice", "true"); err != nil {
			return nil, fmt.Errorf("turn advice on: %w", err)
		}
	}
	return slices.DeleteFunc(vet.Analyzers(), func(a *analysis.Analyzer) bool {
		return slices.Contains(p.settings.Disable, a.Name)
	}), nil
}

// GetLoadMode asks for types: the analyzers need them.
func (p *plugin) GetLoadMode() string { return register.LoadModeTypesInfo }
