package e2e_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// readYAML parses one of the files that people copy from vet/examples.
func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(docsRoot(t), "vet", "examples", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// TestVetExamples: the workflow, the hook and the settings for golangci-lint are what those tools read.
func TestVetExamples(t *testing.T) {
	var workflow struct {
		On   map[string]any
		Jobs map[string]struct {
			RunsOn string `yaml:"runs-on"`
			Steps  []struct {
				Uses, Run, If string
				With          map[string]string
			}
		}
	}
	readYAML(t, "github-action.yml", &workflow)
	steps := workflow.Jobs["vet"].Steps
	if _, ok := workflow.On["pull_request"]; !ok || workflow.Jobs["vet"].RunsOn == "" || len(steps) == 0 {
		t.Fatalf("workflow %+v", workflow)
	}
	var report string
	for _, step := range steps {
		if (step.Uses == "") == (step.Run == "") {
			t.Errorf("step %+v neither runs nor uses something", step)
		}
		if command, file, ok := strings.Cut(step.Run, " > "); ok && strings.HasPrefix(command, "roster vet -o sarif ") {
			report = file
		}
	}
	if last := steps[len(steps)-1]; report == "" || last.With["sarif_file"] != report || last.If != "always()" {
		t.Errorf("the report %q is not what is uploaded: %+v", report, last)
	}

	var hooks struct {
		Repos []struct {
			Repo  string
			Hooks []struct {
				ID, Name, Language, Entry string
				PassFilenames             bool `yaml:"pass_filenames"`
			}
		}
	}
	readYAML(t, "pre-commit-config.yaml", &hooks)
	hook := hooks.Repos[0].Hooks[0]
	if hooks.Repos[0].Repo != "local" || hook.Language != "system" || !strings.HasPrefix(hook.Entry, "roster vet ") || hook.PassFilenames {
		t.Errorf("hook %+v", hook)
	}

	var custom struct {
		Version string
		Plugins []struct{ Module, Import, Version string }
	}
	readYAML(t, "custom-gcl.yml", &custom)
	if p := custom.Plugins[0]; custom.Version == "" || !strings.HasPrefix(p.Import, p.Module+"/") || p.Version == "" {
		t.Errorf("plugin %+v", custom)
	}
	var settings struct {
		Linters struct {
			Enable   []string
			Settings struct {
				Custom map[string]struct{ Type string }
			}
		}
	}
	readYAML(t, "golangci.yml", &settings)
	if !slices.Contains(settings.Linters.Enable, "roster") || settings.Linters.Settings.Custom["roster"].Type != "module" {
		t.Errorf("settings %+v", settings)
	}
}
